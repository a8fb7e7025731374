"""What `deploy/` says is true of the product: its commands, its paths, its addresses, its exit codes."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.cli import GRACE_SECONDS, insights
from pipeline.options import INTERRUPTED
from pipeline.serving import OPEN_PATHS

ROOT = Path(__file__).resolve().parents[3]
UNIT = ROOT / "deploy" / "insights.service"
CONTAINER = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")


def unit() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys are not lower case
    parser.read(UNIT, encoding="utf-8")
    return parser["Service"]


def options_of(name: str) -> set[str]:
    return {option for parameter in insights.commands[name].params for option in parameter.opts}


def test_the_unit_starts_a_command_that_there_is() -> None:
    """`insights schedule --json`, and a stop that is not a failure and is longer than the product's own grace."""
    _, command, *options = unit()["ExecStart"].split()
    assert command == "schedule"
    assert set(options) <= options_of(command)
    assert int(unit()["TimeoutStopSec"]) > GRACE_SECONDS
    assert unit()["SuccessExitStatus"] == str(INTERRUPTED)
    assert unit()["RestartPreventExitStatus"] == "2"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    """Every key is one that systemd knows; only what is installed elsewhere is replaced."""
    copy = tmp_path / UNIT.name
    copy.write_text(
        UNIT.read_text(encoding="utf-8").replace("/opt/insights/bin/insights", "/bin/true"), encoding="utf-8"
    )
    done = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if UNIT.name in line] == []


def test_the_container_copies_what_there_is() -> None:
    """Every folder of the wheel and every file that its build needs, and nothing that is not there."""
    copied = {name for line in re.findall(r"^COPY (?!--)(.*) \S+$", CONTAINER, re.MULTILINE) for name in line.split()}
    assert {name for name in copied if not (ROOT / name).exists()} == set()
    assert {"pipeline", "connectors", "schemas", "config", "sandbox", "requirements.lock", "pyproject.toml"} <= copied


def test_the_container_asks_for_its_health_where_it_is_told() -> None:
    """The path that the product serves, on the port that is its default."""
    found = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", CONTAINER)
    assert found is not None
    assert (found[1], found[2] in OPEN_PATHS) == ("8765", True)
    assert 'CMD ["schedule", "--json"]' in CONTAINER
