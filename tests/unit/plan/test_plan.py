"""What a load will ask, worked out from the ledger's memory and one `now`: pure, and the same every time."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.ads_insights.questions import Question, Run
from pipeline.account import Account
from pipeline.due_slices import DueSlice, Memory, Wanted
from pipeline.plan import (
    InsightsTask,
    ObjectsTask,
    Plan,
    calls_of,
    due_insights,
    due_objects,
)
from schemas.ad_objects import ADS
from schemas.periods import Period, State
from schemas.reports import Report
from schemas.work import SliceId, SliceRecord

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
SINCE = date(2026, 11, 1)
BERLIN = Account("111", "Europe/Berlin")
REPORT = Report("ads_insights", "ad", fields=("spend",))


def day(number: int) -> date:
    """A day of November 2026."""
    return date(2026, 11, number)


def november(since: int, until: int) -> Period:
    return Period.inclusive(day(since), day(until))


def wanted(days: Period | None = None, **words: Any) -> Wanted:
    return Wanted(days or november(1, 22), SINCE, 28, **words)


def record(
    of: date, state: State = State.LANDED, as_of: datetime | None = NOW, rows: int = 10, report: Report = REPORT
) -> SliceRecord:
    """What the ledger remembers of a daily slice."""
    return SliceRecord(
        SliceId.of_day(report.name, "111", of),
        datetime.combine(of + timedelta(days=1), time.min),
        "Europe/Berlin",
        state,
        rows,
        as_of,
        as_of,
        "run",
        report.definition_hash,
    )


def known(*records: SliceRecord) -> Memory:
    return Memory({found.id: found for found in records})


def alive(since: int, until: int, report: Report = REPORT, **changes: str) -> dict[str, Any]:
    """A report run that a killed process left, as the ledger gives it."""
    return {
        "report_run_id": "6001",
        "table_name": report.name,
        "scope": "111",
        "slice_start": f"2026-11-{since:02}T00:00:00",
        "slice_end": f"2026-11-{until + 1:02}T00:00:00",
        "submitted_at": "2026-11-22T09:00:00+00:00",
        "definition": report.definition_hash,
        **changes,
    }


def tasks(**given: Any) -> list[InsightsTask]:
    """The tasks of the plain report, unless told otherwise."""
    words: dict[str, Any] = {
        "report": REPORT,
        "account": BERLIN,
        "wanted": wanted(),
        "known": Memory({}),
        "now": NOW,
    } | given
    return list(due_insights(**words))


def spans(found: list[InsightsTask]) -> list[tuple[int, int]]:
    """Each task's days, both inclusive, as days of November."""
    return [(task.period.start.day, task.period.until.day) for task in found]


# ---- which days, gathered how ----


def test_first_load() -> None:
    """A first load asks for all days up to the account's yesterday, neighbours in one task."""
    (task,) = tasks()
    assert task.question == Question(REPORT, "111", november(1, 21))
    assert len(task.slices) == 21
    assert {due.why for due in task.slices} == {"never asked"}
    assert list(task.ids())[:2] == [SliceId.of_day("ads_insights", "111", day(n)) for n in (1, 2)]


def test_nothing_is_due_twice_a_day() -> None:
    """A second load on the same day asks nothing."""
    assert tasks(known=known(*(record(day(n)) for n in range(1, 22)))) == []


def test_gaps_part_tasks() -> None:
    """Only neighbours are gathered; what landed today stands between them."""
    assert spans(tasks(known=known(*(record(day(n)) for n in (3, 4, 10))))) == [(1, 2), (5, 9), (11, 21)]


def test_longest() -> None:
    """A task spans thirty days to begin with."""
    days = Period.inclusive(date(2026, 9, 1), day(21))
    found = tasks(wanted=Wanted(days, date(2026, 9, 1), 28))
    assert [task.period.days for task in found] == [30, 30, 22]


def test_bounded_by_the_past() -> None:
    """Where a day gave 40,000 rows, two days make a task."""
    yesterday = NOW - timedelta(days=1)
    records = [record(day(n), as_of=yesterday, rows=40_000 if n == 7 else 100) for n in range(1, 22)]
    found = tasks(known=known(*records))
    assert [task.period.days for task in found] == [2] * 10 + [1]


