"""A plan reads only those slices of the ledger that may be due, and is the same as if it had read them all."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import codec
from pipeline.account import Account
from pipeline.discovery import Whose
from pipeline.ledger import Ledger
from pipeline.orders import Choice, Configured, orders
from pipeline.plan import Plan
from pipeline.planning import planned
from pipeline.statements import statements
from schemas.periods import Increment, slice_at
from schemas.reports import Report

SINCE = date(2026, 1, 5)
ZONES = ("America/Los_Angeles", "Asia/Kolkata", "Pacific/Auckland", "America/Sao_Paulo", "Europe/London", "UTC")
STATES = ("landed",) * 6 + ("empty", "partial", "unknown", "failed", "skipped", "lost")
NOWS = st.datetimes(datetime(2026, 3, 1), datetime(2026, 4, 20), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis
AGES = st.one_of(st.none(), st.floats(0.1, 45), st.sampled_from([0.5, 27.9, 28.0, 28.3, 28.6, 29.1]))
SLICES = st.lists(st.tuples(st.sampled_from(STATES), AGES), max_size=90)


def put(ledger: Ledger, report: Report, account: Account, found: list[tuple[str, float | None]], hole: int) -> None:
    """Slices from the first day on, one after the other, each read so many days after its end; one is left out."""
    increment: Increment = report.time_increment  # type: ignore[assignment]  # legal by construction
    day = SINCE
    for number, (state, age) in enumerate(found):
        whole = slice_at(day, increment, SINCE)
        end = datetime.combine(whole.end, datetime.min.time(), UTC)
        as_of = None if age is None else codec.instant(end + timedelta(days=age))
        day = whole.end
        if number == hole:
            continue
        values = {
            "table": report.name,
            "scope": account.id,
            "time_zone": account.zone,
            "state": state,
            "rows": number,
            "start": f"{whole.start}T00:00",
            "end": f"{whole.end}T00:00",
            "as_of": as_of,
            "fetched_at": as_of,
            "run_id": "r",
            "definition": report.definition_hash,
            "reason": "",
            "attempts": 0,
            "place": None,
            "landing": None,
        }
        with ledger._writing():
            ledger._connection.execute(statements("ledger")["save_slice"], values)


def plan(ledger: Ledger, report: Report, account: Account, now: datetime, lookback: int, **more: Any) -> Plan:
    today = more.pop("include_today")
    configured = Configured((report,), (), Whose([account.id]), SINCE, lookback, include_today=today)
    return planned(ledger, [account], orders(configured, Choice(**more), now), lambda: now)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(ZONES),
    st.sampled_from([1, 1, 1, 7, "monthly"]),
    SLICES,
    st.integers(-1, 120),
    NOWS,
    st.sampled_from([0, 3, 28]),
    st.booleans(),
    st.sampled_from([{}, {"only_failed": True}, {"backfill": True}]),
)
def test_a_plan_from_the_short_memory_is_the_plan_from_the_whole(
    zone: str,
    increment: Increment,
    found: list[tuple[str, float | None]],
    hole: int,
    now: datetime,
    lookback: int,
    include_today: bool,  # noqa: FBT001 - hypothesis'
    more: dict[str, bool],
) -> None:
    """Whatever states, ages, gaps, zones and clocks there are: readings in the future of a clock set back included."""
    report, account = Report("r", "campaign", fields=("spend",), time_increment=increment), Account("1", zone)
    with TemporaryDirectory() as folder, Ledger.open(Path(folder) / "ledger.sqlite", born=now) as ledger:
        put(ledger, report, account, found, hole)
        short = plan(ledger, report, account, now, lookback, include_today=include_today, **more)
        with patch.object(Ledger, "outline", return_value=None):  # then everything is read
            whole = plan(ledger, report, account, now, lookback, include_today=include_today, **more)
    assert short == whole


def test_of_many_slices_few_are_read(tmp_path: Path) -> None:
    """Where every slice has been read late enough, a plan of the same day reads none of them."""
    report, account = Report("r", "campaign", fields=("spend",)), Account("1", "Europe/London")
    now = datetime(2026, 4, 5, 12, tzinfo=UTC)
    with Ledger.open(tmp_path / "ledger.sqlite", born=now) as ledger:
        ages = [min(28.2, (now.date() - SINCE).days - day - 1 + 0.2) for day in range(90)]
        put(ledger, report, account, [("landed", age) for age in ages], -1)
        assert plan(ledger, report, account, now, 28, include_today=False).slices == 0
        with patch.object(Ledger, "slices_of", side_effect=AssertionError("everything was read")):
            plan(ledger, report, account, now, 28, include_today=False)
            tomorrow = plan(ledger, report, account, now + timedelta(days=1), 28, include_today=False)
    assert tomorrow.slices == 29
