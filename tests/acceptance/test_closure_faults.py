"""What becomes of objects that only facts name when Meta's answers about them go wrong, as one table.

A line has two letters: what becomes of an ad whom the fault meets once, and of one whom it meets at every asking.

    T   its row is there, exactly as the truth has it
    M   Meta's refusal stands in `meta.missing_objects`; it is asked again when a week has passed
    N   nothing is known of it yet; the next load asks again

The other ads of the same request are there each time, facts land whatever happens, and the load is a success: an object
that cannot be read is no hole in the numbers. When the fault is over and the week has passed, all is there.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.summary import Summary
from sandbox.loop import Loop
from tests.acceptance.one_loop import Stage, in_one_loop, staged
from tests.acceptance.one_loop import token as token  # noqa: PLC0414 - a fixture
from tests.acceptance.tiny import ADS, REPORT, SINCE, UNTIL, settings, world

ACCOUNT = "111"
IDS = [f"{ACCOUNT}3{number}" for number in range(ADS)]
ONCE, ALWAYS, *SPARED = IDS
WEEK_SECONDS = 8 * 24 * 3600
THRICE = 3

TABLE = """
fault       fate
2           TN
1           TN
1/99        NN
100/33      MM
100         NN
200         MM
10          MM
80004       TT
17          TT
613         TT
null_part   TT
no_id       TN
nothing     TN
html        TN
"""
OTHERS: Mapping[str, Mapping[str, Any]] = {
    "null_part": {"null_part": True},
    "no_id": {"reply": {"status": 200, "body": "{}"}},
    "nothing": {"reply": {"status": 200, "body": ""}},
    "html": {"reply": {"status": 502, "body": "<html>Bad Gateway</html>"}},
}
WAITED_FOR = {"80004", "17", "613", "null_part"}
"""However long it lasts: here three times."""


def lines() -> Iterator[tuple[str, str]]:
    _, *found = (tuple(line.split()) for line in TABLE.strip().splitlines())
    return ((fault, fates) for fault, fates in found)


def unlisted() -> dict[str, Any]:
    """No listing shows an ad: each is read by its id."""
    reply = {"status": 200, "body": json.dumps({"data": []})}
    return {"match": {"op": "list", "path": f"act_{ACCOUNT}/ads"}, "times": None, "do": {"reply": reply}}


def fate(stage: Stage, ad: str) -> str:
    """The letter of an ad."""
    found = stage.rows(f"SELECT name, adset_id, effective_status FROM ads WHERE id = '{ad}'")
    if found:
        truth = stage.state.world.nodes[ad]
        assert found == [
            {"name": truth.data["name"], "adset_id": truth.adset_id, "effective_status": truth.status},
        ]
        return "T"
    return "M" if stage.rows(f"SELECT 1 FROM meta.missing_objects WHERE id = '{ad}'") else "N"


def assert_facts(stage: Stage, summary: Summary) -> None:
    assert (summary.exit_code, summary.totals.failures) == (0, [])
    stage.assert_holds(REPORT, stage.truth(REPORT, ACCOUNT, SINCE, UNTIL))


async def told(loop: Loop, folder: Path, fault: str, fates: str) -> None:
    wanted = {**settings([ACCOUNT]), "ad_objects": {"tables": ["ads"]}}
    do = OTHERS.get(fault) or {"fault": fault}
    often = THRICE if fault in WAITED_FOR else None
    async with staged(loop, folder, world([ACCOUNT]), wanted) as stage, asyncio.timeout(3 * WEEK_SECONDS):
        faults = [
            {"match": {"op": "object", "path": f"/{ad}$"}, "times": times, "do": do}
            for ad, times in ((ONCE, 1), (ALWAYS, often))
        ]
        stage.state.scenario.load([unlisted(), *faults])
        assert_facts(stage, await stage.load())
        assert fate(stage, ONCE) + fate(stage, ALWAYS) == fates
        assert {fate(stage, ad) for ad in SPARED} == {"T"}
        stage.state.scenario.load([unlisted()])
        again = await stage.load()
        assert again.exit_code == 0
        assert [fate(stage, ad) for ad in (ONCE, ALWAYS)] == ["M" if letter == "M" else "T" for letter in fates]
        await asyncio.sleep(WEEK_SECONDS)
        await stage.load()
        assert {fate(stage, ad) for ad in IDS} == {"T"}


@pytest.mark.parametrize(("fault", "fates"), [*lines()])
def test_a_fault_about_one_object_costs_no_other(fault: str, fates: str, tmp_path: Path) -> None:
    """One line of the table."""
    in_one_loop(lambda loop: told(loop, tmp_path, fault, fates))


def test_a_refused_object_that_a_listing_shows_again_is_missing_no_longer(tmp_path: Path) -> None:
    """`meta.missing_objects` holds what Meta refuses, not what it once refused."""
    in_one_loop(lambda loop: _shown_again(loop, tmp_path))


async def _shown_again(loop: Loop, folder: Path) -> None:
    wanted = {**settings([ACCOUNT]), "ad_objects": {"tables": ["ads"]}}
    async with staged(loop, folder, world([ACCOUNT]), wanted) as stage:
        refusal = {"match": {"op": "object", "path": f"/{ALWAYS}$"}, "times": None, "do": {"fault": "100/33"}}
        stage.state.scenario.load([unlisted(), refusal])
        assert_facts(stage, await stage.load())
        assert stage.rows("SELECT id FROM meta.missing_objects") == [{"id": ALWAYS}]
        stage.state.scenario.load([])
        await stage.a_day_later()
        assert (await stage.load()).exit_code == 0
        assert {fate(stage, ad) for ad in IDS} == {"T"}
        assert stage.rows("SELECT id FROM meta.missing_objects") == []
