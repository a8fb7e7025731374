"""The governor's decisions and the retry policy, with time and chance as arguments."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Invalid, Throttled, Transient
from connectors.http.retry import GiveUp, Policy, Wait, decide
from connectors.pace.governor import Governor
from connectors.pace.quotas import (
    INSIGHTS_PLATFORM,
    PLATFORM,
    Quota,
    Reading,
    drawn_by_insights,
    drawn_by_objects,
    lane,
    of_account,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ACCOUNT = of_account("111", "insights")
SCORE = of_account("111", "score")


def after(seconds: float) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def refusal(quota: Quota, hint: float | None = None) -> Throttled:
    """A refusal on one quota."""
    return Throttled("no", quotas=frozenset({quota}), wait_seconds=hint)


def test_an_insights_call_draws_on_app_and_account() -> None:
    """Accounts are digits, and the account is whose turn it is."""
    drawn = drawn_by_insights("act_111")
    assert drawn == {PLATFORM, INSIGHTS_PLATFORM, ACCOUNT, SCORE}
    assert drawn_by_objects("111") == {PLATFORM, of_account("111", "management"), SCORE}
    assert (lane(drawn), lane({PLATFORM})) == ("111", "")


def test_what_is_not_known_is_free() -> None:
    """The first call goes at once."""
    assert Governor().admit(drawn_by_insights("111"), NOON) is None


def test_a_refusal_closes_its_quota_and_no_other() -> None:
    """Other accounts and other kinds go on."""
    governor = Governor()
    assert governor.refuse(refusal(ACCOUNT, 420), NOON, 0) == [(ACCOUNT, after(420))]
    assert governor.admit(drawn_by_insights("111"), NOON) == after(420)
    assert governor.admit(drawn_by_insights("111"), after(420)) is None
    assert governor.admit(drawn_by_insights("222"), NOON) is None
    assert governor.admit(drawn_by_objects("111"), NOON) is None
    assert governor.closed(drawn_by_insights("111"), NOON) == {ACCOUNT}


@pytest.mark.parametrize(
    ("quota", "minutes"),
    [
        (ACCOUNT, [5, 10, 20, 40, 60, 60]),
        (INSIGHTS_PLATFORM, [1, 2, 4, 8, 15, 30, 60, 60]),
        (SCORE, [5, 5, 5]),
    ],
)
def test_without_a_hint_refusals_climb_a_ladder(quota: Quota, minutes: list[int]) -> None:
    """Business quotas, the app and the score each have their own (graph-api.md 3.5 rule 2)."""
    governor, now, waits = Governor(), NOON, []
    for _ in minutes:
        [(_, deadline)] = governor.refuse(refusal(quota), now, 0)
        waits.append((deadline - now).total_seconds() / 60)
        now = deadline
    assert waits == minutes


def test_a_score_of_the_full_tier_is_closed_for_a_minute() -> None:
    """The tier that a header named decides."""
    governor = Governor()
    governor.learn([Reading(SCORE, 1, None, "standard_access")], NOON)
    assert governor.refuse(refusal(SCORE), NOON, 0) == [(SCORE, after(60))]


def test_refusals_of_calls_already_under_way_are_one_episode() -> None:
    """Five calls refused at once climb one rung, and each starts the block anew."""
    governor = Governor()
    for second in range(5):
        governor.refuse(refusal(ACCOUNT), after(second), 0)
    assert governor.deadlines() == [(ACCOUNT, after(304))]
    assert governor.refuse(refusal(ACCOUNT), after(304), 0) == [(ACCOUNT, after(904))]


def test_a_full_header_on_the_refusal_itself_does_not_hold_back_the_ladder() -> None:
    """The header of a refused call closes the quota first; the refusal still climbs."""
    governor, now, waits = Governor(), NOON, []
    for _ in range(3):
        governor.learn([Reading(ACCOUNT, 100)], now)
        [(_, deadline)] = governor.refuse(refusal(ACCOUNT), now, 0)
        waits.append((deadline - now).total_seconds() / 60)
        now = deadline
    assert waits == [5, 10, 20]


def test_a_success_starts_the_ladder_again() -> None:
    """After the quota was open again."""
    governor = Governor()
    governor.refuse(refusal(ACCOUNT), NOON, 0)
    governor.succeed({ACCOUNT}, [], after(300))
    assert governor.refuse(refusal(ACCOUNT), after(301), 0) == [(ACCOUNT, after(601))]


def test_jitter_only_adds() -> None:
    """A tenth at most, and nobody comes before the hint."""
    assert Governor().refuse(refusal(ACCOUNT, 100), NOON, 1) == [(ACCOUNT, after(110))]


def test_a_deadline_never_moves_to_an_earlier_moment() -> None:
    """A later, shorter hint changes nothing, and is no news."""
    governor = Governor()
    governor.refuse(refusal(ACCOUNT, 600), NOON, 0)
    assert governor.refuse(refusal(ACCOUNT, 60), after(1), 0) == []
    assert governor.learn([Reading(ACCOUNT, 5)], after(2)) == []
    assert governor.admit({ACCOUNT}, after(3)) == after(600)


def test_at_the_target_nothing_is_sent_for_a_minute_and_then_one_call() -> None:
    """The one call reads the header again; while it is under way there is no room for another."""
    governor = Governor(85)
    assert governor.learn([Reading(ACCOUNT, 84.9)], NOON) == []
    assert governor.learn([Reading(ACCOUNT, 85)], NOON) == [(ACCOUNT, after(60))]
    assert governor.admit({ACCOUNT}, after(59)) == after(60)
    assert governor.admit({ACCOUNT}, after(60)) is None
    assert governor.has_room({ACCOUNT}, after(60))
    governor.sent({ACCOUNT})
    assert not governor.has_room({ACCOUNT}, after(60))
    governor.left({ACCOUNT})
    governor.learn([Reading(ACCOUNT, 40)], after(61))
    assert governor.has_room({ACCOUNT}, after(61))


def test_a_score_at_the_target_is_waited_for_until_it_has_decayed() -> None:
    """It falls by a third of a percent a second: ten percent above the target are half a minute."""
    governor = Governor(80)
    governor.learn([Reading(SCORE, 90)], NOON)
    assert governor.admit({SCORE}, NOON) == after(30)


def test_where_nothing_comes_back_the_pause_doubles() -> None:
    """An hour that was used up in its first minute gives nothing back: few calls go into the last percents."""
    governor, now, sent = Governor(80), 0.0, 0
    while now < 3600:
        governor.learn([Reading(ACCOUNT, 80 + sent)], after(now))
        sent += 1
        now = ((governor.admit({ACCOUNT}, after(now)) or after(now)) - NOON).total_seconds()
    assert sent == 7
    governor.learn([Reading(ACCOUNT, 40)], after(now))
    governor.learn([Reading(ACCOUNT, 81)], after(now + 60))
    assert governor.admit({ACCOUNT}, after(now + 60)) == after(now + 120)


def test_the_nearer_to_the_target_the_fewer_under_way() -> None:
    """Free below 60 percent of the target, four at once up to 85, then one."""
    rooms = []
    for percent in (50, 52, 72, 73):
        governor = Governor(85)
        governor.learn([Reading(ACCOUNT, percent)], NOON)
        room = 0
        while room < 100 and governor.has_room({ACCOUNT}, NOON):
            governor.sent({ACCOUNT})
            room += 1
        rooms.append(room)
    assert rooms == [100, 4, 4, 1]


def test_a_header_that_says_blocked_is_a_deadline_without_any_refusal() -> None:
    """Meta's minutes are believed on a good answer too."""
    governor = Governor()
    assert governor.learn([Reading(ACCOUNT, 3, 120)], NOON) == [(ACCOUNT, after(120))]
    assert governor.learn([Reading(SCORE, 50, 120)], NOON) == []


