"""What cannot be used is refused in one message before anything is sent; what fails alone fails alone."""

import hashlib
import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stderr, redirect_stdout
from datetime import date, timedelta
from pathlib import Path
from unittest.mock import patch

import duckdb
import orjson
import pytest

from pipeline.cli import main
from tests.acceptance.conftest import NOW, ROOT, TOKEN, Ended, Sandbox, Shop, running_sandbox

SINCE = date(2026, 11, 18)
WHEN = ("--now", NOW.isoformat())
REPORT = """
[[ads_insights.reports]]
name = "ads_insights"
level = "ad"
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    """One sandbox for this file; each test forgets its calls and its script."""
    with running_sandbox("--size", "small") as found:
        yield found


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, server: Sandbox) -> Shop:
    """A store of two accounts, to be copied."""
    shop = Shop(tmp_path_factory.mktemp("loaded"), server.url)
    shop.configure(accounts=("111", "222"), since=SINCE)
    assert shop.load().code == 0
    return shop


@pytest.fixture
def shop(tmp_path: Path, server: Sandbox) -> Shop:
    """A folder without a store."""
    server.move_to(NOW)
    server.post("reset_quotas", {})
    server.script()
    server.forget_calls()
    found = Shop(tmp_path, server.url)
    found.configure(accounts=("111", "222"), since=SINCE)
    return found


@pytest.fixture
def store(shop: Shop, loaded: Shop) -> Shop:
    """A folder with the loaded store."""
    shutil.copytree(loaded.folder / "data", shop.folder / "data", copy_function=shutil.copy2)
    return shop


def fingerprints(shop: Shop) -> dict[str, str]:
    """Every file of the folder with its hash; who last held the lock aside, and what SQLite's readers leave behind."""
    return {
        str(path.relative_to(shop.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(shop.folder.rglob("*"))
        if path.is_file() and path.name not in {"lock", "ledger.sqlite-wal", "ledger.sqlite-shm"}
    }


def typed(shop: Shop, *arguments: str) -> Ended:
    """A command line carried out in this process: a second saved for each of the many that end before their work."""
    out, err = io.StringIO(), io.StringIO()
    with patch.dict(os.environ, shop.env(), clear=True), redirect_stdout(out), redirect_stderr(err):
        try:
            main(arguments)
            code: object = 0
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int)
    return Ended(code, out.getvalue(), err.getvalue())


def refused(shop: Shop, server: Sandbox, *arguments: str) -> str:
    """What is said on stderr by a command that must send nothing and change nothing."""
    before = fingerprints(shop)
    ended = typed(shop, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert server.calls() == []
    assert fingerprints(shop) == before
    return ended.err.rstrip("\n")


def said(shop: Shop, text: str) -> str:
    return text.format(config=shop.config, data=shop.folder / "data")


WRONG = (
    ("since = 2026-11-18", "sinse = 2026-11-18", "[ads_insights] sinse is not a setting; did you mean since?"),
    ("[ad_objects]", "[ad_object]", "[ad_object] is not a setting; did you mean [ad_objects]?"),
    (
        "since = 2026-11-18",
        'since = 2026-11-18\nlookback_days = "28"',
        "[ads_insights] lookback_days = '28': should be a valid integer",
    ),
    (
        "since = 2026-11-18",
        "since = 2026-02-30",
        "this is not TOML: Invalid date or datetime (at line 11, column 9): since ...",
    ),
    (
        "since = 2026-11-18",
        'since = "2026-02-30"',
        "[ads_insights] since = '2026-02-30': write a day that exists, such as 2026-09-01",
    ),
    (
        "since = 2026-11-18",
        "since = 2027-01-01",
        "[ads_insights] since = 2027-01-01 lies after today, 2026-11-20; write a day that has been",
    ),
    (
        'level = "ad"',
        'level = "ad"\nfields = ["impresions"]',
        (
            '[[ads_insights.reports]] number 1: fields: "impresions" is not a field of ads insights; '
            'the nearest legal value is "impressions"'
        ),
    ),
    (
        'level = "ad"',
        'level = "ad"\nbreakdowns = ["agee"]',
        '[[ads_insights.reports]] number 1: breakdowns: "agee" is not a breakdown; the nearest legal value is "age"',
    ),
    (
        'level = "ad"',
        'level = "ad"\nbreakdowns = ["age", "region"]',
        (
            '[[ads_insights.reports]] number 1: breakdowns: "age, region" cannot be combined; '
            'the nearest legal value is "age"'
        ),
    ),
    (
        'level = "ad"',
        'level = "ad"\nbreakdowns = "age"',
        "[[ads_insights.reports]] number 1: breakdowns = 'age': should be a valid list; write [\"age\"]",
    ),
    (
        'level = "ad"',
        'level = "add"',
        '[[ads_insights.reports]] number 1: level: "add" is not a level; the nearest legal value is "ad"',
    ),
    (
        '["111", "222"]',
        '["act_111", "act_x"]',
        "[ads_insights] ad_accounts number 2 = 'act_x': write an ad account as digits, with or without act_",
    ),
    (
        'base_url = "http:',
        'version = "25"\nbase_url = "http:',
        "[graph] version = '25': write it as in 'v25.0'",
    ),
)


@pytest.mark.parametrize(("legal", "wrong", "message"), WRONG, ids=[entry[1] for entry in WRONG])
def test_a_wrong_setting_is_refused_with_its_place_and_the_nearest_legal_value(
    legal: str, wrong: str, message: str, shop: Shop, server: Sandbox
) -> None:
    """Unknown key, wrong type, bad date, unknown field or breakdown: one line that says where and what instead."""
    text = shop.config.read_text(encoding="utf-8")
    assert text.count(legal) == 1
    shop.config.write_text(text.replace(legal, wrong), encoding="utf-8")
    assert refused(shop, server, "load", *WHEN) == f"{shop.config}: {message}"


def test_a_missing_token_variable_is_named(shop: Shop, server: Sandbox) -> None:
    """Without the variable that holds the token nothing begins, and the variable is named."""
    shop.environment.clear()
    ended = shop.run("load", *WHEN)
    assert (ended.code, ended.out, server.calls()) == (2, "", [])
    assert ended.err == (
        "[graph] access_token_env = 'META_ACCESS_TOKEN': this variable is not set; "
        "export META_ACCESS_TOKEN=... with a token that has ads_read\n"
    )
    assert not (shop.folder / "data").exists()


OPTIONS = (
    (
        ("--table", "ads_insight"),
        (
            "--table ads_insight: this is not configured; there are "
            "ad_accounts, adcreatives, ads, ads_insights, adsets, campaigns"
        ),
    ),
    (("--account", "act_999"), "--account 999: this is not configured; there are 111, 222"),
    (
        ("--until", "2026-11-01"),
        "--until 2026-11-01 lies before [ads_insights] since = 2026-11-18; name an earlier --since too",
    ),
    (("--since", "2026-12-24"), "--since 2026-12-24 lies in the future; name a day that has been"),
)


@pytest.mark.parametrize(("options", "message"), OPTIONS, ids=[entry[0][0] + " " + entry[0][1] for entry in OPTIONS])
def test_an_option_that_means_nothing_here_is_refused(
    options: tuple[str, ...], message: str, shop: Shop, server: Sandbox
) -> None:
    """Tables and accounts that are not configured, and days that cannot be, are refused with those that there are."""
    assert refused(shop, server, "load", *WHEN, *options) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--since", "2026-11-20", "--until", "2026-11-19"),
            "Error: --since 2026-11-20 lies after --until 2026-11-19; both days are inclusive",
        ),
        (
            ("--since", "2026-02-30"),
            "Error: Invalid value for '--since': '2026-02-30' is not a day that exists; write it as 2026-09-01",
        ),
        (("--tabel", "ads"), "Error: No such option '--tabel'. (Did you mean one of: '--help', '--table'?)"),
    ],
    ids=["since after until", "no such day", "no such option"],
)
def test_a_misused_option_is_refused(options: tuple[str, ...], message: str, shop: Shop, server: Sandbox) -> None:
    """Usage that cannot be meant is told with the usage, and nothing is sent."""
    assert refused(shop, server, "load", *WHEN, *options).splitlines()[-1] == message


