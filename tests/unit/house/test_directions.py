"""The rooms lean on each other in one direction only, and each library has one door."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("pipeline", "connectors", "config", "schemas", "sandbox", "benchmarks", "tests")
MAY_LEAN_ON = {
    "schemas": {"schemas"},
    "config": {"config", "schemas"},
    "connectors": {"connectors", "schemas"},
    "pipeline": {"pipeline", "connectors", "config", "schemas", "sandbox"},
    "sandbox": {"sandbox"},
}
ONE_DOOR = {
    "aiohttp": {
        "connectors/http/client.py",
        "pipeline/serving.py",  # its server, not its client
        "pipeline/status_page/application.py",
        "pipeline/status_page/serving.py",
    },
    "apscheduler": {"pipeline/bell.py"},
    "jinja2": {"pipeline/status_page/pages.py"},
    "sqlite3": {"pipeline/ledger.py", "pipeline/ledger_file.py", "pipeline/cli.py"},
    "click": {"pipeline/cli.py", "pipeline/options.py", "pipeline/demo.py"},
    "rich": {"pipeline/progress.py"},
    "pydantic": {"config/settings.py"},
}


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, also inside functions and for types alone."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def files_of(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("room", MAY_LEAN_ON)
def test_a_room_leans_only_on_those_below_it(room: str) -> None:
    """`pipeline -> connectors -> schemas`, never back; the sandbox imports nothing of ours."""
    strangers = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files_of(room)
        for name in imports_of(path)
        if name.split(".")[0] in ROOMS and name.split(".")[0] not in MAY_LEAN_ON[room]
    }
    assert set() == strangers


def test_only_the_assembly_takes_settings_apart() -> None:
    """Rooms receive values; of `pipeline` only the assembly and the commands around it know the configuration."""
    knowing = {
        path.name for path in files_of("pipeline") for name in imports_of(path) if name.split(".")[0] == "config"
    }
    assert {"assembly.py", "cli.py", "options.py"} == knowing


def test_only_the_commands_know_the_sandbox() -> None:
    """`insights demo` and `insights sandbox` start it; nothing else of the product knows that it exists."""
    knowing = {
        path.name for path in files_of("pipeline") for name in imports_of(path) if name.split(".")[0] == "sandbox"
    }
    assert knowing <= {"cli.py", "demo.py"}


@pytest.mark.parametrize("library", ONE_DOOR)
def test_each_library_has_one_door(library: str) -> None:
    """To change a library one opens one file."""
    found = {
        str(path.relative_to(ROOT))
        for room in ("pipeline", "connectors", "config", "schemas")
        for path in files_of(room)
        if library in {name.split(".")[0] for name in imports_of(path)}
    }
    assert found <= ONE_DOOR[library]
    assert found


def test_families_do_not_know_each_other_and_http_knows_no_meta() -> None:
    """Inside `connectors`: a family leans on `graph`, `graph` on `http`, and `http` has never heard of Graph."""
    http = {name for path in files_of("connectors/http") for name in imports_of(path)}
    assert not [name for name in http if name.startswith(("connectors.graph", "connectors.pace", "schemas"))]
    graph = {name for path in files_of("connectors/graph") for name in imports_of(path)}
    assert not [name for name in graph if name.startswith(("connectors.ads_insights", "connectors.ad_objects"))]


def test_the_modules_of_each_room_form_no_circle() -> None:
    """No module reaches itself through imports, typing included."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for room in MAY_LEAN_ON
        for path in files_of(room)
    }
    arrows = {name: {target for target in imports_of(path) if target in modules} for name, path in modules.items()}
    done: set[str] = set()

    def walk(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join((*way[way.index(name) :], name))
        if name in done:
            return
        for target in arrows[name] - {name}:
            walk(target, (*way, name))
        done.add(name)

    for name in arrows:
        walk(name, ())
