"""Measures a plan over many slices: 500 accounts x 400 days x 10 tables, two million slices that the ledger knows."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from benchmarks.figures import Figure
from pipeline import codec
from pipeline.account import Account
from pipeline.discovery import Whose
from pipeline.ledger import Ledger
from pipeline.orders import Choice, Configured, orders
from pipeline.planning import planned
from pipeline.statements import statements
from schemas.periods import Period, midnight
from schemas.reports import Report
from schemas.work import day_place

ACCOUNTS, DAYS, TABLES, LOOKBACK = 500, 400, 10, 28
NOW = datetime(2026, 11, 20, 13, 30, tzinfo=UTC)
ZONES = ("America/Los_Angeles", "Asia/Kolkata", "Pacific/Auckland", "America/Sao_Paulo", "Europe/London")
MOST_SECONDS = 2.0
REPORTS = tuple(Report(f"report_{number}", "campaign", fields=("impressions", "spend")) for number in range(TABLES))
OWNERS = tuple(Account(str(10_000 + number), ZONES[number % len(ZONES)]) for number in range(ACCOUNTS))


def figures() -> list[Figure]:
    """The plan of a night, when the lookback of every account is due, and of an hour later, when nothing is."""
    with TemporaryDirectory() as folder:
        found = []
        for what, loaded_today in (("a night: the lookback is due", False), ("an hour later: nothing is due", True)):
            path = Path(folder) / f"{loaded_today}.sqlite"
            _make(path, loaded_today=loaded_today)
            slices, seconds = _planned(path)
            found.append(Figure(f"{what} ({slices:,} slices)", seconds, seconds / MOST_SECONDS, 1.0))
        return found


def _planned(path: Path) -> tuple[int, float]:
    since = NOW.date() - timedelta(days=DAYS)
    configured = Configured(
        REPORTS, (), Whose([account.id for account in OWNERS]), since, LOOKBACK, include_today=False
    )
    wanted = orders(configured, Choice(), NOW)
    with Ledger.open(path, born=NOW) as ledger:
        started = time.perf_counter()
        plan = planned(ledger, OWNERS, wanted, lambda: NOW)
        return plan.slices, time.perf_counter() - started


def _make(path: Path, *, loaded_today: bool) -> None:
    """A ledger as many nights leave it: each slice was read last when it became final, or in the last night."""
    Ledger.open(path, born=NOW).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.executemany(statements("ledger")["save_slice"], _rows(loaded_today=loaded_today))
        connection.commit()


def _rows(*, loaded_today: bool) -> Iterator[dict[str, object]]:
    for report in REPORTS:
        for account in OWNERS:
            today = (NOW.astimezone(UTC)).date()
            for number in range(DAYS - (0 if loaded_today else 1)):
                day = today - timedelta(days=DAYS - number)
                yield _row(report, account, day, today, loaded_today=loaded_today)


def _row(report: Report, account: Account, day: date, today: date, *, loaded_today: bool) -> dict[str, object]:
    night = min(day + timedelta(days=LOOKBACK + 1), today if loaded_today else today - timedelta(days=1))
    as_of = min(midnight(night, account.zone) + timedelta(hours=3, minutes=30), NOW)
    end = day + timedelta(days=1)
    return {
        "table": report.name,
        "scope": account.id,
        "start": f"{day}T00:00",
        "end": f"{end}T00:00",
        "time_zone": account.zone,
        "state": "landed",
        "rows": 100,
        "as_of": codec.instant(as_of),
        "fetched_at": codec.instant(as_of),
        "run_id": f"{night:%Y%m%d}T033000-abcdef",
        "definition": report.definition_hash,
        "reason": "",
        "attempts": 0,
        "place": orjson.dumps(codec.place_data(day_place("account_id", account.id, Period(day, end)))).decode(),
        "landing": 1,
    }
