"""A store to look at: accounts with every state that a slice may have, runs, quotas, names that want escaping.

The ledger is the product's own, written through its own methods. The warehouse holds sums alone, made by hand: the
page reads nothing else of it, and `tests/acceptance/test_status_page.py` reads a published one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import duckdb

from pipeline.ledger import Ledger
from schemas.ad_objects import OBJECT_TABLES
from schemas.ads_insights import tables_of
from schemas.periods import Period, State, midnight
from schemas.reports import Report
from schemas.work import Place, Ready, SliceId, SliceRecord, current_place, day_place

NOW = datetime(2026, 11, 26, 21, 40, tzinfo=UTC)
SINCE = date(2026, 3, 1)
LOOKBACK_DAYS = 28
REPORTS = (
    Report("ads_insights", "ad"),
    Report("campaigns_by_age_gender", "campaign", breakdowns=("age", "gender")),
    Report("ads_by_country", "ad", breakdowns=("country",)),
)
OBJECTS = ("ad_accounts", "campaigns", "adsets", "ads", "adcreatives")
EVIL = "<script>document.title='pwned'</script> & \"Söhne\" 'n' 🦊\nGmbH"
LONG = "Unbroken" * 12
ACCOUNTS = {
    "111": ("Example Outfitters USA", "America/Los_Angeles", "USD"),
    "222": ("Example Outfitters India", "Asia/Kolkata", "INR"),
    "333": ("Example Outfitters New Zealand", "Pacific/Auckland", "NZD"),
    "444": ("Example Outfitters Brasil", "America/Sao_Paulo", "BRL"),
    "555": ("Example Outfitters UK", "Europe/London", "GBP"),
    "666": (EVIL, "Europe/Berlin", "EUR"),
    "777": (LONG, "Europe/Paris", "EUR"),
    "888": ("Northwind Traders", "Europe/Madrid", "EUR"),
    "999": ("Contoso Coffee", "Asia/Tokyo", "JPY"),
}
PLAIN = {"666": "Example Outfitters Deutschland", "777": "Adventure Works"}
FAILED = (
    "(#100) Tried accessing a nonexisting field <b>purchase_roas</b> on node type (AdsInsights) "
    "(code 100, HTTP 400, fbtrace_id A1b2C3d4E5); correct the report definition or the configuration"
)
REASON = FAILED.replace("<b>", "").replace("</b>", "")
LOST = "older than Meta keeps for this breakdown: 13 months"
HOLE = "ads 23851120340 to 23851120399 are missing: too much data even for one of them"


@dataclass(frozen=True)
class Oddity:
    """A slice that is not as the others are."""

    state: State
    reason: str
    rows: int = 0


def oddities() -> dict[tuple[str, str, date], Oddity]:
    """What is amiss, by table, account and day."""
    found = {("ads_insights", "111", date(2026, 11, day)): Oddity(State.FAILED, FAILED, rows=41) for day in (17, 18)}
    found |= {("ads_by_country", "333", date(2026, 3, day)): Oddity(State.LOST, LOST) for day in range(1, 8)}
    found["ads_insights", "222", date(2026, 10, 30)] = Oddity(State.PARTIAL, HOLE, rows=12)
    found["campaigns_by_age_gender", "444", date(2026, 11, 3)] = Oddity(
        State.SKIPPED, "not asked: the quota would have opened after give_up_after_minutes"
    )
    found |= {
        ("ads_by_country", "555", date(2026, 9, day)): Oddity(State.UNKNOWN, "no rows under an opt-in breakdown")
        for day in range(4, 7)
    }
    found |= {("ads_insights", "888", date(2026, 10, day)): Oddity(State.EMPTY, "") for day in (10, 11)}
    found["ads_insights", "666", date(2026, 11, 2)] = Oddity(State.FAILED, f"{EVIL} was not expected here")
    return found


NEVER = {("ads_insights", "888", date(2026, 11, day)) for day in range(11, 15)}
"""Days that nobody asked for: a hole."""
LATE = "777"
"""An account that was not asked today."""


def build(root: Path, *, plain: bool = False) -> Path:
    """Fills a store below `root`; the configuration to serve it with. `plain`: without names that want escaping."""
    (root / "data").mkdir(parents=True, exist_ok=True)
    with Ledger.open(
        root / "data" / "state" / "ledger.sqlite", born=NOW - timedelta(days=400), rehearsal=True
    ) as ledger:
        for name, (title, zone, currency) in ACCOUNTS.items():
            ledger.save_account(name, PLAIN.get(name, title) if plain else title, zone, currency, NOW)
        for report in REPORTS:
            ledger.save_report(report.name, report.grain_hash, report.definition_hash, tables_of(report))
        for name in OBJECTS:
            ledger.save_report(name, "objects", "objects", [OBJECT_TABLES[name].table])
        ledger.end_landing([(0, ready) for ready in _landed()])
        for record in _failed():
            ledger.fail(replace(record, reason=REASON) if plain else record)
        _runs(ledger, plain=plain)
        _quotas(ledger)
        _report_runs(ledger)
    _warehouse(root / "data" / "warehouse.duckdb")
    return _configured(root)


def _landed() -> Iterator[Ready]:
    odd = oddities()
    for account, (_, zone, _) in ACCOUNTS.items():
        random = Random(account)
        today = NOW.astimezone(ZoneInfo(zone)).date()
        for report in REPORTS:
            for day in (SINCE + timedelta(days=n) for n in range((today - SINCE).days)):
                if (report.name, account, day) not in NEVER:
                    found = odd.get((report.name, account, day))
                    yield _day(report, account, day, today, found, random.randint(20, 400))
        for name in OBJECTS:
            asked = NOW - timedelta(hours=30 if account == LATE else 9)
            record = SliceRecord(
                SliceId(name, account, None),
                None,
                zone,
                State.LANDED,
                random.randint(1, 900),
                asked,
                asked,
                "r1",
                "objects",
            )
            yield Ready(record, current_place("account_id", account), ())


def _day(report: Report, account: str, day: date, today: date, odd: Oddity | None, rows: int) -> Ready:
    zone = ACCOUNTS[account][1]
    whole = Period.inclusive(day, day)
    read_on = min(today - timedelta(days=account == LATE), whole.end + timedelta(days=LOOKBACK_DAYS))
    as_of = midnight(read_on, zone) + timedelta(hours=3, minutes=31)
    state = odd.state if odd and odd.state is not State.FAILED else State.LANDED
    record = SliceRecord(
        id=SliceId.of_day(report.name, account, day),
        end=datetime.combine(whole.end, datetime.min.time()),
        time_zone=zone,
        state=state,
        rows=odd.rows if odd else rows,
        as_of=as_of,
        fetched_at=as_of + timedelta(minutes=4),
        run_id="20261126T033000-a1b2c3",
        definition=report.definition_hash,
        reason=odd.reason if odd and odd.state is not State.FAILED else "",
    )
    place: Place = day_place("account_id", account, whole)
    return Ready(record, place, ())


def _failed() -> Iterator[SliceRecord]:
    for (table, account, day), odd in oddities().items():
        if odd.state is State.FAILED:
            start = SliceId.of_day(table, account, day)
            end = datetime.combine(day + timedelta(days=1), datetime.min.time())
            record = SliceRecord(start, end, ACCOUNTS[account][1], odd.state, 0, None, None, "", "", odd.reason)
            yield replace(record, run_id="20261126T033000-a1b2c3")


def _runs(ledger: Ledger, *, plain: bool) -> None:
    failures = [
        {
            "table": table, "scope": account, "slice": day.isoformat(), "remedy": "fix",
            "error": REASON if plain else odd.reason, "code": 100, "subcode": None, "fbtrace_id": "A1b2C3d4E5",
        }
        for (table, account, day), odd in oddities().items()
        if odd.state is State.FAILED
    ]  # fmt: skip
    for number in range(6, 0, -1):
        started = NOW - timedelta(days=number - 1, hours=18)
        run_id = "20261126T033000-a1b2c3" if number == 1 else f"run-{number}"
        ledger.begin_run(run_id, "load", started)
        summary = {
            "slices": {
                "landed": 801 - number,
                "failed": 3 if number == 1 else 0,
                "empty": 2,
                "skipped": 1,
                "unchanged": 640,
            },
            "rows": {"ads_insights": 181_204, "ads_insights_actions": 2_204_911},
            "api_calls": {"submit": 54, "poll": 160, "page": 412},
            "throttled_responses": 2,
            "seconds_waited": 1260.0,
            "waits": {"111/insights": 960.0, "app/platform": 300.0},
            "failures": failures if number == 1 else [],
        }
        ledger.end_run(run_id, "incomplete" if number == 1 else "complete", summary, started + timedelta(minutes=47))
    ledger.begin_run("now", "backfill", NOW - timedelta(minutes=30))
    progress = {"planned": 1800, "done": 596, "failed": 4, "calls": 412, "waits": {"222/insights": 420.0}}
    ledger.save_progress("now", progress, [], NOW - timedelta(seconds=10))


def _quotas(ledger: Ledger) -> None:
    random = Random(7)
    readings = []
    for quota, peak in (("app/platform", 35), ("111/insights", 84), ("222/insights", 92), ("333/score", 20)):
        for hour in range(24):
            level = peak * max(0.03, 1 - abs(hour - 6) / 5) + random.random() * 3
            readings.append((quota, NOW - timedelta(hours=24 - hour, minutes=-11), round(min(100.0, level), 1)))
    ledger.save_progress("quotas", {"planned": 0, "done": 0, "failed": 0, "calls": 0, "waits": {}}, readings, NOW)
    ledger.save_deadline("222/insights", NOW + timedelta(minutes=12))


def _report_runs(ledger: Ledger) -> None:
    for number, day in enumerate((17, 18)):
        record = next(record for record in _failed() if record.id.start and record.id.start.day == day)
        submitted = NOW - timedelta(hours=18, minutes=number)
        ledger.submitted(f"68811{number}", record, submitted)
        ledger.report_run_ended(f"68811{number}", "failed", submitted + timedelta(minutes=3), "Job Failed")


def _warehouse(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE ads_insights (account_id VARCHAR, date_start DATE, spend DECIMAL(18, 6), impressions BIGINT)"
        )
        rows = []
        for account, (_, zone, _) in ACCOUNTS.items():
            random = Random(f"{account} spend")
            today = NOW.astimezone(ZoneInfo(zone)).date()
            for day in (SINCE + timedelta(days=n) for n in range((today - SINCE).days)):
                odd = oddities().get(("ads_insights", account, day))
                if ("ads_insights", account, day) not in NEVER and not (odd and odd.state is State.EMPTY):
                    level = (1.0 if day.weekday() < 5 else 0.55) * (0.8 + 0.4 * random.random())
                    rows.append((account, day, Decimal(f"{1240 * level:.2f}"), int(88_000 * level)))
        connection.executemany("INSERT INTO ads_insights VALUES (?, ?, ?, ?)", rows)


def _configured(root: Path) -> Path:
    path = root / "insights.toml"
    reports = "\n".join(
        f'[[ads_insights.reports]]\nname = "{r.name}"\nlevel = "{r.level}"\nbreakdowns = {list(r.breakdowns)}'
        for r in REPORTS
    )
    path.write_text(
        f"""
[storage]
root = "{root / "data"}"
[ads_insights]
ad_accounts = {list(ACCOUNTS)}
since = {SINCE}
{reports}
[ad_objects]
[schedule]
status_port = 0
""",
        encoding="utf-8",
    )
    return path
