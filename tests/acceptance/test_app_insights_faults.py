"""What goes wrong in app insights stays where it belongs: a metric, a day, an app, the family; never the others."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.app_shop import AppShop, Entry, expected, truth_of
from tests.acceptance.conftest import NOW, TOKEN, Sandbox, running_sandbox

CALLS: Entry = {"metric": "api_calls"}
SPEND: Entry = {"metric": "payments_daily_spend"}
COUNTRIES: Entry = {"metric": "api_calls", "breakdowns": ["country"]}
SINCE, YESTERDAY = date(2026, 11, 15), date(2026, 11, 19)
APP_TOKEN = "sandbox-token-app-700-4be1"
USER_TOKEN = "sandbox-token-user-9c2d"
FAULTS = (("100", 100, "fix"), ("3000", 3000, "permission"), ("3001", 3001, "fix"), ("3003", 3003, "permission"))


@pytest.fixture(scope="module")
def scripted() -> Iterator[Sandbox]:
    """A sandbox whose scenario each test sets anew."""
    with running_sandbox("--size", "small") as sandbox:
        yield sandbox


@pytest.fixture
def shop(tmp_path: Path, scripted: Sandbox) -> AppShop:
    scripted.move_to(NOW)
    scripted.script()
    scripted.forget_calls()
    return AppShop(tmp_path, scripted.url)


def rule(path: str, do: dict[str, Any], times: int | None = None) -> dict[str, Any]:
    return {"match": {"path": path}, "times": times, "do": do}


def holds(sandbox: Sandbox, shop: AppShop, *entries: Entry, apps: tuple[str, ...] = ("700",)) -> bool:
    """Whether the table is exactly the truth of these entries."""
    truth: dict[Any, Any] = {}
    for app in apps:
        for entry in entries:
            truth |= expected(app, entry, truth_of(sandbox, app, entry, SINCE, YESTERDAY))
    return shop.values() == truth


@pytest.mark.parametrize(("fault", "code", "remedy"), FAULTS, ids=[fault for fault, *_ in FAULTS])
def test_a_refused_metric_fails_alone(fault: str, code: int, remedy: str, scripted: Sandbox, shop: AppShop) -> None:
    """Its days fail with the code and the remedy, after one call; every other metric of the app lands."""
    shop.configure_apps(SPEND, CALLS, COUNTRIES, since=SINCE)
    scripted.script(rule("/payments_daily_spend", {"fault": fault}))
    ended = shop.load()
    found = ended.json
    assert (ended.code, found["slices"]["failed"], len(scripted.calls())) == (1, 5, 3)
    assert {(f["scope"].split("-")[0], f["code"], f["remedy"]) for f in found["failures"]} == {
        ("700/payments_daily_spend", code, remedy)
    }
    assert holds(scripted, shop, CALLS, COUNTRIES)
    scripted.script()
    assert shop.load("--failed").code == 0
    assert holds(scripted, shop, SPEND, CALLS, COUNTRIES)


@pytest.mark.parametrize("fault", ["100/33", "app insights gone"])
def test_a_retired_endpoint_says_so_and_disturbs_nobody(fault: str, scripted: Sandbox, shop: AppShop) -> None:
    """One call for each app finds it out; ads insights land; the message names the section to take out."""
    ads = f'[ads_insights]\nad_accounts = ["111"]\nsince = {SINCE}\n[[ads_insights.reports]]\nlevel = "account"'
    shop.configure_apps(CALLS, COUNTRIES, SPEND, apps=("700", "701"), since=SINCE, more=ads)
    scripted.script(rule("/app_insights/", {"fault": fault}))
    ended = shop.load()
    failures = ended.json["failures"]
    assert (ended.code, len(failures)) == (1, 2 * 3 * 5)
    assert {f["remedy"] for f in failures} == {"leave out"}
    assert all(
        "Meta has retired this endpoint: take its section out of the configuration" in f["error"] for f in failures
    )
    assert all(f["error"].count("app 70") == 1 for f in failures)
    assert len([call for call in scripted.calls() if "/app_insights/" in call["path"]]) == 2
    assert shop.ask("SELECT state, count(*) FROM meta.slices WHERE table_name = 'ads_insights' GROUP BY 1") == [
        ("landed", 5)
    ]


def test_an_app_of_others_fails_metric_by_metric_and_the_own_app_lands(scripted: Sandbox, shop: AppShop) -> None:
    """A token of its own, named by `access_token_env`: app 700's reads app 700, 701 is refused with 3000."""
    shop.environment["META_APP_TOKEN"] = APP_TOKEN
    own = 'access_token_env = "META_APP_TOKEN"'
    shop.configure_apps(CALLS, SPEND, apps=("700", "701"), since=SINCE, section=own)
    ended = shop.load()
    assert ended.code == 1
    assert {(f["scope"].split("/")[0], f["code"]) for f in ended.json["failures"]} == {("701", 3000)}
    assert holds(scripted, shop, CALLS, SPEND)
    for secret in (APP_TOKEN, TOKEN):
        assert secret not in ended.out + ended.err