def test_a_reading_is_forgotten_when_all_it_counted_has_decayed() -> None:
    """An hour for rolling hours, five minutes for the score."""
    governor = Governor()
    governor.learn([Reading(ACCOUNT, 80), Reading(SCORE, 80)], NOON)
    governor.sent({ACCOUNT, SCORE})
    assert [governor.has_room({SCORE}, after(seconds)) for seconds in (299, 300)] == [False, True]
    assert [governor.has_room({ACCOUNT}, after(seconds)) for seconds in (3599, 3600)] == [False, True]


def test_deadlines_survive_a_restart() -> None:
    """What one process was told, the next one keeps to; callbacks tell only what is new."""
    told: list[tuple[Quota, datetime]] = []
    first = Governor(on_deadline=lambda quota, deadline: told.append((quota, deadline)))
    first.refuse(refusal(ACCOUNT, 600), NOON, 0)
    first.refuse(refusal(PLATFORM, 60), NOON, 0)
    assert told == [(ACCOUNT, after(600)), (PLATFORM, after(60))]
    second = Governor(on_deadline=lambda quota, deadline: told.append((quota, deadline)))
    second.restore(first.deadlines())
    assert second.deadlines() == [(PLATFORM, after(60)), (ACCOUNT, after(600))]
    assert second.admit(drawn_by_insights("111"), after(1)) == after(600)
    assert len(told) == 2


