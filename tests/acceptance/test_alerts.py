"""Telling people: a webhook that hears what is new and nothing else, and an exit code for those who prefer cron."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.acceptance.conftest import NOW, Sandbox, Shop

REFUSED = {"match": {"op": "submit", "account": "111"}, "times": None, "do": {"fault": "200"}}
SECRET = "T0K3N-in-an-address"


class Hook(ThreadingHTTPServer):
    """Somebody's chat: keeps what it is sent, and answers with a status."""

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), Heard)
        self.status = status
        self.heard: list[tuple[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{SECRET}"


class Heard(BaseHTTPRequestHandler):
    """One document that came."""

    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((self.headers["Content-Type"], json.loads(body)))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def listening(status: int = 200) -> Iterator[Hook]:
    with Hook(status) as hook:
        thread = threading.Thread(target=hook.serve_forever)
        thread.start()
        try:
            yield hook
        finally:
            hook.shutdown()
            thread.join()


def configure(shop: Shop, hook: Hook | None, more: str = "") -> None:
    if hook is not None:
        shop.environment["INSIGHTS_WEBHOOK"] = hook.url
        more += '\nwebhook_url_env = "INSIGHTS_WEBHOOK"'
    shop.configure(accounts=("111", "222"), since=date(2026, 11, 18), objects="", more=f"[alerts]{more}")


def alerts(shop: Shop, now: datetime) -> tuple[int, list[tuple[str, str, str]]]:
    done = shop.run("alerts", "--json", "--now", now.isoformat())
    return done.code, [(found["kind"], found["table"], found["scope"]) for found in done.json["troubles"]]


def test_a_failure_is_told_once_and_its_end_once(shop: Shop, sandbox: Sandbox) -> None:
    """Four loads: it fails, it still fails, it works again, it works: two documents, as they are described."""
    with listening() as hook:
        configure(shop, hook)
        sandbox.script(REFUSED)
        assert [shop.load().code, shop.load("--failed").code] == [1, 1]
        [(kind, first)] = hook.heard
        assert kind == "application/json"
        assert first.keys() == {"version", "store", "at", "text", "troubles", "over"}
        [trouble] = first["troubles"]
        assert trouble.keys() == {"kind", "table", "scope", "message", "remedy"}
        assert (trouble["kind"], trouble["table"], trouble["scope"]) == ("failed", "ads_insights", "111")
        assert trouble["message"].startswith("2 slices failed from 2026-11-18: ")
        sandbox.script()
        assert [shop.load("--failed").code, shop.load().code] == [0, 0]
    [_, (_, last)] = hook.heard
    assert (last["troubles"], last["over"]) == ([], [trouble])
    assert last["text"].startswith("OVER FAILED ads_insights 111: ")


def test_a_webhook_that_is_broken_fails_nothing(shop: Shop, sandbox: Sandbox) -> None:
    """The load ends as it would; what could not be told is told by the next, and the address stands nowhere."""
    sandbox.script(REFUSED)
    with listening(500) as hook:
        configure(shop, hook)
        done = shop.load()
        assert (done.code, len(hook.heard)) == (1, 4)
    assert "alert.unsent" in done.err
    assert SECRET not in done.err + done.out
    with listening() as hook:
        configure(shop, hook)
        assert shop.load("--failed").code == 1
        assert len(hook.heard) == 1


def test_when_all_is_well_nothing_is_sent(shop: Shop) -> None:
    """Quiet: no document, exit code 0, and one line that says so."""
    with listening() as hook:
        configure(shop, hook)
        assert shop.load().code == 0
    assert hook.heard == []
    assert alerts(shop, NOW) == (0, [])
    assert shop.run("alerts", "--now", NOW.isoformat()).out == "nothing to tell\n"


def test_the_exit_code_tells_lateness(shop: Shop) -> None:
    """A day and a half without an answer is late; with another promise for the table it is not."""
    configure(shop, None)
    assert shop.load().code == 0
    late = NOW + timedelta(hours=37)
    assert alerts(shop, late) == (1, [("late", "ads_insights", "111"), ("late", "ads_insights", "222")])
    configure(shop, None, "\npromises = { ads_insights = 48.0 }")
    assert alerts(shop, late) == (0, [])


def test_an_address_that_is_not_there_is_refused_before_anything_is_sent(shop: Shop, sandbox: Sandbox) -> None:
    """With the setting and what to do."""
    shop.configure(accounts=("111",), more='[alerts]\nwebhook_url_env = "INSIGHTS_WEBHOOK"')
    done = shop.load()
    assert done.code == 2
    wanted = "[alerts] webhook_url_env = 'INSIGHTS_WEBHOOK': this variable holds no http or https address; export it"
    assert wanted in done.err
    assert sandbox.calls() == []
