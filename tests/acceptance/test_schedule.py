"""`insights schedule` as a process: loads, serves, is asked for backfills, stops at once and loses nothing."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.following import asked_for
from pipeline.ledger import Ledger
from pipeline.orders import Choice
from pipeline.store import Places
from schemas.ads_insights import tables_of
from schemas.reports import Report
from tests.acceptance.comparing import as_found, expected_facts, keyed
from tests.acceptance.conftest import NOW, TOKEN, Sandbox, Shop, running_sandbox
from tests.acceptance.test_nights import nights

REPORT = Report("ads_insights", "ad", action_attribution_windows=("1d_click", "7d_click", "1d_view"))
PATIENCE_SECONDS = 120
"""So long a test looks for what must come; only a test that fails takes it."""
AT = ("--now", NOW.isoformat())
HANGING = """
import sys, time
from pipeline.cli import main
def listener(event, fields):
    if event == sys.argv[1]:
        print(event, flush=True)
        time.sleep(3600)
main(sys.argv[2:], [listener])
"""


class Staying:
    """A running `insights schedule` with its log on a file."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self.process, self.log = process, log

    def events(self, *names: str) -> list[dict[str, Any]]:
        lines = self.log.read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [event for event in found if event["event"] in names]

    def until_published(self) -> None:
        """Waits until what has landed is published, which may be so already."""

        def is_published() -> bool:
            told = [event["event"] for event in self.events("slices.landed", "publish.begun", "publish.done")]
            return told[-2:] == ["publish.begun", "publish.done"]

        self._wait(is_published, "a publication of what landed")

    def until(self, name: str, count: int = 1) -> list[dict[str, Any]]:
        self._wait(lambda: len(self.events(name)) >= count, name)
        return self.events(name)

    def _wait(self, came: Callable[[], bool], what: str) -> None:
        for _ in range(PATIENCE_SECONDS * 20):
            if came():
                return
            assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
            time.sleep(0.05)
        raise AssertionError(f"{what} did not come:\n{self.log.read_text(encoding='utf-8')}")

    def get(self, path: str) -> tuple[int, str, str]:
        url = self.until("schedule.began")[0]["url"].rstrip("/")
        try:
            with urllib.request.urlopen(url + path) as reply:
                return reply.status, reply.headers["Content-Type"], reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["Content-Type"], error.read().decode()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)


@contextmanager
def staying(shop: Shop, *prefix: str, log: str = "schedule.log", now: datetime = NOW) -> Iterator[Staying]:
    path = shop.folder / log
    command = [*(prefix or shop.command()), "schedule", "--json", "--now", now.isoformat()]
    with (
        path.open("w", encoding="utf-8") as stderr,
        subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=stderr, text=True, cwd=shop.folder, env=shop.env()
        ) as process,
    ):
        try:
            yield Staying(process, path)
        finally:
            process.kill()


def configure(shop: Shop, accounts: tuple[str, ...] = ("111", "222"), more: str = "", **words: Any) -> None:
    words = {"since": date(2026, 11, 17), "objects": "", **words}
    shop.configure(accounts=accounts, more=f"[schedule]\nstatus_port = 0\n{more}", **words)


def assert_as_in_truth(shop: Shop, sandbox: Sandbox, accounts: tuple[str, ...], since: str, until: str) -> None:
    table, days = tables_of(REPORT).facts, {"since": since, "until": until}
    truth = [row for name in accounts for row in sandbox.insights(name, NOW, **REPORT.parameters(), time_range=days)]
    rows = shop.rows(f"ads_insights WHERE date_start BETWEEN '{since}' AND '{until}'")
    assert keyed(expected_facts(REPORT, truth), table) == keyed((as_found(row, table) for row in rows), table)


def test_what_was_missed_is_loaded_at_once_and_served(shop: Shop, sandbox: Sandbox) -> None:
    """From nothing: accounts are found, each zone's night is caught up, published, and told at the three addresses."""
    configure(shop)
    with staying(shop) as found:
        found.until("publish.done")
        routines = {event["routine"] for event in found.until("schedule.load_done", 3)}
        assert routines == {"nightly", "nightly America/Los_Angeles", "nightly Asia/Kolkata"}
        assert found.get("/healthz") == (200, "application/json; charset=utf-8", '{"alive": true}')
        status, _, text = found.get("/readyz")
        assert (status, json.loads(text)["ready"]) == (200, True)
        status, kind, text = found.get("/metrics")
        assert (status, kind) == (200, "application/openmetrics-text; version=1.0.0; charset=utf-8")
        assert re.search(r'^insights_slices\{table="ads_insights",state="landed"\} [1-9]', text, re.MULTILINE)
        assert 'insights_calls_total{kind="submit",outcome="ok"}' in text
        assert found.get("/elsewhere")[0] == 404
        status, kind, text = found.get("/")
        assert (status, kind) == (200, "text/html; charset=utf-8")
        assert "ads_insights" in text
        assert found.stop() == 130
    assert_as_in_truth(shop, sandbox, ("111", "222"), "2026-11-17", "2026-11-19")


