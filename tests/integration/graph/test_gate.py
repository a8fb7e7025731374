"""Waiting at the gate: who goes when, with a clock that passes only by sleeping."""

import asyncio
from datetime import timedelta

import pytest

from connectors.errors import GaveUp, Throttled
from connectors.pace.gate import Gate
from connectors.pace.governor import Governor
from connectors.pace.quotas import Quota, Reading, drawn_by_insights, drawn_by_objects, of_account
from tests.integration.graph.stage import BORN, FakeClock


class Crowd:
    """Calls that pass the gate, note their names and stay until let go."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.inside: list[str] = []
        self.order: list[str] = []
        self.go = asyncio.Event()

    async def call(self, name: str, quotas: frozenset[Quota]) -> None:
        """Pass, stay, leave."""
        async with self.gate.enter(quotas):
            self.order.append(name)
            self.inside.append(name)
            await asyncio.sleep(0)
            await self.go.wait()
            self.inside.remove(name)


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


def close(governor: Governor, quota: Quota, seconds: float) -> None:
    """A refusal at the beginning of time."""
    governor.refuse(Throttled("no", quotas=frozenset({quota}), wait_seconds=seconds), BORN, 0)


async def test_accounts_take_turns(governor: Governor, clock: FakeClock) -> None:
    """A small account behind a large one goes second, not last."""
    gate = Gate(governor, clock, per_account=8, overall=1)
    crowd = Crowd(gate)
    crowd.go.set()
    async with asyncio.TaskGroup() as group:
        for name, account in [
            ("a1", "1"),
            ("a2", "1"),
            ("a3", "1"),
            ("a4", "1"),
            ("b1", "2"),
            ("b2", "2"),
            ("c1", "3"),
        ]:
            group.create_task(crowd.call(name, drawn_by_insights(account)))
    assert crowd.order == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]


async def test_so_many_per_account_and_over_all(governor: Governor, clock: FakeClock) -> None:
    """A large account fills its own places and no more."""
    crowd = Crowd(Gate(governor, clock, per_account=2, overall=3))
    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(crowd.call(f"a{number}", drawn_by_insights("1")))
        for number in range(5):
            group.create_task(crowd.call(f"b{number}", drawn_by_insights("2")))
        await settled()
        assert crowd.inside == ["a0", "a1", "b0"]
        crowd.go.set()
    assert len(crowd.order) == 10


async def test_a_closed_quota_holds_up_nothing_else(governor: Governor, clock: FakeClock) -> None:
    """Insights of account 1 wait; its objects and account 2 do not, though they came later."""
    close(governor, of_account("1", "insights"), 600)
    gate = Gate(governor, clock)
    crowd = Crowd(gate)
    crowd.go.set()
    async with asyncio.TaskGroup() as group:
        group.create_task(crowd.call("insights 1", drawn_by_insights("1")))
        group.create_task(crowd.call("objects 1", drawn_by_objects("1")))
        group.create_task(crowd.call("insights 2", drawn_by_insights("2")))
    assert crowd.order == ["objects 1", "insights 2", "insights 1"]
    assert clock.seconds == 600
    assert gate.seconds_waited == 600


async def test_waiting_is_counted_once_for_a_crowd(governor: Governor, clock: FakeClock) -> None:
    """Ten calls before one closed quota wait ten minutes, not a hundred."""
    close(governor, of_account("1", "insights"), 600)
    gate = Gate(governor, clock)
    crowd = Crowd(gate)
    crowd.go.set()
    async with asyncio.TaskGroup() as group:
        for number in range(10):
            group.create_task(crowd.call(str(number), drawn_by_insights("1")))
    assert gate.seconds_waited == 600
    assert clock.slept == [600]


async def test_near_the_target_calls_go_one_at_a_time(governor: Governor, clock: FakeClock) -> None:
    """The next goes in when the one before has left, without any deadline."""
    governor.learn([Reading(of_account("1", "insights"), 80)], BORN)
    crowd = Crowd(Gate(governor, clock))
    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(crowd.call(str(number), drawn_by_insights("1")))
        await settled()
        assert crowd.inside == ["0"]
        crowd.go.set()
    assert crowd.order == ["0", "1", "2"]
    assert clock.seconds == 0


async def test_who_cannot_wait_that_long_is_sent_away(governor: Governor, clock: FakeClock) -> None:
    """At once, and the others wait on."""
    close(governor, of_account("1", "insights"), 600)
    gate = Gate(governor, clock)
    with pytest.raises(GaveUp, match="too late"):
        async with gate.enter(drawn_by_insights("1"), BORN + timedelta(seconds=599)):
            pass
    assert clock.seconds == 0
    async with gate.enter(drawn_by_insights("1"), BORN + timedelta(seconds=600)):
        assert clock.seconds == 600


async def test_a_deadline_learned_meanwhile_sends_away_too(governor: Governor, clock: FakeClock) -> None:
    """A call that waits for a place gives up when its quota is closed for too long."""
    gate = Gate(governor, clock, overall=1)
    async with gate.enter(drawn_by_insights("2")):
        waiting = asyncio.create_task(gate.enter(drawn_by_insights("1"), BORN + timedelta(seconds=10)).__aenter__())
        await settled()
        close(governor, of_account("1", "insights"), 600)
    with pytest.raises(GaveUp):
        await waiting


async def test_cancelled_calls_leave_no_trace(governor: Governor, clock: FakeClock) -> None:
    """Waiting or inside or just let in: the place is free again and nothing is left running."""
    gate = Gate(governor, clock, overall=1)
    crowd = Crowd(gate)
    inside = asyncio.create_task(crowd.call("inside", drawn_by_insights("1")))
    waiting = asyncio.create_task(crowd.call("waiting", drawn_by_insights("1")))
    next_ = asyncio.create_task(crowd.call("next", drawn_by_insights("2")))
    await settled()
    waiting.cancel()
    inside.cancel()
    await asyncio.gather(inside, waiting, return_exceptions=True)
    next_.cancel()
    await asyncio.gather(next_, return_exceptions=True)
    assert repr(gate) == "Gate(under way {}, waiting {}, next look None)"
    async with gate.enter(drawn_by_insights("1")):
        assert repr(gate) == "Gate(under way {'1': 1}, waiting {}, next look None)"


async def test_a_cancelled_wait_for_a_deadline_stops_the_alarm(governor: Governor) -> None:
    """No sleeper outlives those for whom it sleeps."""

    class Still(FakeClock):
        async def sleep(self, seconds: float) -> None:
            self.slept.append(seconds)
            await asyncio.Event().wait()

    close(governor, of_account("1", "insights"), 600)
    gate = Gate(governor, Still())
    waiting = asyncio.create_task(gate.enter(drawn_by_insights("1")).__aenter__())
    await settled()
    assert "next look 2026-11-23 04:10:00+00:00" in repr(gate)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await settled()
    assert repr(gate) == "Gate(under way {}, waiting {}, next look None)"
    assert len(asyncio.all_tasks()) == 1


async def test_waits_are_counted_for_the_quota_that_closed(governor: Governor, clock: FakeClock) -> None:
    """Seconds in which somebody stood before it; a quota that is closed and waited for by nobody has none."""
    gate = Gate(governor, clock)
    crowd = Crowd(gate)
    crowd.go.set()
    close(governor, of_account("1", "insights"), 60)
    close(governor, of_account("2", "insights"), 90)
    close(governor, of_account("3", "insights"), 600)
    async with asyncio.TaskGroup() as group:
        for name, account in (("a", "1"), ("b", "1"), ("c", "2")):
            group.create_task(crowd.call(name, drawn_by_insights(account)))
    waits = gate.waits
    assert list(waits) == ["2/insights", "1/insights"]
    assert waits["1/insights"] == pytest.approx(60 * 1.0, abs=7)
    assert waits["2/insights"] == pytest.approx(90 * 1.0, abs=10)
    assert gate.seconds_waited == pytest.approx(max(waits.values()))
