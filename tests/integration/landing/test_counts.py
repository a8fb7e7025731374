"""The counts that the status page reads always equal what is in the ledger, whatever was done to it."""

import contextlib
import sqlite3
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ledger import READINGS_KEPT, Ledger
from schemas.periods import Period, State
from schemas.work import Ready, SliceId, SliceRecord, day_place

BORN = datetime(2026, 11, 1, tzinfo=UTC)
DAYS = [date(2026, 11, 1) + timedelta(days=number) for number in range(3)]
Act = tuple[str, str, str, date, State, int, int]
ACTS = st.tuples(
    st.sampled_from(("land", "fail", "touch", "drop account", "drop report", "lose")),
    st.sampled_from(("t", "u")),
    st.sampled_from(("1", "2", "1/a")),
    st.sampled_from(DAYS),
    st.sampled_from(list(State)),
    st.integers(0, 50),
    st.integers(0, 72),
)


def ready(act: Act) -> Ready:
    _, table, scope, day, state, rows, hours = act
    as_of = BORN + timedelta(hours=hours)
    end = datetime.combine(day + timedelta(days=1), datetime.min.time())
    record = SliceRecord(SliceId.of_day(table, scope, day), end, "UTC", state, rows, as_of, as_of, "r", "d")
    return Ready(record, day_place("account_id", scope, Period.inclusive(day, day)), ())


def do(ledger: Ledger, act: Act) -> None:
    what, table, scope, *_ = act
    made = ready(act)
    if what == "land":
        [landing] = ledger.begin_landing([made])
        ledger.end_landing([(landing, made)])
    elif what == "fail":
        ledger.fail(made.record)
    elif what == "touch":
        ledger.touch(made)
    elif what == "drop account":
        ledger.drop_account(scope)
    elif what == "drop report":
        ledger.drop_report(table)
    else:
        [landing] = ledger.begin_landing([made])
        ledger.lose_landing(landing, made, forget=act[5] % 2 == 0)


def counted_afresh(ledger: Ledger) -> tuple[dict[tuple[str, str, str], tuple[int, int]], Counter[tuple[str, str, str]]]:
    scopes: dict[tuple[str, str, str], tuple[int, int]] = {}
    days: Counter[tuple[str, str, str]] = Counter()
    for record in ledger.slices():
        key = (record.id.table, record.id.scope, record.state.value)
        slices, rows = scopes.get(key, (0, 0))
        scopes[key] = (slices + 1, rows + record.rows)
        assert record.id.start is not None
        days[record.id.table, record.id.start.date().isoformat(), record.state.value] += 1
    return scopes, days


def kept(ledger: Ledger) -> tuple[dict[tuple[str, str, str], tuple[int, int]], Counter[tuple[str, str, str]]]:
    scopes = {(r["table_name"], r["scope"], r["state"]): (r["slices"], r["rows"]) for r in ledger.standing()}
    days = Counter({(r["table_name"], r["day"], r["state"]): r["slices"] for r in ledger.standing_days()})
    return scopes, days


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTS, max_size=25))
def test_counts_equal_the_slices(acts: list[Act]) -> None:
    """After any landings, failures, re-reads, losses and drops: per scope and state, per day and state."""
    with TemporaryDirectory() as folder, Ledger.open(Path(folder) / "ledger", born=BORN) as ledger:
        for act in acts:
            do(ledger, act)
        assert kept(ledger) == counted_afresh(ledger)


def test_a_ledger_from_before_is_counted_once(tmp_path: Path) -> None:
    """One that was born without counts gets them when it is next opened for writing, and is readable before that."""
    path = tmp_path / "ledger"
    with Ledger.open(path, born=BORN) as ledger:
        do(ledger, ("land", "t", "1", DAYS[0], State.LANDED, 7, 1))
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        for kind, name in (
            ("TRIGGER", "slice_comes"),
            ("TRIGGER", "slice_goes"),
            ("TRIGGER", "slice_changes"),
            ("TABLE", "standing"),
            ("TABLE", "standing_days"),
            ("TABLE", "quota_readings"),
            ("TABLE", "run_progress"),
        ):
            connection.execute(f"DROP {kind} {name}")
    read = Ledger.read(path)
    assert read is not None
    with read:
        assert not read.counts_slices
        assert len(read.slices()) == 1
    for _ in range(2):
        with Ledger.open(path, born=BORN) as ledger:
            assert kept(ledger) == ({("t", "1", "landed"): (1, 7)}, Counter({("t", "2026-11-01", "landed"): 1}))


def test_readings_are_kept_for_two_days(tmp_path: Path) -> None:
    """Older ones are forgotten as new ones come, so that the memory is bounded."""
    with Ledger.open(tmp_path / "ledger", born=BORN) as ledger:
        for hour in range(72):
            at = BORN + timedelta(hours=hour)
            ledger.save_progress("r", {"planned": hour}, [("1/insights", at, hour / 2)], at)
        found = ledger.readings(BORN, "1/", "1/~")
        assert [row["utilisation"] for row in found] == [hour / 2 for hour in range(23, 72)]
        assert timedelta(days=2) == READINGS_KEPT
        assert [row["progress"] for row in ledger.recent_runs(5)] == []