def test_a_day_is_the_least() -> None:
    """A day that alone gave more than a task should is asked alone."""
    found = tasks(known=known(record(day(1), as_of=NOW - timedelta(days=1), rows=10**7)), wanted=wanted(november(1, 3)))
    assert spans(found) == [(1, 1), (2, 2), (3, 3)]


@settings(deadline=None)
@given(st.lists(st.none() | st.integers(0, 300_000), min_size=1, max_size=21))
def test_bounds(rows: list[int | None]) -> None:
    """Whatever days gave in the past: every due slice is in one task, and no task of several days is too large."""
    yesterday = NOW - timedelta(days=1)
    records = [record(day(n), as_of=yesterday, rows=count) for n, count in enumerate(rows, 1) if count is not None]
    found = tasks(known=known(*records))
    assert [due.whole for task in found for due in task.slices] == [november(n, n) for n in range(1, 22)]
    for task in found:
        assert task.period.days <= 30
        assert len(task.slices) == 1 or sum(due.rows or 0 for due in task.slices) <= 100_000


def test_rows_of_a_question() -> None:
    """A question knows how many rows it gave only if every day of it does."""
    yesterday = NOW - timedelta(days=1)
    landed = known(*(record(day(n), as_of=yesterday, rows=n) for n in (1, 2)))
    assert [task.question.rows for task in tasks(known=landed, wanted=wanted(november(1, 2)))] == [3]
    assert [task.question.rows for task in tasks(known=landed, wanted=wanted(november(1, 3)))] == [None]
    failed = known(record(day(1), State.FAILED, as_of=None, rows=0))
    assert [task.question.rows for task in tasks(known=failed, wanted=wanted(november(1, 1)))] == [None]


def test_zones() -> None:
    """At one `now` accounts in different zones have different last days."""
    zones = ("Pacific/Kiritimati", "Europe/Berlin", "Pacific/Pago_Pago")
    found = [tasks(account=Account("111", zone))[0].period.until.day for zone in zones]
    assert found == [22, 21, 20]


def test_today() -> None:
    """Today is asked only where it is wanted."""
    found = tasks(wanted=wanted(november(21, 22), include_today=True), known=known(record(day(21))))
    assert spans(found) == [(22, 22)]
    assert tasks(wanted=wanted(november(22, 22))) == []


def test_weeks() -> None:
    """Weeks lie on the grid from Monday; the one that still runs is asked up to yesterday."""
    (task,) = tasks(report=replace(REPORT, time_increment=7), wanted=wanted(november(4, 18)))
    assert [(due.whole, due.asked) for due in task.slices] == [
        (november(2, 8), november(2, 8)),
        (november(9, 15), november(9, 15)),
        (november(16, 22), november(16, 21)),
    ]
    assert task.period == november(2, 21)


def test_months() -> None:
    """A month is a slice of its own task; the one that still runs is asked up to yesterday."""
    found = tasks(
        report=replace(REPORT, time_increment="monthly"),
        wanted=Wanted(Period.inclusive(date(2026, 10, 31), day(2)), SINCE, 28),
    )
    assert [task.period for task in found] == [
        Period.inclusive(date(2026, 10, 1), date(2026, 10, 31)),
        november(1, 21),
    ]


def test_all_days() -> None:
    """`all_days` is one slice from `since` to yesterday."""
    (task,) = tasks(report=replace(REPORT, time_increment="all_days"), wanted=wanted(november(5, 6)))
    assert (task.period, len(task.slices)) == (november(1, 21), 1)


def test_tomorrow() -> None:
    """Days that have not begun are not asked."""
    assert tasks(wanted=wanted(november(23, 30))) == []


# ---- failed ----


def test_only_failed() -> None:
    """`load --failed` asks what failed and nothing else, neither what is new nor what may have been restated."""
    records = known(record(day(1), State.FAILED, None), record(day(2), as_of=NOW - timedelta(days=1)))
    assert spans(tasks(known=records, wanted=wanted(only_failed=True, insist=True))) == [(1, 1)]


