import ast
from pathlib import Path

import sandbox
from sandbox.field_names import REQUESTABLE, ROW_COLUMNS
from sandbox.seeded import seeded_world, size_named
from tests.sandbox.client import Client
from tests.sandbox.conftest import Start

YESTERDAY = {"level": "ad", "date_preset": "yesterday", "fields": "ad_id,impressions,spend"}


async def test_seed_decides(start: Start) -> None:
    """The same seed gives the same rows, another seed others."""
    found = []
    for seed in (7, 7, 8):
        async with start(seeded_world(seed)) as client:
            found.append(await client.truth(**YESTERDAY))
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_sizes() -> None:
    """The small world has 3 accounts with 12 ads each, the demo 5 with 60 to 150."""
    small, demo = seeded_world(7, size_named("small")), seeded_world(7, size_named("demo"))
    assert [len(small.children(account, "ad")) for account in small.accounts] == [12, 12, 12]
    assert [len(demo.children(account, "ad")) for account in demo.accounts] == [60, 97, 134, 81, 118]
    assert list(demo.accounts) == ["111", "222", "333", "444", "555"]


def test_large_world() -> None:
    """A large world has as many accounts and ads as were asked for, the sixth account in yen."""
    large = seeded_world(7, size_named("large", accounts=8, ads=30))
    assert [len(large.children(account, "ad")) for account in large.accounts] == [30] * 8
    assert large.accounts["666"].data["currency"] == "JPY"


async def test_every_documented_field_is_accepted(client: Client) -> None:
    """All requestable names of graph-api.md 2.14 are accepted; a third of the metrics have values."""
    answer = await client.get(
        "act_111/insights", level="ad", fields=sorted(REQUESTABLE), date_preset="yesterday", limit="500"
    )
    assert answer.status == 200
    assert len(REQUESTABLE) == 235
    assert len({name for row in answer.rows for name in row}) > 60


async def test_breakdown_columns_are_no_fields(client: Client) -> None:
    """Columns that only a breakdown brings are refused in fields, each by its name."""
    for name in sorted(ROW_COLUMNS - REQUESTABLE):
        error = (await client.get("act_111/insights", fields=name)).error
        assert (error["code"], error["message"].partition(" is not")[0]) == (100, f"(#100) {name}")


async def test_spend_has_six_decimals(client: Client) -> None:
    """Some ads spend in millionths, others in cents."""
    decimals = {len(row["spend"].partition(".")[2]) for row in await client.truth(**YESTERDAY)}
    assert max(decimals) == 6
    assert min(decimals) <= 2


def test_imports_nothing_of_ours() -> None:
    """The sandbox imports neither pipeline nor connectors, schemas or config."""
    folder = Path(sandbox.__file__).parent
    found = {
        ((node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name).partition(".")[0]
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert not found & {"pipeline", "connectors", "schemas", "config", "tests"}
