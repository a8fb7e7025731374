"""A slice that is too much for one question: asked in parts, equal to the truth, holes named and closed, sizes kept."""

import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from schemas.ads_insights import tables_of
from schemas.breakdowns import BREAKDOWNS
from schemas.reports import Report
from tests.acceptance.comparing import as_found, expected_actions, expected_facts, expected_results, keyed
from tests.acceptance.conftest import NOW, Sandbox, Shop, running_sandbox

WINDOWS = ("1d_click", "7d_click", "1d_view")
AD = Report("ads_insights", "ad", action_attribution_windows=WINDOWS)
PEOPLE = Report("by_people", "campaign", breakdowns=("age", "gender"), action_attribution_windows=WINDOWS)
ACCOUNT = Report("by_account", "account", action_attribution_windows=WINDOWS)
TOML = {
    "ads_insights": '[[ads_insights.reports]]\nname = "ads_insights"\n',
    "by_people": '[[ads_insights.reports]]\nname = "by_people"\nlevel = "campaign"\nbreakdowns = ["age", "gender"]\n',
    "by_account": '[[ads_insights.reports]]\nname = "by_account"\nlevel = "account"\n',
}
SINCE = date(2026, 11, 18)
TOMORROW = NOW + timedelta(days=1)
TOO_MANY = {"error": {"message": "Too many rows", "type": "OAuthException", "code": 100, "error_subcode": 1487534}}
Params = dict[str, Any]


@dataclass
class Gate:
    """A proxy before the sandbox that keeps what was asked of insights and refuses as `too_much` says."""

    behind: str
    too_much: Callable[[Params], bool] = lambda _: False
    asked: list[Params] = field(default_factory=list)
    url: str = ""

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        where = urlsplit(path)
        if "/act_" in where.path and where.path.endswith("/insights"):
            sent = {name: values[0] for name, values in parse_qs(body.decode() or where.query).items()}
            params = {**sent, **{name: json.loads(sent[name]) for name in ("fields", "filtering")}}
            self.asked.append(params)
            if self.too_much(params):
                return 400, json.dumps(TOO_MANY).encode(), {"Content-Type": "application/json"}
        request = urllib.request.Request(self.behind + path, body or None, headers, method=method)
        try:
            with urllib.request.urlopen(request) as reply:
                return reply.status, reply.read(), dict(reply.headers)
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read(), dict(refused.headers)