def test_a_token_without_admin_rights_reads_what_it_may(scripted: Sandbox, shop: AppShop) -> None:
    """Payments need them (3003); the rest lands."""
    shop.environment["META_APP_TOKEN"] = USER_TOKEN
    shop.configure_apps(CALLS, SPEND, since=SINCE, section='access_token_env = "META_APP_TOKEN"')
    ended = shop.load()
    assert (ended.code, {f["code"] for f in ended.json["failures"]}) == (1, {3003})
    assert holds(scripted, shop, CALLS)


@pytest.mark.parametrize("token", ["sandbox-token-expired", "nobody-knows-it"])
def test_a_refused_token_of_its_own_is_the_whole_family_and_no_other(
    token: str, scripted: Sandbox, shop: AppShop
) -> None:
    """One call, exit 3, and ads insights land with theirs."""
    ads = f'[ads_insights]\nad_accounts = ["111"]\nsince = {SINCE}\n[[ads_insights.reports]]\nlevel = "account"'
    shop.environment["META_APP_TOKEN"] = token
    shop.configure_apps(CALLS, SPEND, since=SINCE, section='access_token_env = "META_APP_TOKEN"', more=ads)
    ended = shop.load()
    assert (ended.code, {f["code"] for f in ended.json["failures"]}) == (3, {190})
    assert len([call for call in scripted.calls() if "/app_insights/" in call["path"]]) == 1
    assert shop.ask("SELECT count(*) > 0 FROM ads_insights") == [(True,)]


def test_an_own_token_that_is_not_set_is_refused_before_anything_is_sent(scripted: Sandbox, shop: AppShop) -> None:
    """Exit 2, naming the variable; no store is born."""
    shop.configure_apps(CALLS, since=SINCE, section='access_token_env = "META_APP_TOKEN"')
    ended = shop.load()
    assert (ended.code, scripted.calls(), shop.lake.exists()) == (2, [], False)
    assert "[app_insights] access_token_env = 'META_APP_TOKEN': this variable is not set" in ended.err


@pytest.mark.parametrize(
    "do", [{"fault": "1"}, {"fault": "2"}, {"cut": 20}, {"lie_content_type": True}, {"fault": "1/reduce"}], ids=str
)
def test_what_passes_is_asked_again(do: dict[str, Any], scripted: Sandbox, shop: AppShop) -> None:
    """A fault of the moment costs a call and nothing else."""
    shop.configure_apps(COUNTRIES, since=SINCE)
    scripted.script(rule("/app_insights/", do, times=1))
    ended = shop.load()
    assert (ended.code, ended.json["failures"]) == (0, [])
    assert holds(scripted, shop, COUNTRIES)


def test_a_dead_cursor_begins_the_answer_again(scripted: Sandbox, shop: AppShop) -> None:
    """What was read of it is thrown away: no row stands twice."""
    refs: Entry = {"metric": "api_calls", "breakdowns": ["ref", "locale", "device_os"]}
    shop.configure_apps(refs, since=SINCE)
    scripted.script({"match": {"path": "/app_insights/", "page": 1}, "times": 1, "do": {"fault": "2642"}})
    assert shop.load().code == 0
    assert holds(scripted, shop, refs)
    assert len(scripted.calls()) > 3


def test_a_cursor_that_leads_round_fails_the_metric(scripted: Sandbox, shop: AppShop) -> None:
    """Paging that comes back to where it was is a fault; nothing of it lands."""
    refs: Entry = {"metric": "api_calls", "breakdowns": ["ref", "locale", "device_os", "client"]}
    shop.configure_apps(refs, SPEND, since=SINCE)
    scripted.script(rule("/api_calls", {"repeat_cursor": True}))
    ended = shop.load()
    assert (ended.code, ended.json["slices"]["failed"]) == (1, 5)
    assert "leads back to a page already read" in ended.json["failures"][0]["error"]
    assert holds(scripted, shop, SPEND)


