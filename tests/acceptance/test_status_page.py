"""The status page over real loads: what it shows is the sandbox's truth, and nobody reads it who should not."""

import html
import json
import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import NOW, TOKEN, Sandbox, Shop, running_sandbox

SINCE = date(2026, 11, 12)
DAYS = [SINCE + timedelta(days=number) for number in range(8)]
WHEN = ("--now", NOW.isoformat())
REFUSED = [{"match": {"op": "submit", "account": "222"}, "times": None, "do": {"fault": "100"}}]
READER = "reader-token-of-the-page-91ce"
PORT = "[schedule]\nstatus_port = 0\n"


@dataclass(frozen=True)
class Read:
    """An answer of the page's server."""

    status: int
    headers: Message
    body: str

    @property
    def text(self) -> str:
        """What a reader reads: without marks, with single spaces."""
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", self.body)).split())


@dataclass(frozen=True)
class Page:
    """A running `insights status --serve`."""

    url: str

    def read(self, path: str = "", **headers: str) -> Read:
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, headers=headers)) as reply:
                return Read(reply.status, reply.headers, reply.read().decode())
        except urllib.error.HTTPError as error:
            return Read(error.code, error.headers, error.read().decode())


@contextmanager
def served(shop: Shop) -> Iterator[Page]:
    command = shop.command("status", "--serve", "--json", *WHEN)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=shop.folder, env=shop.env()
    ) as process:
        try:
            assert process.stdout is not None
            told = "".join(iter(process.stdout.readline, "}\n")) + "}"
            yield Page(json.loads(told)["listening"])
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait() == 130
            assert process.stderr is not None
            assert "Traceback" not in process.stderr.read()


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with running_sandbox("--size", "small") as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, server: Sandbox) -> Shop:
    """A store of two accounts, of which one is refused its reports."""
    shop = Shop(tmp_path_factory.mktemp("loaded"), server.url)
    shop.configure(accounts=("111", "222"), since=SINCE, more=PORT)
    server.script(*REFUSED)
    assert shop.load().code == 1
    return shop


@pytest.fixture(scope="module")
def page(loaded: Shop) -> Iterator[Page]:
    with served(loaded) as found:
        yield found


def spend_by_day(server: Sandbox, account: str) -> dict[date, tuple[Decimal, int]]:
    """The truth of each day at the moment of the load, summed by nobody of ours."""
    found: dict[date, tuple[Decimal, int]] = defaultdict(lambda: (Decimal(0), 0))
    for day in DAYS:
        span = {"since": day.isoformat(), "until": day.isoformat()}
        for row in server.insights(account, NOW, level="ad", fields="spend,impressions", time_range=span):
            spend, impressions = found[day]
            found[day] = (spend + Decimal(row["spend"]), impressions + int(row["impressions"]))
    return dict(found)


def test_spend_and_impressions_are_the_truth(page: Page, server: Sandbox) -> None:
    """Each day of the account's table, to the last decimal."""
    row = r'<th scope="row">\w{3} (\d+) Nov 2026</th><td class="num">([\d.,]+)</td><td class="num">([\d,]+)</td>'
    rows = re.findall(row, page.read("account?id=111").body)
    shown = {
        date(2026, 11, int(day)): (Decimal(spend.replace(",", "")), int(impressions.replace(",", "")))
        for day, spend, impressions in rows
    }
    truth = spend_by_day(server, "111")
    assert len(truth) == len(DAYS)
    assert shown == truth


def test_an_account_without_reports_is_a_hole(page: Page) -> None:
    """Nothing landed for the account that was refused: every day is a hole, none a zero."""
    read = page.read("account?id=222")
    assert len(re.findall(r'<rect class="hole"', read.body)) == 2 * len(DAYS)
    assert '<rect class="bar"' not in read.body
    assert read.body.count("no data") == 2 * len(DAYS)


def test_a_failed_slice_tells_its_reason_and_its_call(page: Page, loaded: Shop) -> None:
    """The reason that the ledger has, the code, the trace and what to do, as `load --json` printed them."""
    read = page.read(f"slice?table=ads_insights&scope=222&start={DAYS[-1]}T00:00")
    where = f"scope = '222' AND slice_start = '{DAYS[-1]}' AND state = 'failed'"
    [(reason, run_id)] = loaded.ask(f"SELECT reason, run_id FROM meta.slices WHERE {where}")
    [(failures,)] = loaded.ask(f"SELECT failures FROM meta.runs WHERE run_id = '{run_id}'")
    failure: dict[str, Any] = next(one for one in json.loads(failures) if one["slice"] == DAYS[-1].isoformat())
    assert " ".join(reason.split()) in read.text
    for fact in (run_id, failure["fbtrace_id"], f"Code {failure['code']}", failure["remedy"], "Failed attempts 1"):
        assert fact in read.text