@contextmanager
def gate_before(sandbox: Sandbox) -> Iterator[Gate]:
    gate = Gate(sandbox.url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            sent = {n: v for n, v in self.headers.items() if n.lower() in {"authorization", "content-type"}}
            status, answer, headers = gate.answer(self.command, self.path, body, sent)
            self.send_response(status)
            for name, value in headers.items():
                if name.lower().startswith("x-") or name.lower() == "content-type":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do  # noqa: N815 - the library calls them so

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        gate.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield gate
        finally:
            server.shutdown()


@pytest.fixture
def gate(sandbox: Sandbox) -> Iterator[Gate]:
    """A gate before this test's own sandbox."""
    with gate_before(sandbox) as gate:
        yield gate


def configured(folder: Path, url: str, report: Report, *, objects: str = "", more: str = "") -> Shop:
    shop = Shop(folder, url)
    shop.configure(accounts=("111",), since=SINCE, reports=TOML[report.name], objects=objects, more=more)
    return shop


def expected_of(report: Report, truth: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found = {tables_of(report).facts.name: expected_facts(report, truth)}
    for table, rows in (
        (tables_of(report).actions, expected_actions(report, truth)),
        (tables_of(report).results, expected_results(report, truth)),
    ):
        if table is not None:
            found[table.name] = rows
    return found


def truth_of(sandbox: Sandbox, report: Report, now: datetime = NOW, until: date | None = None) -> list[dict[str, Any]]:
    days = {"since": str(SINCE), "until": str(until or now.date() - timedelta(days=1))}
    return sandbox.insights("111", now, **report.parameters(), time_range=days)


def assert_equal(shop: Shop, report: Report, truth: list[dict[str, Any]]) -> None:
    """Facts, actions and results, cell by cell; nothing temporary is left."""
    assert truth
    expected = expected_of(report, truth)
    for table in tables_of(report):
        found = keyed((as_found(row, table) for row in shop.rows(table.name)), table)
        assert keyed(expected[table.name], table) == found, table.name
    assert list((shop.lake / ".tmp").iterdir()) == []


def assert_rightly_asked(gate: Gate, report: Report) -> None:
    """Every question holds the key, the status filter of its level, and no breakdown among its fields."""
    assert gate.asked
    for params in gate.asked:
        level = params["level"]
        assert f"{level}_id" in params["fields"]
        assert not set(params["fields"]) & set(BREAKDOWNS)
        statuses = [entry for entry in params["filtering"] if entry["field"].endswith("effective_status")]
        assert level == "account" or len(statuses) == 1
        if level == report.level and len(params["fields"]) > 4:
            assert params.get("breakdowns", "[]") == json.dumps(list(report.breakdowns), separators=(",", ":"))


@dataclass(frozen=True)
class Ads:
    """Which ads a question has rows of."""

    rows: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, sandbox: Sandbox) -> "Ads":
        return cls(tuple(truth_of(sandbox, AD, TOMORROW)))

    def in_question(self, params: Params) -> set[str]:
        days = json.loads(params["time_range"])
        rows = [row for row in self.rows if days["since"] <= row["date_start"] <= days["until"]]
        asked = [entry for entry in params["filtering"] if entry["field"].endswith(".id")]
        return {row["ad_id"] for row in rows if all(_lets_through(entry, row) for entry in asked)}


def _lets_through(entry: dict[str, Any], row: dict[str, Any]) -> bool:
    found = row[entry["field"].replace(".", "_")]
    return bool((found in entry["value"]) == (entry["operator"] == "IN"))


@pytest.mark.parametrize(
    ("report", "limit", "objects"),
    [(AD, 4, ""), (AD, 1, "[ad_objects]"), (PEOPLE, 20, "")],
    ids=["ads asked for", "ads landed", "campaigns by age and gender"],
)
def test_a_day_too_large_is_divided_by_its_objects(report: Report, limit: int, objects: str, tmp_path: Path) -> None:
    """Runs that fail as too large are divided until every part fits; a question for ids is bound by the limit too."""
    with running_sandbox("--size", "small", "--async-row-limit", str(limit)) as sandbox, gate_before(sandbox) as gate:
        shop = configured(tmp_path, gate.url, report, objects=objects)
        if objects:
            assert shop.load("--table", "campaigns", "--table", "adsets", "--table", "ads").code == 0
        ended = shop.load()
        assert (ended.code, ended.json["failures"]) == (0, [])
        assert_equal(shop, report, truth_of(sandbox, report))
        assert_rightly_asked(gate, report)


@pytest.mark.parametrize("report", [AD, ACCOUNT], ids=lambda report: report.level)
def test_a_day_too_wide_is_divided_by_its_fields(report: Report, tmp_path: Path, gate: Gate, sandbox: Sandbox) -> None:
    """Where no question of more than twelve fields is answered, parts of fields are joined again by key."""
    gate.too_much = lambda params: len(params["fields"]) > 12
    shop = configured(tmp_path, gate.url, report, objects="")
    ended = shop.load()
    assert (ended.code, ended.json["failures"]) == (0, [])
    assert_equal(shop, report, truth_of(sandbox, report))
    assert_rightly_asked(gate, report)


def test_an_ad_that_always_fails_is_a_hole_until_it_is_answered(tmp_path: Path, gate: Gate, sandbox: Sandbox) -> None:
    """Exactly its rows are missing, the slice says so, exit 1; the next day's load closes the hole."""
    ads, bad = Ads.of(sandbox), _bad_ad(sandbox)
    gate.too_much = lambda params: params["level"] == "ad" and bad in ads.in_question(params) and _is_wide(params)
    shop = configured(tmp_path, gate.url, AD, objects='[ad_objects]\ntables = ["campaigns", "adsets", "ads"]')
    ended = shop.load()
    assert ended.code == 1
    truth = truth_of(sandbox, AD)
    assert_equal(shop, AD, [row for row in truth if row["ad_id"] != bad])
    told = "SELECT DISTINCT state, reason LIKE '%ad.id IN %' FROM meta.slices WHERE table_name = 'ads_insights'"
    assert shop.ask(told) == [("partial", True)]
    failures = ended.json["failures"]
    assert len(failures) == 2
    assert all(bad in failure["error"] and failure["code"] == 100 for failure in failures)
    gate.too_much = lambda _: False
    sandbox.move_to(TOMORROW)
    ended = shop.load(now=TOMORROW)
    assert (ended.code, ended.json["failures"]) == (0, [])
    assert_equal(shop, AD, truth_of(sandbox, AD, TOMORROW))
    assert shop.ask("SELECT count(*) FROM meta.slices WHERE state = 'partial'") == [(0,)]


def test_a_hole_never_takes_rows_that_were_had(tmp_path: Path, gate: Gate, sandbox: Sandbox) -> None:
    """A day that landed whole and is then answered with a hole keeps its rows, as failed, until it is whole again."""
    ads, bad = Ads.of(sandbox), _bad_ad(sandbox)
    shop = configured(tmp_path, gate.url, AD, objects='[ad_objects]\ntables = ["campaigns", "adsets", "ads"]')
    assert shop.load().code == 0
    before = truth_of(sandbox, AD)
    gate.too_much = lambda params: params["level"] == "ad" and bad in ads.in_question(params) and _is_wide(params)
    nights = (TOMORROW, TOMORROW + timedelta(days=1))
    for night in nights:
        sandbox.move_to(night)
        assert shop.load("--until", "2026-11-19", now=night).code == 1
        assert_equal(shop, AD, before)
        states = "SELECT DISTINCT state, \"rows\" > 0, reason LIKE '%ad.id IN %' FROM meta.slices"
        assert shop.ask(f"{states} WHERE table_name = 'ads_insights'") == [("failed", True, True)]
    gate.too_much = lambda _: False
    assert shop.load("--until", "2026-11-19", now=nights[-1]).code == 0
    assert_equal(shop, AD, truth_of(sandbox, AD, nights[-1], until=date(2026, 11, 19)))


def _is_wide(params: Params) -> bool:
    """Whether it asks for more than the key: a question for ids alone is always answered."""
    return len(params["fields"]) > 4


def _bad_ad(sandbox: Sandbox) -> str:
    """An ad with rows on every day."""
    days = Counter(row["ad_id"] for row in truth_of(sandbox, AD))
    return str(next(ad for ad, count in days.items() if count == 2))


def test_one_field_of_one_ad_is_a_hole_of_its_own(tmp_path: Path, gate: Gate, sandbox: Sandbox) -> None:
    """Of the ad whose `spend` is never answered every other field lands; only that cell is NULL."""
    ads, bad = Ads.of(sandbox), _bad_ad(sandbox)
    gate.too_much = lambda params: "spend" in params["fields"] and bad in ads.in_question(params)
    shop = configured(tmp_path, gate.url, AD, objects="")
    ended = shop.load()
    assert ended.code == 1
    assert all("fields spend: " in failure["error"] for failure in ended.json["failures"])
    truth = truth_of(sandbox, AD)
    assert_equal(shop, AD, [{**row, "spend": None} if row["ad_id"] == bad else row for row in truth])


def test_what_worked_is_remembered_and_shown(tmp_path: Path, gate: Gate, sandbox: Sandbox) -> None:
    """The second load starts with the parts that worked: fewer calls, none refused; `insights plan` shows them."""
    ads, refused = Ads.of(sandbox), Counter[str]()

    def too_much(params: Params) -> bool:
        found = len(ads.in_question(params)) > 2 and _is_wide(params)
        refused["now"] += found
        return found

    gate.too_much = too_much
    shop = configured(tmp_path, gate.url, AD, objects="")
    assert shop.load().code == 0
    first, gate.asked = len(gate.asked), []
    assert refused["now"] > 0
    refused.clear()
    sandbox.move_to(TOMORROW)
    tomorrow = ("--now", TOMORROW.isoformat(), "--until", "2026-11-19")
    planned = shop.run("plan", "--json", "--offline", *tomorrow).json["tasks"]
    assert [(task["days_per_run"], task["slices"]) for task in planned] == [(1, 1), (1, 1)]
    [parts] = {task["parts"] for task in planned}
    assert parts > 1
    assert f"each in {parts} parts" in shop.run("plan", "--offline", *tomorrow).out
    assert shop.load("--until", "2026-11-19", now=TOMORROW).code == 0
    assert refused["now"] == 0
    assert len(gate.asked) == 2 * parts < first
    same_days = [row for row in truth_of(sandbox, AD, TOMORROW) if row["date_start"] <= "2026-11-19"]
    assert_equal(shop, AD, same_days)


def test_a_refused_token_is_no_hole(tmp_path: Path, gate: Gate, sandbox: Sandbox) -> None:
    """A token that is refused while a slice is asked in parts fails the slice and ends the run with exit 3."""
    gate.too_much = lambda params: len(params["fields"]) > 12
    sandbox.script({"match": {"op": "submit", "nth": 2}, "do": {"fault": "190"}, "times": None})
    shop = configured(tmp_path, gate.url, AD, objects="")
    ended = shop.load()
    assert ended.code == 3
    assert ended.json["slices"]["landed"] == 0
    assert shop.ask("SELECT DISTINCT state FROM meta.slices") == [("failed",)]


def test_a_load_killed_between_parts_is_made_up_by_the_next(tmp_path: Path) -> None:
    """A report run of a part is not taken for one of the whole slice: the next load asks again."""
    with running_sandbox("--size", "small", "--async-row-limit", "2") as sandbox:
        shop = configured(tmp_path, sandbox.url, AD, objects='[ad_objects]\ntables = ["campaigns", "adsets", "ads"]')
        assert shop.dying_load("report_run.submitted", 5) == -9
        assert shop.load(now=NOW + timedelta(minutes=5)).code == 0
        assert_equal(shop, AD, truth_of(sandbox, AD))


def test_a_day_that_meta_cannot_generate_is_divided(tmp_path: Path, gate: Gate, sandbox: Sandbox) -> None:
    """A run that fails in generation is submitted again, and after the last time asked in parts."""
    failed = {"run_status": "Job Failed", "error_code": -2, "error_subcode": 2490547, "error_message": "failed"}
    sandbox.script({"match": {"op": "submit"}, "do": failed, "times": 4})
    shop = configured(tmp_path, gate.url, ACCOUNT, objects="")
    shop.config.write_text(shop.config.read_text().replace(str(SINCE), "2026-11-19"))
    ended = shop.load()
    assert (ended.code, ended.json["failures"]) == (0, [])
    assert_equal(shop, ACCOUNT, [row for row in truth_of(sandbox, ACCOUNT) if row["date_start"] == "2026-11-19"])
    assert len(gate.asked) == 6


def test_a_stuck_run_is_overtaken_by_smaller_ones(tmp_path: Path, gate: Gate, sandbox: Sandbox) -> None:
    """A run that never ends is asked smaller beside it once its deadline has passed; the slices are whole."""
    sandbox.script({"match": {"op": "submit"}, "do": {"run_stuck_at": 40}, "times": 2})
    more = "[report_runs]\ndeadline_minutes = 0.1\npoll_max_seconds = 5\n"
    shop = configured(tmp_path, gate.url, AD, objects="", more=more)
    ended = shop.load()
    assert (ended.code, ended.json["failures"]) == (0, [])
    assert_equal(shop, AD, truth_of(sandbox, AD))
    days = [json.loads(params["time_range"]) for params in gate.asked]
    assert [day["since"] for day in days][:2] == [str(SINCE), str(SINCE)]
    assert len({(day["since"], day["until"]) for day in days}) == 3