# ---- stores ----


def test_another_grain_under_the_same_name_is_refused(store: Shop, server: Sandbox) -> None:
    """A report that would mix rows of two grains is refused, with both ways out."""
    store.configure(accounts=("111", "222"), since=SINCE, reports=REPORT.replace('"ad"', '"campaign"'))
    message = (
        "[[ads_insights.reports]] name = 'ads_insights': its level, breakdowns, action breakdowns, increment or "
        "filtering differ from what was loaded under this name; give the new report another name, or forget the old "
        "one with `insights drop --table ads_insights`"
    )
    for command in ("load", "plan"):
        assert refused(store, server, command, *WHEN) == message


def test_a_real_store_takes_no_rehearsal(store: Shop, server: Sandbox) -> None:
    """A store that was born without `--now` is not written under one, so that a rehearsal never spoils real data."""
    with closing(sqlite3.connect(store.folder / "data/state/ledger.sqlite", isolation_level=None)) as ledger:
        ledger.execute("UPDATE store SET rehearsal = 0")
    assert refused(store, server, "load", *WHEN) == said(
        store, "store {data}/state: it holds real data; commands that write take no --now here"
    )


def _foreign_lake(data: Path) -> None:
    (data / "lake/_insights.json").unlink()


def _newer_lake(data: Path) -> None:
    mark = data / "lake/_insights.json"
    mark.write_bytes(orjson.dumps({**orjson.loads(mark.read_bytes()), "format": 2}))


