"""What runs next and when: every night once, whatever clocks do; computed from the past, never remembered."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.timetable import PUBLISH_EVERY, TRY_AGAIN, LastRun, Past, Routine, due_at, loads, next_step, routines

ZONES = (
    *("America/Los_Angeles", "Asia/Kolkata", "Pacific/Auckland", "America/Sao_Paulo", "Europe/London"),
    *("Australia/Lord_Howe", "Africa/Casablanca", "America/Havana", "Pacific/Apia", "Asia/Kathmandu", "UTC"),
)
MINUTES = st.builds(time, st.integers(0, 23), st.integers(0, 59))
MOMENTS = st.datetimes(datetime(2005, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis
GAPS = st.lists(st.timedeltas(timedelta(minutes=1), timedelta(hours=20)), min_size=5, max_size=60)


def nightly(zone: str, at: time = time(3, 30)) -> Routine:
    return Routine(f"nightly {zone}", ("t",), ("1",), zone, at)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def runs(routine: Routine, moments: Iterator[datetime]) -> list[datetime]:
    """When a routine ran that was looked at in these moments and always ran at once."""
    last: LastRun | None = None
    ran = []
    for now in moments:
        if due_at(routine, last, now) <= now:
            last = LastRun(now)
            ran.append(now)
    return ran


def moments(start: datetime, gaps: list[timedelta]) -> Iterator[datetime]:
    for gap in gaps:
        yield start
        start += gap


@pytest.mark.parametrize(
    ("zone", "at", "day", "rings"),
    [
        ("America/Los_Angeles", time(2, 30), date(2026, 3, 8), "2026-03-08T10:30"),  # does not exist: 3:30 PDT
        ("America/Los_Angeles", time(1, 30), date(2026, 11, 1), "2026-11-01T08:30"),  # exists twice: the first, PDT
        ("Europe/London", time(1, 30), date(2026, 3, 29), "2026-03-29T01:30"),
        ("Europe/London", time(1, 30), date(2026, 10, 25), "2026-10-25T00:30"),
        ("Pacific/Auckland", time(2, 30), date(2026, 9, 27), "2026-09-26T14:30"),
        ("Asia/Kolkata", time(3, 30), date(2026, 9, 27), "2026-09-26T22:00"),
        ("America/Sao_Paulo", time(0, 0), date(2018, 11, 4), "2018-11-04T03:00"),  # a midnight that was skipped
    ],
)
def test_a_night_of_changing_clocks_rings_once(zone: str, at: time, day: date, rings: str) -> None:
    """A time that does not exist rings as late as without the change; one that exists twice rings the first time."""
    routine, ring = nightly(zone, at), utc(rings)
    assert routine.last_ring(ring) == ring
    assert routine.next_ring(ring - timedelta(seconds=1)) == ring
    near = [ring + timedelta(minutes=minute) for minute in range(-11 * 60, 11 * 60)]
    assert {routine.last_ring(now) for now in near if now >= ring} == {ring}
    assert day in {
        ring.astimezone(ZoneInfo(zone)).date(),
        (ring - timedelta(hours=1)).astimezone(ZoneInfo(zone)).date(),
    }


@given(st.sampled_from(ZONES), MINUTES, MOMENTS)
def test_there_is_one_ring_for_each_local_day(zone: str, at: time, now: datetime) -> None:
    """Over thirty days on end, changes of clocks and a day that a country skipped included: thirty rings, in order."""
    routine = nightly(zone, at)
    rings = [routine.next_ring(now)]
    while len(rings) < 31:
        rings.append(routine.next_ring(rings[-1]))
        assert routine.last_ring(rings[-1]) == rings[-1]
        assert routine.last_ring(rings[-1] - timedelta(microseconds=1)) == rings[-2]
    apart = [later - sooner for sooner, later in pairwise(rings)]
    assert all(timedelta(hours=22) < gap < timedelta(hours=26) for gap in apart)


@given(st.sampled_from(ZONES), MINUTES, MOMENTS, GAPS)
def test_every_night_runs_once_however_often_it_is_looked_at(
    zone: str, at: time, start: datetime, gaps: list[timedelta]
) -> None:
    """Looked at more often than nights come, each ring is followed by exactly one run before the next ring."""
    routine = nightly(zone, at)
    looked = list(moments(start, gaps))
    ran = runs(routine, iter(looked))
    assert [routine.last_ring(now) for now in ran] == sorted({routine.last_ring(now) for now in looked})


@given(st.sampled_from(ZONES), MOMENTS, st.timedeltas(timedelta(days=1), timedelta(days=400)))
def test_a_missed_night_is_caught_up_once(zone: str, start: datetime, asleep: timedelta) -> None:
    """After a sleep of any length one run makes up for all that was missed: it loads whatever is due."""
    routine = nightly(zone)
    awake = start + asleep + timedelta(hours=3)
    assert len(runs(routine, iter([start, awake, awake + timedelta(seconds=1)]))) == 2


@given(st.sampled_from(ZONES), MOMENTS, st.timedeltas(timedelta(seconds=1), timedelta(hours=23)))
def test_a_clock_set_back_repeats_no_night(zone: str, start: datetime, back: timedelta) -> None:
    """Up to a day back, the night that ran is not run again; the next one comes in its time."""
    routine = nightly(zone)
    ran_at = routine.next_ring(start)
    until = routine.next_ring(ran_at)
    last = LastRun(ran_at)
    now = ran_at - back
    while now < until:
        assert due_at(routine, last, now) == until
        now += timedelta(minutes=37)


@given(st.sampled_from(ZONES), MOMENTS, st.timedeltas(timedelta(days=1, seconds=1), timedelta(days=4000)))
def test_a_clock_that_ran_far_ahead_silences_nothing(zone: str, now: datetime, ahead: timedelta) -> None:
    """A run begun in a far future is not believed: the routine is due at once, and after that as always."""
    routine = nightly(zone)
    assert due_at(routine, LastRun(now + ahead), now) <= now
    assert due_at(routine, LastRun(now), now) == routine.next_ring(now)


@given(MOMENTS, GAPS)
def test_the_hour_runs_once_an_hour(start: datetime, gaps: list[timedelta]) -> None:
    """Availability is looked at once in every hour in which somebody looks."""
    routine = Routine("hourly", ("t",))
    looked = list(moments(start, [gap / 20 for gap in gaps]))
    hours = {now.replace(minute=0, second=0, microsecond=0) for now in looked}
    assert len(runs(routine, iter(looked))) == len(hours)


def test_a_run_that_broke_is_tried_again_after_a_rest() -> None:
    """It neither spins nor waits for the next night."""
    routine, now = nightly("UTC"), utc("2026-11-20T03:31")
    last = LastRun(now, broke=True)
    assert due_at(routine, last, now) == now + TRY_AGAIN
    assert due_at(routine, last, now + TRY_AGAIN) == now + TRY_AGAIN


def test_the_order_of_what_is_due() -> None:
    """A publication, then the routine that waits longest, then a piece of a request; otherwise the next moment."""
    now = utc("2026-11-20T12:00")
    tokyo, london = nightly("Asia/Tokyo"), nightly("Europe/London")
    routines = [london, tokyo]
    past = Past(landed=5, published=4, requests=(7, 8))
    step = next_step(routines, past, now)
    assert step is not None
    assert (step.routine, step.request, step.at) == (None, None, now)
    past = Past(landed=5, published=5, requests=(7, 8))
    step = next_step(routines, past, now)
    assert step is not None
    assert step.routine == tokyo  # 18:30 UTC of the day before; London's was at 3:30
    served = {tokyo.name: LastRun(now), london.name: LastRun(now)}
    step = next_step(routines, Past(served, 5, 5, requests=(7, 8)), now)
    assert step is not None
    assert step.request == 7
    step = next_step(routines, Past(served, 5, 5), now)
    assert step is not None
    assert (step.routine, step.at) == (tokyo, utc("2026-11-20T18:30"))
    assert next_step([], Past(), now) is None


@given(MOMENTS, st.lists(st.integers(1, 400), min_size=1, max_size=40))
def test_publications_are_a_quarter_of_an_hour_apart(start: datetime, gaps: list[int]) -> None:
    """However often something lands, and nothing that landed stays unpublished longer than that."""
    published = 0
    at: datetime | None = None
    now, times = start, []
    for landed, gap in enumerate(gaps, 1):
        step = next_step([], Past({}, landed, published, at), now)
        assert step is not None
        if step.at <= now:
            published, at = landed, now
            times.append(now)
        else:
            assert at is not None
            assert step.at == at + PUBLISH_EVERY
        now += timedelta(seconds=gap)
    assert all(later - sooner >= PUBLISH_EVERY for sooner, later in pairwise(times))


def test_a_publication_under_a_clock_that_was_set_back_waits_for_nothing() -> None:
    """The last one's moment lies ahead: it says nothing any more."""
    now = utc("2026-11-20T12:00")
    step = next_step([], Past({}, 2, 1, now + timedelta(days=3)), now)
    assert step is not None
    assert step.at == now