def test_its_state_is_one_line() -> None:
    """Level, calls under way and deadline of every quota."""
    governor = Governor(85)
    governor.learn([Reading(PLATFORM, 12.5)], NOON)
    governor.refuse(refusal(ACCOUNT, 60), NOON, 0)
    assert repr(governor) == (
        "Governor(target 85 %: 111/insights -, 0 under way not before 2026-11-23T12:01:00+00:00; "
        "app/platform 12.5 %, 0 under way)"
    )


QUOTAS = st.sampled_from([PLATFORM, INSIGHTS_PLATFORM, ACCOUNT, SCORE, of_account("222", "insights")])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["learn", "refuse", "succeed"]),
        QUOTAS,
        st.floats(0, 300),
        st.none() | st.floats(0, 86_400),
        st.floats(0, 600),
    ),
    max_size=30,
)


@given(steps=STEPS)
def test_no_call_is_admitted_before_a_deadline_that_was_told(
    steps: list[tuple[str, Quota, float, float | None, float]],
) -> None:
    """Whatever happens in whatever order, every deadline ever announced is kept."""
    told: list[tuple[Quota, datetime]] = []
    governor, now = Governor(on_deadline=lambda quota, deadline: told.append((quota, deadline))), NOON
    for what, quota, percent, seconds, passed in steps:
        if what == "learn":
            governor.learn([Reading(quota, percent, seconds)], now)
        elif what == "refuse":
            governor.refuse(refusal(quota, seconds), now, 0.5)
            assert governor.admit({quota}, now) is not None
        else:
            governor.succeed({quota}, [], now)
        now += timedelta(seconds=passed)
        for closed, deadline in told:
            until = governor.admit({closed, PLATFORM}, now)
            assert now >= deadline or (until is not None and until >= deadline)


POLICY = Policy(attempts=6, total_seconds=900, base_seconds=5, cap_seconds=300)


def test_waits_double_up_to_the_cap() -> None:
    """From the base on, with all of the jitter and with none of it."""
    waits = [decide(Policy(attempts=9, total_seconds=9e9), Transient("t"), attempt, 0, 1) for attempt in range(1, 9)]
    assert waits == [Wait(5), Wait(10), Wait(20), Wait(40), Wait(80), Wait(160), Wait(300), Wait(300)]
    assert decide(POLICY, Transient("t"), 1, 0, 0) == Wait(2.5)


def test_a_hint_of_the_server_is_never_shortened() -> None:
    """Its own wait enters without a special case."""
    assert decide(POLICY, Transient("t", wait_seconds=42), 1, 0, 0) == Wait(42)


def test_a_fault_may_cap_its_own_attempts() -> None:
    """And what is not transient has none."""
    assert decide(POLICY, Transient("t", tries=2), 2, 0, 0) == GiveUp("given up after 2 attempts")
    assert decide(POLICY, Invalid("t"), 1, 0, 0) == GiveUp("repeating it does not help")


@given(
    attempts=st.integers(1, 50),
    total=st.floats(0, 1e6),
    jitters=st.lists(st.floats(0, 1), min_size=50, max_size=50),
    hint=st.none() | st.floats(0, 1e6),
)
def test_attempts_and_time_are_both_capped(
    attempts: int, total: float, jitters: list[float], hint: float | None
) -> None:
    """No sequence of faults goes on beyond either."""
    policy, elapsed, attempt = Policy(attempts=attempts, total_seconds=total), 0.0, 1
    while isinstance(
        verdict := decide(policy, Transient("t", wait_seconds=hint), attempt, elapsed, jitters[attempt - 1]), Wait
    ):
        elapsed += verdict.seconds
        attempt += 1
    assert attempt <= attempts
    assert elapsed <= total