def _unreadable_lake(data: Path) -> None:
    (data / "lake/_insights.json").write_text("{")


def _foreign_ledger(data: Path) -> None:
    (data / "state/ledger.sqlite").unlink()
    with closing(sqlite3.connect(data / "state/ledger.sqlite")) as other:
        other.execute("CREATE TABLE notes (text TEXT)")


def _unreadable_ledger(data: Path) -> None:
    path = data / "state/ledger.sqlite"
    path.write_bytes(path.read_bytes()[:100] + b"this is no database at all" * 1000)


def _newer_ledger(data: Path) -> None:
    with closing(sqlite3.connect(data / "state/ledger.sqlite")) as ledger:
        ledger.execute("PRAGMA user_version = 2")


def _foreign_warehouse(data: Path) -> None:
    (data / "warehouse.duckdb").unlink()
    with duckdb.connect(str(data / "warehouse.duckdb")) as other:
        other.execute("CREATE TABLE sales (day DATE)")


def _unreadable_warehouse(data: Path) -> None:
    (data / "warehouse.duckdb").unlink()
    (data / "warehouse.duckdb").write_text("a letter to grandmother")


def _newer_warehouse(data: Path) -> None:
    (data / "warehouse.duckdb").chmod(0o644)
    with duckdb.connect(str(data / "warehouse.duckdb")) as warehouse:
        warehouse.execute("UPDATE meta.publication SET format_version = 2")


