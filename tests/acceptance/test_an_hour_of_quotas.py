"""Hours of quotas with five accounts of different size: the large one meets its limits, nobody else waits for it.

The Limited tier, a fifth of its allowance: a call costs one percent of its account's hour. Answers take a fifth of a
second, so that several are under way when one is refused. Everything is told by the sandbox's log of calls.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.calls import Logged
from sandbox.loop import Loop
from sandbox.options import ServerOptions
from tests.acceptance.one_loop import NOW, Stage, in_one_loop, staged
from tests.acceptance.one_loop import token as token  # noqa: PLC0414 - a fixture
from tests.acceptance.tiny import REPORT, settings

ADS = {"111": 1, "222": 1, "333": 2, "444": 4, "555": 40}
SMALL, LARGE = ("111", "222", "333", "444"), "555"
DAYS = [date(2026, 11, 19) - timedelta(days=n) for n in range(30)]
LATENCY = timedelta(seconds=0.2)
OPTIONS = ServerOptions(
    tier="development_access", quota_scale=0.2, score_scale=1, async_row_limit=40, latency_seconds=0.2, run_seconds=5
)
REFUSED = 80000
INSIGHTS = frozenset({"submit", "poll", "page", "sync"})


def world(ads: Mapping[str, int]) -> dict[str, Any]:
    """Accounts with so many ads, each with a row on each of thirty days; a run bears forty rows."""
    nodes = [
        {"id": f"{account}3{n:03}", "adset_id": f"{account}2"} for account, most in ads.items() for n in range(most)
    ]
    return {
        "accounts": [{"id": account} for account in ads],
        "campaigns": [{"id": f"{account}1", "account_id": account} for account in ads],
        "adsets": [{"id": f"{account}2", "campaign_id": f"{account}1"} for account in ads],
        "ads": nodes,
        "facts": [{"ad_id": ad["id"], "date": str(day), "impressions": day.day} for ad in nodes for day in DAYS],
    }


def configured(ads: Mapping[str, int], target: int) -> dict[str, Any]:
    return {**settings(list(ads), since=DAYS[-1], mode="async"), "pace": {"target_utilisation": target}}


def calls_of(calls: Sequence[Logged], account: str) -> list[tuple[datetime, Logged]]:
    found = [call for call in calls if call.account == account and call.op in INSIGHTS]
    return [(datetime.fromisoformat(call.at), call) for call in found]


def assert_silent_while_blocked(calls: Sequence[Logged], account: str) -> None:
    """Once a refusal was received, the next call that is sent is let in."""
    refused: datetime | None = None
    for at, call in calls_of(calls, account):
        if call.code == REFUSED:
            assert refused is None or at <= refused + 2 * LATENCY, f"sent while blocked: {call}"
            refused = refused or at
        elif refused is not None and at > refused + 2 * LATENCY:
            refused = None


def assert_whole(stage: Stage) -> None:
    stage.assert_holds(REPORT, [row for account in ADS for row in stage.truth(REPORT, account, DAYS[-1], DAYS[0])])


def finished(stage: Stage, account: str) -> datetime:
    return calls_of(stage.calls, account)[-1][0]


async def alone(loop: Loop, folder: Path) -> dict[str, timedelta]:
    """How long each small account takes when nobody is beside it."""
    took = {}
    for account in SMALL:
        ads = {account: ADS[account]}
        begun = NOW + timedelta(seconds=loop.elapsed)
        place = folder / account
        async with staged(loop, place, world(ads), configured(ads, 85), options=OPTIONS, now=NOW) as stage:
            assert (await stage.load()).exit_code == 0
            took[account] = finished(stage, account) - begun
    return took


def test_a_quota_is_used_up_and_never_tripped(tmp_path: Path) -> None:
    """Under the target no call is refused, although the large account needs hours of its quota; all of it lands."""

    async def main(loop: Loop) -> None:
        took = await alone(loop, tmp_path)
        begun = loop.elapsed
        async with staged(loop, tmp_path, world(ADS), configured(ADS, 85), options=OPTIONS, now=NOW) as stage:
            summary = await stage.load()
            assert (summary.exit_code, summary.throttled_responses) == (0, 0)
            assert Counter(call.code for call in stage.calls if call.code) == {}
            large = len(calls_of(stage.calls, LARGE))
            hours = (loop.elapsed - begun) / 3600
            assert 1 < hours < 1.5 * large / 85 + 0.5
            start = NOW + timedelta(seconds=begun)
            for account in SMALL:
                assert finished(stage, account) - start <= took[account] + timedelta(seconds=15), account
            assert_whole(stage)

    in_one_loop(main)


def test_nothing_is_sent_while_blocked(tmp_path: Path) -> None:
    """With a target of 100 % refusals come: after each one the account is silent until it is let in again."""

    async def main(loop: Loop) -> None:
        async with staged(loop, tmp_path, world(ADS), configured(ADS, 100), options=OPTIONS) as stage:
            summary = await stage.load()
            assert summary.exit_code == 0
            assert summary.throttled_responses > 0
            for account in ADS:
                assert_silent_while_blocked(stage.calls, account)
            assert max(finished(stage, account) for account in SMALL) < finished(stage, LARGE) - timedelta(minutes=30)
            assert_whole(stage)

    in_one_loop(main)


class Killed(BaseException):
    """The process is gone."""


def test_a_load_killed_in_a_block_sends_nothing_before_its_end(tmp_path: Path) -> None:
    """The next process knows the deadline: the large account stays silent until then, the small ones go on at once."""
    deadlines: list[datetime] = []

    def killer(event: str, fields: Mapping[str, object]) -> None:
        if event == "quota.blocked" and fields["quota"] == f"{LARGE}/insights" and fields["code"] == REFUSED:
            deadlines.append(datetime.fromisoformat(str(fields["until"])))
            raise Killed

    async def main(loop: Loop) -> None:
        late = replace(OPTIONS, latency_seconds=0)
        refusal = {"match": {"op": "submit", "account": LARGE, "nth": 5}, "do": {"fault": "80000"}}
        async with staged(loop, tmp_path, world(ADS), configured(ADS, 100), options=late) as stage:
            stage.state.scenario.load([refusal])
            with pytest.raises(BaseExceptionGroup):
                await stage.load(killer)
            until = max(deadlines)
            assert until > stage.now
            before = len(stage.calls)
            assert (await stage.load()).exit_code == 0
            after = stage.calls[before:]
            assert calls_of(after, LARGE)[0][0] >= until
            small = [at for account in SMALL for at, _ in calls_of(after, account)]
            assert all(at < until for at in small)
            assert_silent_while_blocked(stage.calls, LARGE)
            assert_whole(stage)

    in_one_loop(main)