def test_the_overview_counts_what_the_store_has(page: Page, loaded: Shop) -> None:
    """Failed slices and rows of the overview are those of `meta.slices`; so are final and due in the terminal."""
    [(failed, rows)] = loaded.ask("SELECT count(*) FILTER (state = 'failed'), sum(\"rows\") FROM meta.slices")
    read = page.read()
    assert f"Of {len(DAYS) * 2 + 10} slices: {failed} failed." in read.text
    assert f"Rows {rows:,}" in read.text
    groups = loaded.run("status", "--json", *WHEN).json["tables"]
    told = {(group["table"], group["scope"]): (group["due"], group["final"]) for group in groups}
    assert told["ads_insights", "222"] == (len(DAYS), 0)
    assert told["ads_insights", "111"] == (0, 0)
    words = loaded.run("status", *WHEN).out
    assert f"{len(DAYS)} failed, {len(DAYS)} due" in words


def test_final_days_are_marked_so(page: Page, loaded: Shop) -> None:
    """With a lookback of three days those read after it are final, here as in `meta.slices`' own rule."""
    text = loaded.config.read_text(encoding="utf-8")
    loaded.config.write_text(text.replace("since = 2026", "lookback_days = 3\nsince = 2026", 1))
    try:
        with served(loaded) as narrow:
            body = narrow.read("account?id=111&table=ads_insights").body
    finally:
        loaded.config.write_text(text)
    labels = re.findall(r'class="([a-z-]+)" href="slice[^"]+" aria-label="\w{3} (\d+) Nov 2026', body)
    assert {int(day): mark for mark, day in labels} == {
        day.day: "final" if day <= date(2026, 11, 16) else "landed" for day in DAYS
    }
    assert "final," not in page.read("account?id=111&table=ads_insights").body


def test_quotas_were_remembered(page: Page, loaded: Shop) -> None:
    """The load wrote down what the headers said, sparsely, and the page draws it."""
    read = page.read("quotas")
    assert "insights of 111" in read.text
    assert "<polyline points=" in read.body
    assert "insights of 111" in page.read("account?id=111").text
    progress = loaded.run("status", "--json", *WHEN)
    assert progress.code == 0


def test_a_killed_run_tells_how_far_it_came(shop: Shop) -> None:
    """Killed after its first landing, it stands as killed with what it had planned; nothing is said to run."""
    shop.configure(accounts=("111", "222"), since=SINCE, more=PORT)
    assert shop.dying_load("slices.landed", 3) == -9
    with served(shop) as page:
        read = page.read("runs")
        assert "killed" in read.text
        assert re.search(r"of 26 slices", read.text)
        assert "Running now" not in page.read().text


def test_a_running_load_is_followed(shop: Shop, sandbox: Sandbox) -> None:
    """While a report run never ends the page says what runs, what was planned and what has landed."""
    shop.configure(accounts=("111", "222"), since=SINCE, more=PORT)
    sandbox.script({"match": {"op": "submit", "account": "222"}, "times": None, "do": {"run_stuck_at": 40}})
    with shop.start("load", *WHEN) as load, served(shop) as page:
        seen = ""
        while not re.search(r"[1-9]\d* of 26 slices", seen):
            assert load.poll() is None
            seen = page.read().text
        assert "Running now: load , since 20 Nov 2026" in seen
        load.send_signal(signal.SIGTERM)
        assert load.wait() == 130
        assert "interrupted" in page.read("runs").text


def test_no_page_shows_a_token(page: Page, loaded: Shop) -> None:
    """Nor does the file."""
    path = loaded.folder / "status.html"
    assert loaded.run("status", "--html", str(path), *WHEN).code == 0
    written = path.read_text(encoding="utf-8")
    assert "Incomplete" in written
    assert "src=" not in written
    assert re.findall(r'href="(?!#)[^"]*"', written) == []
    paths = ("", "account?id=111", "account?id=222", "runs", "quotas", f"day?day={DAYS[-1]}")
    assert [one for one in (written, *(page.read(path).body for path in paths)) if TOKEN in one] == []


def test_the_file_holds_an_account_of_a_single_table(loaded: Shop) -> None:
    """Which needs no list of its tables, and no way to all of them."""
    path = loaded.folder / "one.html"
    done = loaded.run("status", "--html", str(path), "--account", "111", "--table", "campaigns", *WHEN)
    assert (done.code, done.err) == (0, "")
    assert "All tables of this account" not in path.read_text(encoding="utf-8")


# ---- who may read, and how the server answers ----