STORES = (
    (_foreign_lake, "lake {data}/lake: this folder holds something else; set [storage] lake to one of its own"),
    (_newer_lake, "lake {data}/lake: format 2 is newer than this program's 1; upgrade insights"),
    (
        _unreadable_lake,
        (
            "lake {data}/lake/_insights.json: cannot be read (unexpected end of data: line 1 column 2 (char 1)); "
            "restore it from a copy of the lake, or run `insights rebuild --ledger`"
        ),
    ),
    (
        _foreign_ledger,
        (
            "ledger {data}/state/ledger.sqlite: this is not an insights ledger; set [storage] state to a folder of its "
            "own, or run `insights rebuild` if it was one"
        ),
    ),
    (
        _unreadable_ledger,
        (
            "ledger {data}/state/ledger.sqlite: cannot be opened (database disk image is malformed); "
            "put a copy of it back, or run `insights rebuild`"
        ),
    ),
    (_newer_ledger, "ledger {data}/state/ledger.sqlite: format 2 is newer than this program's 1; upgrade insights"),
    (
        _foreign_warehouse,
        "warehouse {data}/warehouse.duckdb: this file is not ours; set [storage] warehouse to another name",
    ),
    (
        _unreadable_warehouse,
        (
            "warehouse {data}/warehouse.duckdb: cannot be read, and this store did not publish it; close it where it "
            "is open, move it away, or set [storage] warehouse to another name"
        ),
    ),
    (_newer_warehouse, "warehouse {data}/warehouse.duckdb: written by a newer insights; upgrade this one"),
)


@pytest.mark.parametrize(("spoil", "message"), STORES, ids=[entry[0].__name__.strip("_") for entry in STORES])
def test_a_store_that_is_foreign_unreadable_or_newer_is_refused(
    spoil: Callable[[Path], None], message: str, store: Shop, server: Sandbox
) -> None:
    """Lake, ledger and warehouse are each looked at before the first call, and left as they are."""
    spoil(store.folder / "data")
    assert refused(store, server, "load", *WHEN) == said(store, message)


def test_a_new_store_is_not_born_beside_what_is_not_ours(shop: Shop, server: Sandbox) -> None:
    """A folder that holds something else keeps its files, and no ledger is left behind."""
    (shop.folder / "data/lake").mkdir(parents=True)
    (shop.folder / "data/lake/diary.txt").write_text("dear diary")
    assert refused(shop, server, "load", *WHEN) == said(
        shop, "lake {data}/lake: this folder holds something else; set [storage] lake to one of its own"
    )


@pytest.mark.parametrize(
    "command", [("publish",), ("drop", "--table", "ads_insights", "--yes")], ids=["publish", "drop"]
)
def test_what_was_never_loaded_is_neither_published_nor_dropped(
    command: tuple[str, ...], shop: Shop, server: Sandbox
) -> None:
    """Commands on what was loaded say so where nothing was, and make no store."""
    assert refused(shop, server, *command, *WHEN) == said(
        shop, "store {data}/state: nothing was loaded yet; run `insights load` first"
    )
    assert not (shop.folder / "data").exists()


# ---- failures ----


def test_a_refused_token_ends_with_what_to_renew(shop: Shop, server: Sandbox) -> None:
    """An expired token: exit 3, one call, nothing landed, and the failure says which thing to make anew."""
    shop.environment["META_ACCESS_TOKEN"] = "sandbox-token-expired"
    ended = shop.load()
    assert (ended.code, ended.json["outcome"], ended.json["slices"]["landed"]) == (3, "token refused", 0)
    assert [call["code"] for call in server.calls() if not call["part_of_batch"]] == [190]
    for failure in ended.json["failures"]:
        assert (failure["code"], failure["subcode"], failure["remedy"]) == (190, 463, "new token")
        assert failure["error"].endswith(
            "make a new access token and set it in the environment variable that the configuration names"
        )
    shop.environment["META_ACCESS_TOKEN"] = TOKEN
    assert shop.load().code == 0