def test_insist() -> None:
    """What failed and would be final by now is asked only when it is insisted on."""
    august = date(2026, 8, 1)
    failed = known(record(august, State.FAILED, None))
    days = Period.inclusive(august, august)
    assert tasks(known=failed, wanted=Wanted(days, august, 28)) == []
    (task,) = tasks(known=failed, wanted=Wanted(days, august, 28, insist=True))
    assert [due.why for due in task.slices] == ["failed before"]


# ---- adoption ----


def test_adopted() -> None:
    """A run that a killed process left is adopted whole; the days around it are asked anew."""
    found = tasks(alive=[alive(5, 9)])
    assert spans(found) == [(5, 9), (1, 4), (10, 21)]
    assert [task.adopted for task in found] == [
        Run("6001", datetime(2026, 11, 22, 9, 0, tzinfo=UTC)),
        None,
        None,
    ]


@pytest.mark.parametrize(
    "changes",
    [{"definition": "0123456789abcdef"}, {"scope": "222"}, {"table_name": "other"}],
    ids=lambda changes: next(iter(changes)),
)
def test_of_another_question(changes: dict[str, str]) -> None:
    """A run of another definition, account or report is not adopted."""
    assert [task.adopted for task in tasks(alive=[alive(5, 9) | changes])] == [None]


def test_partly_due() -> None:
    """A run whose days are not all due any more is not adopted: what landed is not written again from an older read."""
    found = tasks(alive=[alive(5, 9)], known=known(record(day(7))))
    assert [(span, task.adopted) for span, task in zip(spans(found), found, strict=True)] == [
        ((1, 6), None),
        ((8, 21), None),
    ]


def test_beyond_what_is_wanted() -> None:
    """A run that asks more days than are wanted is not adopted."""
    assert spans(tasks(alive=[alive(5, 9)], wanted=wanted(november(6, 7)))) == [(6, 7)]


def test_other_days_of_a_week() -> None:
    """A run of a running week that asked up to the day before is not adopted: yesterday would be missing."""
    weekly = replace(REPORT, time_increment=7)
    asked_before = tasks(report=weekly, wanted=wanted(november(16, 18)), alive=[alive(16, 20, weekly)])
    assert [task.adopted for task in asked_before] == [None]
    same = tasks(report=weekly, wanted=wanted(november(16, 18)), alive=[alive(16, 21, weekly)])
    assert [task.adopted.id for task in same if task.adopted] == ["6001"]


def test_two_runs_of_the_same_days() -> None:
    """Of two runs that ask the same days one is adopted."""
    found = tasks(alive=[alive(5, 9), alive(9, 12, report_run_id="6002"), alive(1, 4, report_run_id="6003")])
    assert [(span, task.adopted and task.adopted.id) for span, task in zip(spans(found), found, strict=True)] == [
        ((5, 9), "6001"),
        ((1, 4), "6003"),
        ((10, 21), None),
    ]


# ---- halves ----


def every_part(task: InsightsTask) -> Iterator[InsightsTask]:
    """The task taken apart until every part is one slice."""
    halves = task.halves()
    if halves is None:
        yield task
        return
    for half in halves:
        yield from every_part(half)


@given(st.lists(st.integers(1, 10), min_size=1, max_size=30))
def test_halves(lengths: list[int]) -> None:
    """Halves are disjoint, their union is the parent, nothing else changes, and one slice cannot be halved."""
    slices, start = [], SINCE
    for length in lengths:
        whole = Period(start, start + timedelta(days=length))
        slices.append(DueSlice(whole, whole, "never asked"))
        start = whole.end
    task = InsightsTask(REPORT, BERLIN, tuple(slices), Run("6001", NOW))
    halves = task.halves()
    if halves is None:
        assert len(slices) == 1
        return
    one, two = halves
    assert one.slices + two.slices == task.slices
    assert (one.period.start, one.period.end, two.period.end) == (task.period.start, two.period.start, task.period.end)
    assert abs(len(one.slices) - len(two.slices)) <= 1
    assert {(half.report, half.account, half.adopted) for half in halves} == {(REPORT, BERLIN, None)}
    assert [part.slices for part in every_part(task)] == [(due,) for due in slices]