def serve(sandbox: Sandbox, *rows: Any) -> None:
    sandbox.script(rule("/app_insights/", {"reply": {"status": 200, "body": json.dumps({"data": rows})}}))


def sent(day: int, value: object, **more: Any) -> dict[str, Any]:
    return {"time": f"2026-11-{day:02}T08:00:00+0000", "value": value, **more}


def test_a_value_that_is_no_number_is_null_and_kept_raw(scripted: Sandbox, shop: AppShop) -> None:
    """The row lands; `meta.quarantine` has the day, the key, the raw text and the reason; absent is NULL alone."""
    shop.configure_apps(CALLS, since=SINCE)
    serve(scripted, sent(15, "REDACTED"), sent(16, {"a": 1}), sent(17, None), sent(18, "12.3456789"), sent(19, 7))
    ended = shop.load()
    assert (ended.code, ended.json["quarantined_rows"]) == (0, 3)
    found = shop.ask("SELECT date_start, value::VARCHAR FROM app_insights ORDER BY 1")
    assert [value for _, value in found] == [None, None, None, "12.345679", "7.000000"]
    aside = shop.ask("SELECT slice_start::DATE, column_name, raw, reason FROM meta.quarantine ORDER BY 1")
    assert aside == [
        (date(2026, 11, 15), "value", "REDACTED", "not a number"),
        (date(2026, 11, 16), "value", '{"a":1}', "a structure where a scalar was expected"),
        (date(2026, 11, 18), "value", "12.3456789", "rounded"),
    ]


def test_what_is_no_row_of_the_days_asked_is_set_aside_whole(scripted: Sandbox, shop: AppShop) -> None:
    """Rows without a time, no objects, rows of other days: none is lost in silence, the others land."""
    shop.configure_apps(CALLS, since=SINCE)
    serve(scripted, 5, {"value": "1"}, {"time": "soon", "value": "1"}, sent(1, "3"), sent(16, "9", sampled=True))
    ended = shop.load()
    assert (ended.code, ended.json["quarantined_rows"]) == (0, 4)
    assert shop.ask("SELECT date_start, value, extra::VARCHAR FROM app_insights") == [
        (date(2026, 11, 16), 9, '{"sampled":true}')
    ]
    reasons = [reason for (reason,) in shop.ask("SELECT reason FROM meta.quarantine ORDER BY 1")]
    assert reasons == ["lacks a key", "lacks a key", "not an object", "outside the days that were asked"]


def test_a_day_that_contradicts_itself_fails_and_its_neighbours_land(scripted: Sandbox, shop: AppShop) -> None:
    """One time twice, with nothing redacted, is no answer for that day."""
    shop.configure_apps(CALLS, since=SINCE)
    serve(scripted, sent(15, "1"), sent(16, "1"), sent(16, "2"), sent(17, "3"))
    ended = shop.load()
    assert (ended.code, [f["slice"] for f in ended.json["failures"]]) == (1, ["2026-11-16"])
    assert shop.ask("SELECT value FROM app_insights ORDER BY date_start") == [(1,), (3,)]


def test_a_failed_day_keeps_the_rows_that_it_had(scripted: Sandbox, shop: AppShop) -> None:
    """A later refusal takes nothing away."""
    shop.configure_apps(CALLS, since=SINCE)
    assert shop.load().code == 0
    scripted.script(rule("/app_insights/", {"fault": "3001"}))
    tomorrow = NOW + timedelta(days=1)
    scripted.move_to(tomorrow)
    assert shop.load(now=tomorrow).code == 1
    scripted.script()
    assert holds(scripted, shop, CALLS)
    assert shop.ask("SELECT count(*) FROM meta.slices WHERE state = 'failed' AND rows > 0")[0][0] >= 4


def test_a_closed_quota_is_waited_for(scripted: Sandbox, shop: AppShop) -> None:
    """The app's own quota refuses once: nothing is sent before its deadline, then everything lands."""
    shop.configure_apps(CALLS, SPEND, since=SINCE)
    scripted.script(rule("/app_insights/", {"fault": "4"}, times=1))
    ended = shop.load(now=datetime(2026, 11, 20, 14, 0, tzinfo=UTC))
    assert (ended.code, ended.json["throttled_responses"]) == (0, 1)
    assert holds(scripted, shop, CALLS, SPEND)