def test_an_account_without_permission_fails_alone(store: Shop, server: Sandbox) -> None:
    """The next day one account is refused: the other lands, the exit code is 1, the old rows stay."""
    before = store.ask("SELECT count(*) FROM ads_insights WHERE account_id = '222'")
    server.script(refused_accounts=["222"])
    tomorrow = NOW + timedelta(days=1)
    server.move_to(tomorrow)
    ended = store.load(now=tomorrow)
    assert ended.code == 1
    assert {(failure["scope"], failure["remedy"]) for failure in ended.json["failures"]} == {("222", "permission")}
    assert ended.json["slices"]["landed"] > 0
    assert store.ask("SELECT count(*) FROM ads_insights WHERE account_id = '222'") == before
    states = store.ask("SELECT DISTINCT scope, state FROM meta.slices WHERE table_name = 'ads_insights' ORDER BY ALL")
    assert ("111", "failed") not in states
    assert ("222", "failed") in states


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "an answer without `account_id`, `timezone_name`"),
        (
            {"id": "act_222", "account_id": "222", "timezone_name": "Mars/Olympus"},
            "the ad account's time zone 'Mars/Olympus' is not known here: update the package tzdata",
        ),
    ],
    ids=["nothing", "a zone that is none"],
)
def test_an_account_that_cannot_be_understood_fails_alone(
    body: dict[str, str], told: str, shop: Shop, server: Sandbox
) -> None:
    """What Meta says of it lacks what every slice needs: asked again, then its own failure; the other account lands."""
    reply = {"status": 200, "body": json.dumps(body)}
    server.script({"match": {"op": "object", "path": "act_222"}, "times": None, "do": {"reply": reply}})
    ended = shop.load()
    assert (ended.code, ended.json["slices"]["landed"] > 0) == (1, True)
    assert {failure["scope"] for failure in ended.json["failures"]} == {"222"}
    assert told in ended.json["failures"][0]["error"]
    server.script()
    assert shop.load().code == 0


def test_an_account_that_its_business_lost_fails_until_it_is_excluded(shop: Shop, server: Sandbox) -> None:
    """What a business no longer shows is a failure that names the way out, and none once it stands there."""
    businesses = 'business_ids = ["900"]'
    shop.configure(accounts=(), since=date(2026, 11, 19), objects="", insights=businesses)
    assert shop.load().code == 0
    one = {"id": "act_111", "account_id": "111", "name": "One", "currency": "GBP", "timezone_name": "Europe/London"}
    server.script(
        {
            "match": {"path": "owned_ad_accounts"},
            "times": None,
            "do": {"reply": {"status": 200, "body": json.dumps({"data": [one]})}},
        },
        {
            "match": {"path": "client_ad_accounts"},
            "times": None,
            "do": {"reply": {"status": 200, "body": json.dumps({"data": []})}},
        },
    )
    tomorrow = NOW + timedelta(days=1)
    server.move_to(tomorrow)
    ended = shop.load(now=tomorrow)
    assert ended.code == 1
    assert [(f["table"], f["scope"], f["error"]) for f in ended.json["failures"]] == [
        (
            "ad_accounts",
            account,
            "its business no longer shows this account; if that is meant, add it to exclude_accounts",
        )
        for account in ("222", "333")
    ]
    more = businesses + '\nexclude_accounts = ["222", "act_333"]'
    shop.configure(accounts=(), since=date(2026, 11, 19), objects="", insights=more)
    assert shop.load(now=tomorrow).code == 0
    assert shop.ask("SELECT count(DISTINCT account_id) FROM ads_insights") == [(3,)]


def test_a_warehouse_that_cannot_be_written_is_made_up_by_publish(shop: Shop, server: Sandbox) -> None:
    """The slices land, the failure is named `warehouse`, the exit code is 1, and `insights publish` makes it up."""
    shop.configure(accounts=("111",), since=SINCE, objects="")
    text = shop.config.read_text(encoding="utf-8")
    place = shop.folder / "elsewhere" / "warehouse.duckdb"
    (shop.folder / "elsewhere").write_text("a file where a folder is wanted")
    shop.config.write_text(text.replace("[pace]", f'warehouse = "{place}"\n[pace]'), encoding="utf-8")
    ended = shop.load()
    assert ended.code == 1
    assert [(failure["table"], failure["remedy"]) for failure in ended.json["failures"]] == [
        ("warehouse", "insights publish")
    ]
    assert ended.json["failures"][0]["error"].startswith(f"warehouse {place}: not published (")
    assert (ended.json["slices"]["failed"], ended.json["published"]) == (0, None)
    (shop.folder / "elsewhere").unlink()
    server.forget_calls()
    assert shop.run("publish", *WHEN).code == 0
    assert server.calls() == []
    with duckdb.connect(str(place), read_only=True) as warehouse:
        assert warehouse.execute("SELECT count(*) > 0 FROM ads_insights").fetchall() == [(True,)]