def test_the_routines_of_a_configuration() -> None:
    """One night for each zone with its accounts; brand safety every hour; other families daily by GMT-8."""
    zones = {"1": "Asia/Tokyo", "2": "UTC", "3": "Asia/Tokyo"}
    families = {"app_insights": ["app_insights"], "brand_safety": ["brand_safety_impressions"]}
    at = time(3, 30)
    assert routines(["facts", "ads"], zones, families, at) == [
        Routine("nightly Asia/Tokyo", ("facts", "ads"), ("1", "3"), "Asia/Tokyo", at),
        Routine("nightly UTC", ("facts", "ads"), ("2",), "UTC", at),
        Routine("daily app_insights", ("app_insights",), (), "Etc/GMT+8", at),
        Routine("hourly brand_safety", ("brand_safety_impressions",), (), "Etc/GMT+8", None),
    ]
    assert routines([], {}, {"brand_safety": ["t"]}, at) == [Routine("hourly brand_safety", ("t",), (), "Etc/GMT+8")]


def test_before_any_account_is_known_one_load_finds_them() -> None:
    """Whatever zones they will have; it is due at once, since it never ran."""
    [first] = routines(["facts"], {}, {}, time(3, 30))
    assert (first.name, first.accounts) == ("nightly", ())
    assert due_at(first, None, utc("2026-11-20T12:00")) <= utc("2026-11-20T12:00")


def test_loads_in_order_of_waiting() -> None:
    """Whoever waits longest is first, so that no zone starves another."""
    now = utc("2026-11-20T12:00")
    names = [step.routine.name for step in loads(map(nightly, ZONES[:5]), Past(), now) if step.routine]
    assert names == [
        "nightly Pacific/Auckland",
        "nightly Asia/Kolkata",
        "nightly Europe/London",
        "nightly America/Sao_Paulo",
        "nightly America/Los_Angeles",
    ]