def test_it_holds_the_store(shop: Shop) -> None:
    """A load beside it ends with 4 and says who is there; reading commands go on."""
    configure(shop)
    with staying(shop) as found:
        found.until("publish.done")
        beside = shop.load()
        assert beside.code == 4
        assert "`insights schedule` (process" in beside.err
        assert shop.run("status", *AT).code == 0
        assert shop.run("alerts", *AT).code == 0
        found.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_in_the_middle_of_a_load_leaves_it_to_be_made_up(shop: Shop, sandbox: Sandbox, number: int) -> None:
    """Stopped while a report run is waited for: it ends, and the next start ends with exactly the truth."""
    configure(shop, more="[report_runs]\ndeadline_minutes = 2")
    sandbox.script({"match": {"op": "submit"}, "do": {"run_stuck_at": 10}})
    with staying(shop) as found:
        found.until("report_run.submitted")
        assert found.stop(number) == 130
    sandbox.script()
    with staying(shop, log="again.log") as found:
        found.until("publish.done")
        found.until("schedule.load_done", 2)
        assert found.stop() == 130
    assert shop.load(now=NOW + timedelta(minutes=30)).code == 0
    assert_as_in_truth(shop, sandbox, ("111", "222"), "2026-11-17", "2026-11-19")


def test_a_stop_cuts_off_what_does_not_end(shop: Shop, sandbox: Sandbox) -> None:
    """A publication that hangs in its thread for an hour does not hold up the stop; the next start makes it up."""
    configure(shop)
    with staying(shop, sys.executable, "-c", HANGING, "publish.replacing") as found:
        found.until("publish.begun")
        found.until("publish.built")
        assert found.stop() == 130
    with staying(shop, log="again.log") as found:
        found.until("publish.done")
        found.stop()
    assert_as_in_truth(shop, sandbox, ("111", "222"), "2026-11-17", "2026-11-19")


def test_a_port_in_use_is_refused(shop: Shop) -> None:
    """With the setting to change; nothing was sent."""
    configure(shop)
    with staying(shop) as found:
        port = found.until("schedule.began")[0]["url"].rstrip("/").rpartition(":")[2]
        found.until("publish.done")
        other = Shop(shop.folder / "other", shop.url)
        other.folder.mkdir()
        other.configure(accounts=("111",), more=f"[schedule]\nstatus_port = {port}")
        refused = other.run("schedule", *AT)
        found.stop()
    assert refused.code == 2
    assert f"[schedule] status_host = '127.0.0.1', status_port = {port}: cannot be listened on" in refused.err


def test_a_load_that_breaks_ends_only_itself(shop: Shop, sandbox: Sandbox) -> None:
    """A lake that cannot be written: it is said and told, tried again after a rest, and made up."""
    configure(shop, accounts=("111",))
    with staying(shop) as found:
        found.until("publish.done")
        assert found.stop() == 130
    tomorrow = NOW + timedelta(days=1)
    sandbox.move_to(tomorrow)
    facts = shop.lake / "ads_insights"
    facts.rename(facts.with_name("away"))
    facts.write_text("in the way", encoding="utf-8")
    with staying(shop, log="broken.log", now=tomorrow) as found:
        [broke] = found.until("schedule.load_broke")
        assert "Not a directory" in broke["because"]
        assert [event["kind"] for event in found.until("alert.raised")] == ["run"]
        told = shop.run("alerts", "--json", "--now", tomorrow.isoformat())
        assert (told.code, told.json["troubles"][0]["scope"]) == (1, "nightly America/Los_Angeles")
        assert found.get("/readyz")[0] == 200
        facts.unlink()
        facts.with_name("away").rename(facts)
        found.until("schedule.load_done")
        found.until("alert.over")
        assert found.stop() == 130


# ---- a backfill beside it ----


def test_a_backfill_beside_it_is_carried_out_and_followed(shop: Shop, sandbox: Sandbox) -> None:
    """Typed while it holds the store: carried out by it in pieces, told with how long it takes, equal to the truth."""
    configure(shop)
    with staying(shop) as found:
        found.until("publish.done")
        typed = shop.run("backfill", "--since", "2026-08-20", "--until", "2026-11-10", "--json", *AT)
        assert typed.code == 0, typed.err
        assert (typed.json["request"], typed.json["outcome"]) == (1, "complete")
        assert typed.json["landed"] == 2 * 83
        assert "% done" in typed.err
        assert len(found.events("request.piece_begun")) >= 3
        found.until_published()
        found.stop()
    assert_as_in_truth(shop, sandbox, ("111", "222"), "2026-08-20", "2026-11-10")