def test_no_network_is_a_failure_of_each_account(shop: Shop) -> None:
    """A port where nobody listens: tried as often as the policy says, then one clear failure an account, exit 1."""
    shop.url, shop.speed = "http://127.0.0.1:9", 10_000
    shop.configure(accounts=("111", "222"), since=SINCE)
    ended = shop.load()
    assert (ended.code, "Traceback" in ended.err) == (1, False)
    assert [(f["table"], f["scope"], f["remedy"]) for f in ended.json["failures"]] == [
        ("ad_accounts", "111", "next load"),
        ("ad_accounts", "222", "next load"),
    ]
    assert ended.json["failures"][0]["error"].startswith(
        "POST http://127.0.0.1:9/v25.0: given up after 6 attempts; last: "
    )


def test_a_second_writer_is_told_who_writes(store: Shop, server: Sandbox) -> None:
    """While one process holds the store another writer ends with 4 and names command, process and moment."""
    script = (
        "import sys, datetime, pathlib\nfrom pipeline.lock import writing\n"
        "with writing(pathlib.Path(sys.argv[1]), 'load', datetime.datetime(2026, 11, 20, tzinfo=datetime.UTC)):\n"
        "    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    state = store.folder / "data/state"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        ended = store.load()
        assert (ended.code, ended.out, server.calls()) == (4, "", [])
        assert ended.err == (
            f"store {state}: `insights load` (process {other.pid}, since 2026-11-20T00:00:00+00:00) is writing it; "
            "wait for its end or add --wait\n"
        )
        assert "being written by `insights load`" in store.run("status", *WHEN).out
        other.communicate("")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_an_interrupted_load_ends_with_130_and_is_completed_by_the_next(
    number: signal.Signals, shop: Shop, server: Sandbox
) -> None:
    """Stopped while a report run never ends: one sentence, exit 130, and the next load lands everything."""
    shop.configure(accounts=("111",), since=SINCE, objects="", more="[report_runs]\ndeadline_minutes = 2")
    server.script({"match": {"op": "submit"}, "do": {"run_stuck_at": 40}})
    command = shop.command("load", "--json", *WHEN)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=shop.folder, env=shop.env()
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "report_run.submitted" in line:
                break
        process.send_signal(number)
        out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "interrupted; what has landed stays, run the same command again to go on"
    assert "Traceback" not in err
    server.script()
    ended = shop.load()
    assert (ended.code, ended.json["slices"]["failed"]) == (0, 0)
    assert shop.ask("SELECT outcome FROM meta.runs ORDER BY outcome") == [("complete",), ("interrupted",)]


def test_a_listing_that_failed_stays_due(shop: Shop, server: Sandbox) -> None:
    """Objects that facts name are read by id, but never stand for a listing that failed: the next load asks it."""
    shop.configure(accounts=("111",), since=date(2026, 11, 19))
    server.script({"match": {"path": "111/adsets"}, "do": {"fault": "100"}})
    ended = shop.load()
    assert (ended.code, [failure["table"] for failure in ended.json["failures"]]) == (1, ["adsets"])
    assert shop.ask("SELECT state FROM meta.slices WHERE table_name = 'adsets'") == [("failed",)]
    assert shop.load().code == 0
    assert {row["id"] for row in shop.rows("adsets")} == {str(adset["id"]) for adset in server.objects("111", "adsets")}