def test_every_answer_is_shut_in(page: Page) -> None:
    """No script but its own, no frame, no guessing of types, nothing told to where a link leads; errors too."""
    for path, status in (("", 200), ("style.css", 200), ("account?id=99", 404), ("nothing", 404), ("day?day=x", 400)):
        read = page.read(path)
        assert read.status == status
        assert read.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "unsafe" not in read.headers["Content-Security-Policy"]
        assert read.headers["X-Content-Type-Options"] == "nosniff"
        assert read.headers["Referrer-Policy"] == "no-referrer"


def test_what_the_reader_has_is_not_sent_again(page: Page) -> None:
    """The same page by its tag: 304 without a body."""
    first = page.read("style.css")
    again = page.read("style.css", **{"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, "")


@pytest.mark.parametrize(
    "path", ["slice?table=%3Cscript%3E&scope=1", "account?id=%3Cscript%3E", "?q=%3Cscript%3E&page=2", "?page=x"]
)
def test_what_stands_in_an_address_is_no_markup(page: Page, path: str) -> None:
    """Whatever is asked for comes back as text, if at all."""
    read = page.read(path)
    assert read.status in {200, 400, 404}
    assert "<script>" not in read.body


def test_a_strange_name_is_not_answered_to(page: Page) -> None:
    """A page elsewhere cannot have a browser read this one to it under a name of its own."""
    read = page.read(Host="evil.example")
    assert (read.status, "Incomplete" in read.body) == (421, False)


def test_beyond_this_machine_a_token_is_demanded(loaded: Shop) -> None:
    """Without it nothing is shown; with it everything; and never from the address."""
    text = loaded.config.read_text(encoding="utf-8")
    guarded = f'{PORT}status_host = "0.0.0.0"\nstatus_token_env = "PAGE_TOKEN"\n'
    loaded.config.write_text(text.replace(PORT, guarded))
    try:
        missing = loaded.run("status", "--serve", *WHEN)
        assert (missing.code, "PAGE_TOKEN" in missing.err) == (2, True)
        loaded.environment["PAGE_TOKEN"] = READER
        with served(loaded) as page:
            here = Page(page.url.replace("0.0.0.0", "127.0.0.1"))  # noqa: S104 - where it listens
            for headers in ({}, {"Authorization": f"Bearer {READER}x"}):
                shut = here.read(**headers)
                assert (shut.status, "Incomplete" in shut.body) == (401, False)
                assert shut.headers["WWW-Authenticate"].startswith("Basic")
            assert here.read(f"?token={READER}").status == 401
            assert here.read("style.css").status == 401
            opened = here.read(Authorization=f"Bearer {READER}")
            assert (opened.status, READER in opened.body) == (200, False)
    finally:
        loaded.environment.pop("PAGE_TOKEN", None)
        loaded.config.write_text(text)


def test_a_port_that_is_taken_is_told(page: Page, loaded: Shop) -> None:
    """One sentence that names the setting, exit 2."""
    text = loaded.config.read_text(encoding="utf-8")
    loaded.config.write_text(text.replace("status_port = 0", f"status_port = {page.url.rsplit(':', 1)[1].strip('/')}"))
    try:
        ended = loaded.run("status", "--serve", *WHEN)
    finally:
        loaded.config.write_text(text)
    assert ended.code == 2
    assert "status_port" in ended.err
    assert "Traceback" not in ended.err


def test_before_the_first_load_it_says_so(quiet_shop: Shop) -> None:
    """No store is no error, on the page and in the file; nothing is created by looking."""
    quiet_shop.configure(more=PORT)
    with served(quiet_shop) as page:
        assert "Nothing was loaded yet" in page.read().text
        assert page.read("runs").status == 200
        assert page.read("account?id=111").status == 404
    assert quiet_shop.run("status", "--html", "s.html", *WHEN).code == 0
    assert "Nothing was loaded yet" in (quiet_shop.folder / "s.html").read_text(encoding="utf-8")
    assert not (quiet_shop.folder / "data").exists()


def test_a_broken_ledger_is_told(loaded: Shop, tmp_path: Path) -> None:
    """One page with one sentence that names the file and what to do; the server goes on."""
    broken = Shop(tmp_path, loaded.url)
    broken.configure(accounts=("111", "222"), since=SINCE, more=PORT)
    shutil.copytree(loaded.folder / "data", tmp_path / "data")
    ledger = tmp_path / "data" / "state" / "ledger.sqlite"
    whole = ledger.read_bytes()
    ledger.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with served(broken) as page:
        read = page.read()
        assert read.status == 503
        assert "ledger.sqlite" in read.text
        assert "put a copy of it back" in read.text
        assert page.read("style.css").status == 200
        ledger.write_bytes(whole)
        assert page.read().status == 200
