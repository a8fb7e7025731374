"""The same day asks nothing twice; the next day replaces exactly what the world restated."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas.ads_insights import tables_of
from schemas.reports import Report
from tests.acceptance.comparing import as_found, expected_facts, keyed
from tests.acceptance.conftest import NOW, Sandbox, Shop

REPORT = Report("ads_insights", "ad", action_attribution_windows=("1d_click", "7d_click", "1d_view"))
ACCOUNTS = ("111", "222", "333")
TOMORROW = NOW + timedelta(days=1)


def truth(sandbox: Sandbox, account: str, now: datetime) -> list[dict[str, Any]]:
    """What the facts must hold when everything was asked at `now`."""
    zone = ZoneInfo(sandbox.objects(account, "ad_accounts")[0]["timezone_name"])
    until = now.astimezone(zone).date() - timedelta(days=1)
    days = {"since": "2026-11-15", "until": until.isoformat()}
    return expected_facts(REPORT, sandbox.insights(account, now, **REPORT.parameters(), time_range=days))


def files(shop: Shop) -> dict[Path, tuple[int, int]]:
    """Every file of the lake's facts with inode and mtime."""
    return {
        path: (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in sorted((shop.lake / "ads_insights").rglob("*.parquet"))
    }


def test_a_second_load_on_the_same_day_sends_nothing(shop: Shop, sandbox: Sandbox) -> None:
    """What landed today is not asked again today, and its files stay untouched."""
    shop.configure(accounts=ACCOUNTS)
    assert shop.load().code == 0
    before = files(shop)
    sandbox.forget_calls()
    again = shop.load(now=NOW + timedelta(hours=2))
    assert (again.code, sandbox.calls()) == (0, [])
    assert again.json["slices"] == {"landed": 0, "failed": 0, "empty": 0, "skipped": 0, "lost": 0, "unchanged": 0}
    assert before == files(shop)


def test_the_next_day_replaces_exactly_what_was_restated(shop: Shop, sandbox: Sandbox) -> None:
    """Tomorrow every day of the lookback is asked; only the files of days that the world restated change."""
    shop.configure(accounts=ACCOUNTS)
    assert shop.load().code == 0
    before = files(shop)
    sandbox.move_to(TOMORROW)
    ended = shop.load(now=TOMORROW)
    assert ended.code == 0, ended.err
    table = tables_of(REPORT).facts
    expected = keyed((row for account in ACCOUNTS for row in truth(sandbox, account, TOMORROW)), table)
    found = keyed((as_found(row, table) for row in shop.rows("ads_insights")), table)
    assert expected == found
    after = files(shop)
    kept = {path for path in before if after[path] == before[path]}
    assert kept
    assert set(before) - kept
    assert ended.json["slices"]["unchanged"] == _unchanged_slices(shop)


def _unchanged_slices(shop: Shop) -> int:
    """Slices whose answer is of tomorrow and whose rows were written by the first load."""
    [(count,)] = shop.ask("SELECT count(*) FROM meta.slices WHERE as_of > fetched_at + INTERVAL 1 HOUR")
    return int(count)


def test_a_column_left_out_stays_and_is_null_from_then_on(shop: Shop, sandbox: Sandbox) -> None:
    """Tomorrow's report asks for less: days read tomorrow hold NULL there, and days that are final what they held."""
    report = '[[ads_insights.reports]]\nname = "ads_insights"\nlevel = "ad"\nfields = [{}]'
    shop.configure(
        accounts=("111",), objects="", reports=report.format('"impressions", "clicks", "results", "actions"')
    )
    assert shop.load().code == 0
    assert shop.ask("SELECT count(clicks) > 0, count(impressions) > 0 FROM ads_insights") == [(True, True)]
    shop.configure(accounts=("111",), objects="", reports=report.format('"impressions"'))
    sandbox.move_to(TOMORROW)
    ended = shop.load(now=TOMORROW)
    assert (ended.code, ended.json["failures"]) == (0, []), ended.err
    assert shop.ask("SELECT count(clicks), count(impressions) > 0 FROM ads_insights") == [(0, True)]
    assert shop.ask("SELECT count(*) FROM ads_insights_actions") == [(0,)]
    assert shop.ask("SELECT count(*) FROM ads_insights_results") == [(0,)]


@pytest.mark.parametrize("days_later", [29, 40])
def test_a_final_slice_is_not_asked_again(shop: Shop, sandbox: Sandbox, days_later: int) -> None:
    """Once read after its last restatement a day is final: later loads ask only for what is not."""
    shop.configure(accounts=("111",), objects="", insights="lookback_days = 28")
    assert shop.load().code == 0
    later = NOW + timedelta(days=days_later)
    sandbox.move_to(later)
    assert shop.load(now=later).code == 0
    final = shop.ask("SELECT slice_start::DATE, final FROM meta.slices ORDER BY 1")
    settled = later.astimezone(ZoneInfo("America/Los_Angeles")).date() - timedelta(days=29)
    assert [day <= settled for day, _ in final] == [state for _, state in final]
    sandbox.forget_calls()
    last = later + timedelta(days=1)
    sandbox.move_to(last)
    assert shop.load(now=last).code == 0
    asked = [call for call in sandbox.calls() if call["op"] in {"submit", "sync"}]
    assert asked
    [(oldest,)] = shop.ask(
        "SELECT min(slice_start)::DATE FROM meta.slices WHERE run_id = (SELECT max(run_id) FROM meta.runs)"
    )
    assert oldest > settled