# ---- objects ----


def listed(at: datetime | None, state: State = State.LANDED) -> SliceRecord:
    """What the ledger remembers of a listing."""
    return SliceRecord(SliceId("ads", "111", None), None, "Europe/Berlin", state, 5, at, at, "run", "objects")


def objects(record: SliceRecord | None, in_full_at: datetime | None, now: datetime = NOW) -> tuple[str, bool] | None:
    """Why a listing is due, and whether it is due in full; None if it is not due."""
    task = due_objects(ADS, BERLIN, record, in_full_at, now)
    return None if task is None else (task.why, task.gone_since is None)


MIDNIGHT = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)
"""In Berlin, at the beginning of November 22nd."""
SECOND = timedelta(seconds=1)


def test_objects_once_a_day() -> None:
    """Objects are due once per day of the account."""
    assert objects(None, None) == ("never listed", True)
    assert objects(listed(MIDNIGHT), MIDNIGHT) is None
    assert objects(listed(MIDNIGHT - SECOND), MIDNIGHT - SECOND) == ("may have changed", False)
    assert objects(listed(MIDNIGHT - SECOND), None, now=MIDNIGHT - SECOND) is None


def test_objects_that_failed() -> None:
    """A listing that failed is due at every load."""
    assert objects(listed(NOW - SECOND, State.FAILED), NOW - SECOND) == ("failed before", False)
    assert objects(listed(None, State.FAILED), None) == ("never listed", True)


def test_gone_objects() -> None:
    """Between, archived and deleted objects are asked for since the last listing."""
    task = due_objects(ADS, BERLIN, listed(NOW - timedelta(days=1)), NOW - timedelta(days=3), NOW)
    assert task == ObjectsTask(ADS, BERLIN, "may have changed", NOW - timedelta(days=1))
    assert task.id == SliceId("ads", "111", None)


@pytest.mark.parametrize(
    ("in_full_at", "in_full"),
    [
        (datetime(2026, 11, 16, 0, 0, tzinfo=UTC), False),
        (datetime(2026, 11, 15, 23, 0, tzinfo=UTC), False),
        (datetime(2026, 11, 15, 22, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 11, 15, 10, 30, 1, tzinfo=UTC), True),
        (None, True),
    ],
)
def test_in_full(in_full_at: datetime | None, in_full: bool) -> None:  # noqa: FBT001 - a parameter of the table
    """Every seven days of the account they are all read, also if tonight's load comes a little earlier in the night."""
    assert objects(listed(NOW - timedelta(days=1)), in_full_at) == ("may have changed", in_full)


# ---- the plan as data ----


def test_as_data() -> None:
    """The plan as it is printed: its moment, its slices and calls, its tasks with their reasons."""
    insights = tuple(tasks(wanted=wanted(november(20, 22)), alive=[alive(20, 20)]))
    plan = Plan(NOW, insights, (ObjectsTask(ADS, BERLIN, "never listed"),))
    task = {"table": "ads_insights", "scope": "111", "slices": 1, "why": ["never asked"], "calls": 5}
    printed = plan.as_data()
    assert (printed["now"], printed["slices"], printed["calls"]) == ("2026-11-22T10:30:00+00:00", 3, 12)
    tasks_told = [
        {**task, "since": "2026-11-20", "until": "2026-11-20", "adopted": "6001"},
        {**task, "since": "2026-11-21", "until": "2026-11-21", "adopted": None},
        {"table": "ads", "scope": "111", "slices": 1, "why": ["never listed"], "calls": 2},
    ]
    for told, expected in zip(printed["tasks"], tasks_told, strict=True):
        assert {name: told[name] for name in expected} == expected


@pytest.mark.parametrize(("rows", "calls"), [(None, 5), (0, 5), (5000, 5), (5001, 6), (50_000, 14)])
def test_calls(rows: int | None, calls: int) -> None:
    """A task costs a submission, some polls, and a call for each page of 5,000 rows."""
    due = DueSlice(november(1, 1), november(1, 1), "never asked", rows)
    assert calls_of(InsightsTask(REPORT, BERLIN, (due,))) == calls
