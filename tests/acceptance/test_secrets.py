"""Token, app secret and proof are sent, and stand nowhere else: no file, no output, no address, no process list."""

import hashlib
import hmac
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import quote

import duckdb
import pyarrow.parquet as pq
import pytest

from tests.acceptance.conftest import NOW, TOKEN, Ended, Sandbox, Shop, running_sandbox

SECRET = "app-secret+acceptance/4417=c0de"
WRONG = "wrong-token-acceptance-0b5e|77/q=="


def proof(token: str) -> str:
    return hmac.new(SECRET.encode(), token.encode(), hashlib.sha256).hexdigest()


HIDDEN = [TOKEN, SECRET, WRONG, proof(TOKEN), proof(WRONG)]
SPELLINGS = [spelling for text in HIDDEN for spelling in dict.fromkeys((text, quote(text, safe="")))]


@dataclass(frozen=True)
class Used:
    """A store after good and bad loads, what they printed, and what the sandbox was sent."""

    shop: Shop
    ended: tuple[Ended, ...]
    sandbox: Sandbox
    cmdline: str


def error(message: str, code: int) -> str:
    return json.dumps({"error": {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1"}})


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Used]:
    """Loads with faults that give the secrets back, with a refused token, with success, and one seen while it runs."""
    told = f"access_token={TOKEN}&appsecret_proof={proof(TOKEN)} of {SECRET}"
    with running_sandbox("--size", "small", "--app-secret", SECRET, "--require-proof") as sandbox:
        shop = Shop(tmp_path_factory.mktemp("used"), sandbox.url)
        shop.environment["META_APP_SECRET"] = SECRET
        shop.configure(accounts=("111", "222"), since=date(2026, 11, 18), more="[report_runs]\ndeadline_minutes = 2")
        text = shop.config.read_text(encoding="utf-8")
        shop.config.write_text(text.replace("[storage]", 'app_secret_env = "META_APP_SECRET"\n[storage]'))
        following = f"{sandbox.url}/v25.0/act_111/campaigns?{told.replace(' of ', '&x=')}&after=MjU"
        next_page = {"data": [], "paging": {"cursors": {"after": "MjU"}, "next": following}}
        sandbox.script(
            {"match": {"path": "111/adsets"}, "do": {"reply": {"status": 400, "body": error(told, 100)}}},
            {"match": {"path": "222/adsets"}, "do": {"reply": {"status": 502, "body": f"<html>{told}</html>"}}},
            {"match": {"op": "submit"}, "do": {"reply": {"status": 500, "body": error(told, 2)}}},
            {"match": {"path": "111/campaigns"}, "do": {"reply": {"status": 200, "body": json.dumps(next_page)}}},
            {"match": {"path": "111/campaigns"}, "do": {"reply": {"status": 200, "body": '{"data": []}'}}},
        )
        faulty = shop.load()
        shop.environment["META_ACCESS_TOKEN"] = WRONG
        refused = shop.load("--failed")
        shop.environment["META_ACCESS_TOKEN"] = TOKEN
        sandbox.script({"match": {"op": "submit"}, "do": {"run_stuck_at": 10}})
        cmdline = _looked_at(shop)
        sandbox.script()
        good = shop.run("load", "--now", NOW.isoformat())
        ended = (faulty, refused, good, *(shop.run(name, "--now", NOW.isoformat()) for name in ("status", "plan")))
        assert [found.code for found in ended] == [1, 3, 0, 0, 0]
        yield Used(shop, ended, sandbox, cmdline)


def _looked_at(shop: Shop) -> str:
    """The process list's line of a load that has sent something and still runs."""
    shop.config.write_text(shop.config.read_text(encoding="utf-8").replace("2026-11-18", "2026-11-17"))
    with shop.start("load", "--now", NOW.isoformat()) as process:
        Sandbox(shop.url).forget_calls()
        while not any(call["op"] == "submit" for call in Sandbox(shop.url).calls()):
            assert process.poll() is None
        line = Path(f"/proc/{process.pid}/cmdline").read_text(encoding="utf-8")
        process.terminate()
    return line


def found_in(text: str) -> list[str]:
    return [secret for secret in SPELLINGS if secret in text]


def test_the_secrets_are_used(used: Used) -> None:
    """The sandbox checks the proof and gave the secrets back, so that there was something to hide."""
    faults = {failure["error"] for failure in used.ended[0].json["failures"]}
    assert any("access_token=***&appsecret_proof=*** of ***" in text for text in faults)
    assert used.ended[2].code == 0


def test_nothing_that_was_printed_holds_a_secret(used: Used) -> None:
    """Neither the answers nor the logs of good and bad loads, in words and as JSON."""
    assert [found_in(ended.out + ended.err) for ended in used.ended] == [[]] * 5


def test_no_file_holds_a_secret(used: Used) -> None:
    """Neither as octets nor behind the compression of lake, ledger and warehouse."""
    files = [path for path in used.shop.folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert [path for path in files if found_in(path.read_bytes().decode("latin-1"))] == []
    for path in used.shop.lake.rglob("*.parquet"):
        table = pq.ParquetFile(path)
        assert found_in(f"{table.read().to_pylist()} {table.schema_arrow.metadata} {table.metadata.metadata}") == []
    with closing(sqlite3.connect(used.shop.folder / "data/state/ledger.sqlite")) as ledger:
        assert found_in("\n".join(ledger.iterdump())) == []
    with duckdb.connect(str(used.shop.warehouse), read_only=True) as warehouse:
        tables = warehouse.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
        for schema, table_name in tables:
            assert found_in(str(warehouse.execute(f'SELECT * FROM {schema}."{table_name}"').fetchall())) == []


def test_no_address_holds_a_token(used: Used) -> None:
    """The token travels in a header; the sandbox saw it in no address, `paging.next` notwithstanding."""
    assert [call for call in used.sandbox.calls() if call["token_in_url"]] == []
    assert used.sandbox.calls() != []


def test_the_process_list_holds_no_secret(used: Used) -> None:
    """What other users of the machine see of a running load names the command, not the token."""
    assert "load" in used.cmdline.split("\0")
    assert found_in(used.cmdline) == []