def test_following_may_stop_and_be_taken_up_again(shop: Shop) -> None:
    """Ctrl-C ends the following, not the work; the same command typed again follows the same request."""
    configure(shop)
    wanted = ("backfill", "--since", "2026-08-20", "--until", "2026-11-10", "--json", *AT)
    with staying(shop) as found:
        found.until("publish.done")
        with subprocess.Popen(
            shop.command(*wanted), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=shop.env()
        ) as follower:
            found.until("request.piece_begun")
            follower.send_signal(signal.SIGINT)
            _, err = follower.communicate(timeout=PATIENCE_SECONDS)
        assert follower.returncode == 130
        assert "request 1 is no longer followed, and goes on" in err
        again = shop.run(*wanted)
        assert (again.code, again.json["request"], again.json["outcome"]) == (0, 1, "complete")
        found.stop()


def test_a_backfill_of_what_is_not_configured_is_refused(shop: Shop) -> None:
    """Before it is asked for: as without a schedule, and no request is left behind."""
    configure(shop)
    with staying(shop) as found:
        found.until("publish.done")
        typed = shop.run("backfill", "--since", "2026-08-20", "--until", "2026-11-10", "--account", "999", *AT)
        assert typed.code == 2
        assert "--account 999: this is not configured" in typed.err
        assert found.events("request.piece_begun") == []
        found.stop()


FIVE = ("111", "222", "333", "444", "555")


def test_ninety_days_over_five_accounts_killed_ten_times_while_nights_go_on(tmp_path: Path) -> None:
    """A request is carried on after each of ten kills, nights come between, no day that landed is asked twice."""
    start = datetime.fromisoformat("2026-11-20T00:00:00+00:00")
    with running_sandbox("--size", "small", "--accounts", "5", now=start, speed=600) as sandbox:
        shop = Shop(tmp_path, sandbox.url, speed=600)
        configure(shop, FIVE, "[report_runs]\ndeadline_minutes = 600", insights="lookback_days = 2")
        assert nights(shop, start + timedelta(hours=1)) == 0
        request_for(shop, "2026-08-01", "2026-10-29")
        end = start + timedelta(days=2)
        deaths = ("report_run.submitted", "page.read", "landing.begun", "landing.landed", "request.piece_begun")
        past: list[tuple[int, set[tuple[str, date]]]] = []
        for number in range(10):
            assert nights(shop, end, timedelta(), deaths[number % len(deaths)], str(1 + number % 2)) == -9
            past.append((len(sandbox.get("runs")["runs"]), landed_days(shop)))
        assert nights(shop, end) == 0
        assert request_state(shop) == "complete"
        assert past[-1][1]
        for number, landed in past:
            assert not landed & days_asked(sandbox, number)
        assert_as_in_truth(shop, sandbox, FIVE, "2026-08-01", "2026-10-29")
        nightly = "SELECT count(DISTINCT started_at::DATE) FROM meta.runs WHERE command LIKE 'nightly %'"
        assert shop.ask(nightly)[0][0] >= 2


def request_for(shop: Shop, since: str, until: str) -> None:
    """Leaves a request in the ledger, as `backfill` does beside a schedule."""
    data = shop.folder / "data"
    places = Places(data / "lake", data / "warehouse.duckdb", data / "state")
    asked_for(places, Choice((), (), date.fromisoformat(since), date.fromisoformat(until)), NOW, force=False)


def request_state(shop: Shop) -> str:
    ledger = Ledger.read(shop.folder / "data/state/ledger.sqlite")
    assert ledger is not None
    with ledger:
        return str(ledger.requests()[0]["outcome"])


def landed_days(shop: Shop) -> set[tuple[str, date]]:
    """Account and day of every slice of the range that the ledger knows to have landed."""
    ledger = Ledger.read(shop.folder / "data/state/ledger.sqlite")
    assert ledger is not None
    with ledger:
        records = [record for record in ledger.slices() if record.as_of is not None]
    starts = [(record.id.scope, record.id.start.date()) for record in records if record.id.start]
    return {(scope, day) for scope, day in starts if day <= date(2026, 10, 29)}


def days_asked(sandbox: Sandbox, after: int) -> set[tuple[str, date]]:
    """Account and day of all report runs but the first so many."""
    found = set()
    for run in sandbox.get("runs")["runs"][after:]:
        first, last = date.fromisoformat(run["date_start"]), date.fromisoformat(run["date_stop"])
        found |= {(run["account_id"], first + timedelta(days=number)) for number in range((last - first).days + 1)}
    return found


def test_no_secret_in_the_log_or_the_answers(shop: Shop) -> None:
    """The token and the webhook's address are used, and stand nowhere."""
    secret = "T0K3N-in-an-address/B0B5"
    shop.environment["INSIGHTS_WEBHOOK"] = f"http://127.0.0.1:9/{secret}"
    configure(shop, more='[alerts]\nwebhook_url_env = "INSIGHTS_WEBHOOK"\ntoken_expires = 2026-11-21')
    with staying(shop) as found:
        found.until("alert.raised")
        found.until("publish.done")
        found.until("alert.unsent")
        answers = "".join(found.get(path)[2] for path in ("/readyz", "/metrics", "/healthz"))
        found.stop()
        said = found.log.read_text(encoding="utf-8")
    for text in (answers, said):
        assert secret not in text
        assert TOKEN not in text
