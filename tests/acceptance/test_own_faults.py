"""A mistake of our own in one piece of work costs that piece alone; it is said, and the next load makes it up.

The mistake is put in by a listener that raises where an event is told: nothing else can make sound code fail at will.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox.loop import Loop
from tests.acceptance.one_loop import Stage, in_one_loop, staged
from tests.acceptance.one_loop import token as token  # noqa: PLC0414 - a fixture
from tests.acceptance.tiny import REPORT, SINCE, UNTIL, settings, world

ACCOUNTS = ("111", "222")
BEGINS = "a fault of this program, please report it with its log:"
CALM = {"late": 0, "lost": 0, "partial": 0, "empty": 0.9}
FEW = {"lines": 3, "parts": 1, "shares": CALM}
SETTINGS = {**settings(ACCOUNTS), "ad_objects": {"tables": ["campaigns"]}}


def stumbling(event: str, **where: str) -> Any:
    """A listener that breaks once, at an event whose fields hold these words."""
    met = [False]

    def hear(name: str, fields: Mapping[str, object]) -> None:
        if name == event and all(word in str(fields.get(field)) for field, word in where.items()) and not met[0]:
            met[0] = True
            raise KeyError("what nobody foresaw")

    return hear


@pytest.mark.parametrize(
    ("event", "where", "failed"),
    [
        ("report_run.submitted", {"question": "ads_insights 222"}, {("ads_insights", "222")}),
        ("page.read", {"question": "ads_insights 222"}, {("ads_insights", "222")}),
        ("landing.file_renamed", {"path": "ads_insights/account_id=222"}, {("ads_insights", "222")}),
        ("objects.page", {"listing": "222"}, {("campaigns", "222")}),
    ],
)
def test_a_mistake_costs_its_own_slices_alone(
    event: str, where: dict[str, str], failed: set[tuple[str, str]], tmp_path: Path
) -> None:
    """Exit 1; the failure names the mistake, asks to report it, and says where it is; nothing else is missing."""
    in_one_loop(lambda loop: _mistaken(loop, tmp_path, event, where, failed))


async def _mistaken(
    loop: Loop, folder: Path, event: str, where: Mapping[str, str], failed: set[tuple[str, str]]
) -> None:
    async with staged(loop, folder, world(ACCOUNTS), SETTINGS) as stage:
        summary = await stage.load(stumbling(event, **where))
        assert summary.exit_code == 1
        assert {(failure.table, failure.scope) for failure in summary.totals.failures} == failed
        for failure in summary.totals.failures:
            assert failure.error.startswith(
                "a fault of this program, please report it with its log: KeyError at pipeline/"
            )
            assert "what nobody foresaw" not in failure.error
        told = [fields for name, fields in stage.events if name == "bug"]
        assert {fields["error"] for fields in told} == {"KeyError: 'what nobody foresaw'"}
        landing = event.startswith("landing.")  # what was landing is rolled forward: its rows are there, whole
        _assert_holds(stage, [a for a in ACCOUNTS if landing or ("ads_insights", a) not in failed])
        again = await stage.load()
        assert (again.exit_code, again.totals.failures) == (0, [])
        _assert_holds(stage, ACCOUNTS)


def _assert_holds(stage: Stage, accounts: Any) -> None:
    stage.assert_holds(REPORT, [row for a in accounts for row in stage.truth(REPORT, a, SINCE, UNTIL)])


def test_a_mistake_costs_one_hour_and_not_those_after_it(tmp_path: Path) -> None:
    """The hours of brand safety do not come again: one that we stumble over fails, all others land."""
    in_one_loop(lambda loop: _stumbled_over(loop, tmp_path))


async def _stumbled_over(loop: Loop, folder: Path) -> None:
    there = {**world(ACCOUNTS), "businesses": [{"id": "900", "owned": list(ACCOUNTS)}]}
    wanted = {"business_ids": ["900"], "placements": ["facebook/feed"], "content": False}
    async with staged(loop, folder, there, SETTINGS, scenario={"rules": [], "brand_safety": FEW}) as stage:
        files = {"base_url": stage.url, "files_url": f"http://127.0.0.1:{stage.state.files_port}"}
        stage.settings = {**SETTINGS, "graph": files, "brand_safety": wanted}
        summary = await stage.load(stumbling("part.fetched", file="2026-11-18T07:00"))
        assert summary.exit_code == 1
        assert [(failure.table, failure.slice) for failure in summary.totals.failures] == [
            ("brand_safety_impressions", "2026-11-18T07:00")
        ]
        states = Counter(state for _, state in stage.states("brand_safety_impressions"))
        assert states.keys() == {"landed", "empty", "failed"}
        assert states["failed"] == 1
        _assert_holds(stage, ACCOUNTS)
        assert (await stage.load()).exit_code == 0


def test_a_mistake_about_objects_named_by_facts_costs_one_account(tmp_path: Path) -> None:
    """What the other's facts name is read by id all the same; the next load makes it up."""
    in_one_loop(lambda loop: _unclosed(loop, tmp_path))


async def _unclosed(loop: Loop, folder: Path) -> None:
    wanted = {**settings(ACCOUNTS), "ad_objects": {"tables": ["ads"]}}
    nothing = {"reply": {"status": 200, "body": '{"data": []}'}}
    async with staged(loop, folder, world(ACCOUNTS), wanted) as stage:
        stage.state.scenario.load([{"match": {"op": "list", "path": "/ads$"}, "times": None, "do": nothing}])
        summary = await stage.load(stumbling("objects.closed", account="111"))
        [failure] = summary.totals.failures
        assert (summary.exit_code, failure.table, failure.scope) == (1, "ad_objects", "111")
        assert failure.error.startswith(f"{BEGINS} KeyError at pipeline/")
        _assert_holds(stage, ACCOUNTS)
        assert {row["account_id"] for row in stage.rows("SELECT account_id FROM ads")} == {"222"}
        assert (await stage.load()).exit_code == 0
        assert {row["account_id"] for row in stage.rows("SELECT account_id FROM ads")} == set(ACCOUNTS)


@pytest.mark.parametrize("event", ["publish.built", "publish.replacing", "publish.replaced"])
def test_a_mistake_while_publishing_leaves_what_landed_to_the_next(event: str, tmp_path: Path) -> None:
    """One message, no traceback; the warehouse is a whole one at any time."""
    in_one_loop(lambda loop: _unpublished(loop, tmp_path, event))


async def _unpublished(loop: Loop, folder: Path, event: str) -> None:
    async with staged(loop, folder, world(ACCOUNTS), SETTINGS) as stage:
        assert (await stage.load()).exit_code == 0
        await stage.a_day_later()
        summary = await stage.load(stumbling(event))
        [failure] = summary.totals.failures
        assert (summary.exit_code, failure.table, failure.remedy) == (1, "warehouse", "insights publish")
        assert f"not published ({BEGINS} KeyError at pipeline/" in failure.error
        assert "what nobody foresaw" not in failure.error
        assert stage.rows("SELECT count(*) > 0 AS there FROM ads_insights") == [{"there": True}]
        assert (await stage.load()).exit_code == 0
        _assert_holds(stage, ACCOUNTS)
