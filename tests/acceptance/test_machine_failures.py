"""What goes wrong with the machine ends in one message with its exit code, loses nothing, and can be mended."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import NOW, ROOT, Ended, Sandbox, Shop, running_sandbox
from tests.acceptance.test_kills import assert_equal_to_truth, configured

BEFORE = NOW - timedelta(days=1)
WHEN = ("--now", NOW.isoformat())
LIMITED = (
    "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2); "
    "os.execv(sys.argv[2], sys.argv[2:])"
)
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
UNSHARED = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
TABLES = ("ads_insights", "ads_insights_actions", "ad_accounts", "campaigns", "ads", "meta.slices", "meta.quarantine")


@pytest.fixture(scope="module")
def steady() -> Iterator[Sandbox]:
    """A sandbox that is only ever read."""
    with running_sandbox("--size", "small") as sandbox:
        yield sandbox


def calm(steady: Sandbox) -> None:
    """Its time runs a hundred times as fast, and its quotas remember the tests before."""
    steady.move_to(NOW)
    steady.post("reset_quotas", {})


@pytest.fixture
def store(tmp_path: Path, steady: Sandbox) -> Shop:
    """Two accounts, loaded the day before."""
    calm(steady)
    shop = configured(tmp_path, steady)
    assert shop.load(now=BEFORE).code == 0
    return shop


def run(shop: Shop, *arguments: str, under: Sequence[str] = ()) -> Ended:
    """A command in a process that a wrapper has prepared."""
    done = subprocess.run(
        [*under, *shop.command(*arguments)],
        capture_output=True,
        text=True,
        cwd=shop.folder,
        env=shop.env(),
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def everything(shop: Shop) -> dict[str, list[Any]]:
    """Every row of every table, in an order of its own."""
    return {table: sorted(map(repr, shop.rows(table))) for table in TABLES}


def assert_sound(shop: Shop, steady: Sandbox) -> None:
    """The truth, value by value, and lake, ledger and warehouse fit."""
    assert_equal_to_truth(shop, steady)
    found = shop.run("verify", "--json", *WHEN)
    assert (found.code, found.json["wrong"], found.json["notes"]) == (0, [], [])
    assert {*found.json["compared"].values()} == {"row by row"}


def last(ended: Ended) -> str:
    assert "Traceback" not in ended.err
    return ended.err.splitlines()[-1]


# ---- the disk ----


@pytest.mark.parametrize("longest", [0, 9_000, 200_000, 1_500_000])
def test_a_full_disk(longest: int, store: Shop, steady: Sandbox) -> None:
    """At the first byte, in the ledger, in the lake or in the warehouse: exit 1, and the next load makes it up."""
    before = everything(store)
    ended = run(store, "load", "--json", *WHEN, under=(sys.executable, "-c", LIMITED, str(longest)))
    assert ended.code in {1, 2}, "2: the ledger itself could not be opened, and nothing was sent"
    told = ended.json["failures"][-1]["error"] if ended.out else last(ended)
    assert any(words in told for words in ("File too large", "disk is full", "disk I/O error", "not published")), told
    assert everything(store) == before, "the warehouse of yesterday is still there"
    assert store.load().code == 0
    assert_sound(store, steady)


def test_a_read_only_lake(store: Shop, steady: Sandbox) -> None:
    """Each slice that could not land says why, exit 1; what reads goes on; mended, the next load makes it up."""
    under = (*UNSHARED, READ_ONLY, str(store.lake))
    if run(store, "status", *WHEN, under=under).code:
        pytest.skip("this machine lets nobody mount a folder read-only")
    before = everything(store)
    ended = run(store, "load", "--json", *WHEN, under=under)
    assert ended.code == 1
    failed = {(failure["table"], failure["slice"]) for failure in ended.json["failures"]}
    assert ("ads_insights", "2026-11-19") in failed, "a day that is new cannot land"
    assert all("Read-only file system" in failure["error"] for failure in ended.json["failures"])
    for command in (("status",), ("query", "SELECT 1"), ("plan", "--offline")):
        assert run(store, *command, *WHEN, under=under).code == 0
    for table in TABLES[:-2]:
        assert sorted(map(repr, store.rows(table))) == before[table]
    reasons = store.ask("SELECT DISTINCT state FROM meta.slices WHERE slice_start = '2026-11-19'")
    assert reasons == [("failed",)]
    rebuilt = run(store, "rebuild", "--ledger", *WHEN, under=under)
    assert rebuilt.code in {1, 2}
    assert "Read-only file system" in last(rebuilt)
    assert store.run("rebuild", *WHEN).code == 0
    assert store.load().code == 0
    assert_sound(store, steady)


# ---- the store's own files ----


def of_another_kind(path: Path) -> None:
    path.write_bytes(b"x" * 50_000)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def gone(path: Path) -> None:
    path.unlink()


def damaged_inside(path: Path) -> None:
    """Its first pages are whole."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(os.urandom(path.stat().st_size // 2 - 1))


DAMAGES: list[Callable[[Path], None]] = [of_another_kind, empty, gone, damaged_inside]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_ledger(damage: Callable[[Path], None], store: Shop, steady: Sandbox) -> None:
    """A load names the remedy; a rebuild brings everything back, and the next load goes on where it was."""
    before = everything(store)
    damage(store.folder / "data/state/ledger.sqlite")
    ended = store.load()
    assert ended.code in {1, 2}
    assert "insights rebuild" in last(ended)
    assert "insights rebuild" in store.run("verify", *WHEN).out
    rebuilt = store.run("rebuild", "--json", *WHEN)
    assert (rebuilt.code, rebuilt.json["partial"], rebuilt.json["aside"]) == (0, [], [])
    assert rebuilt.json["lost"]
    assert everything(store) == before
    assert store.load().code == 0
    assert_sound(store, steady)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_warehouse(damage: Callable[[Path], None], store: Shop, steady: Sandbox) -> None:
    """It is found, and a rebuild brings every row back; a load alone builds it whole as well."""
    before = everything(store)
    path = store.warehouse
    path.chmod(0o644)
    damage(path)
    assert store.run("verify", *WHEN).code == 1
    assert store.run("rebuild", *WHEN).code == 0
    assert everything(store) == before
    path.chmod(0o644)
    damage(path)
    ended = store.load()
    assert ended.code == 0, ended.err
    assert ended.json["published"]["whole_because"]
    assert_sound(store, steady)


def test_a_warehouse_that_rotted_unseen(store: Shop, steady: Sandbox) -> None:
    """Neither size nor time tell of it: the load that copies it finds it out, or a verification does."""
    path = store.warehouse
    path.chmod(0o644)
    was = path.stat()
    damaged_inside(path)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert store.run("verify", *WHEN).code == 1
    assert store.load().code == 0
    if store.run("verify", *WHEN).code:
        assert store.run("rebuild", *WHEN).code == 0
    assert_sound(store, steady)


# ---- other processes, other clocks ----


@contextmanager
def held(state: Path) -> Iterator[None]:
    """Somebody's process, no insights, that locks our file."""
    with (state / "lock").open("r+b") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def test_a_foreign_process_on_the_lock(store: Shop, steady: Sandbox) -> None:
    """Every writer ends with 4; what reads goes on; nothing is changed."""
    before = everything(store)
    with held(store.folder / "data/state"):
        for command in (("load",), ("publish",), ("rebuild",), ("rebuild", "--ledger")):
            ended = store.run(*command, *WHEN)
            assert ended.code == 4
            assert last(ended).endswith("another process is writing it; wait for its end or add --wait")
        found = store.run("verify", "--json", *WHEN)
        assert (found.code, found.json["writing"]) == (0, "another process")
    assert everything(store) == before
    assert store.load().code == 0
    assert_sound(store, steady)


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=2), timedelta(days=400)], ids=str)
def test_a_clock_that_jumps_backwards_between_loads(back: timedelta, store: Shop, steady: Sandbox) -> None:
    """The load that thinks it is earlier loses nothing, and the one whose clock is right again ends with the truth."""
    assert store.load().code == 0
    before = everything(store)
    ended = store.load("--since", "2026-11-17", now=NOW - back) if back.days < 300 else store.load(now=NOW - back)
    assert ended.code in {0, 2}, ended.err
    assert "Traceback" not in ended.err
    for table in TABLES[:-2]:
        assert len(store.rows(table)) >= len(before[table])
    assert store.load().code == 0
    assert_sound(store, steady)


# ---- everything comes back ----


def planned(shop: Shop, now: datetime) -> list[Any]:
    tasks: list[Any] = shop.run("plan", "--json", "--now", now.isoformat()).json["tasks"]
    return sorted(tasks, key=repr)


def test_a_rebuild_from_the_lake_alone_brings_everything_back(store: Shop, steady: Sandbox) -> None:
    """Warehouse and ledger deleted: every row is back, the next load plans what it would have, and asks only that."""
    assert store.load().code == 0
    before, plans = everything(store), [planned(store, NOW + timedelta(days=n)) for n in (0, 1, 30)]
    asked_again = unchanged_since_landing(store)
    (store.folder / "data/state/ledger.sqlite").unlink()
    store.warehouse.unlink()
    rebuilt = store.run("rebuild", *WHEN)
    assert rebuilt.code == 0
    assert "not in the lake, so forgotten: runs and report runs" in rebuilt.out
    after = everything(store)
    assert {t: rows for t, rows in after.items() if t != "meta.slices"} == {
        t: rows for t, rows in before.items() if t != "meta.slices"
    }
    landed = [row for row in store.rows("meta.slices") if key_of(row) not in asked_again]
    assert sorted(map(repr, landed)) == [text for text in before["meta.slices"] if text in set(map(repr, landed))]
    assert len(landed) + len(asked_again) == len(before["meta.slices"])
    assert [planned(store, NOW + timedelta(days=n)) for n in (1, 30)] == plans[1:]
    steady.forget_calls()
    ended = store.load()
    assert ended.code == 0
    assert ended.json["slices"]["landed"] == ended.json["slices"]["unchanged"] == len(asked_again)
    assert_sound(store, steady)


def key_of(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["table_name"], row["scope"], row["slice_start"]


def unchanged_since_landing(shop: Shop) -> set[tuple[Any, ...]]:
    """Slices whose last read found the same rows: only the ledger knows when that was."""
    return {key_of(row) for row in shop.rows("meta.slices") if row["as_of"] > row["fetched_at"]}


def test_finality_is_proved_by_footers(tmp_path: Path, steady: Sandbox) -> None:
    """What is final stays final without its ledger: nothing of it is asked again."""
    shop = Shop(tmp_path, steady.url)
    shop.configure(accounts=("111",), since=date(2026, 11, 10), insights="lookback_days = 3", objects="")
    calm(steady)
    assert shop.load().code == 0
    final = shop.ask("SELECT slice_start FROM meta.slices WHERE final ORDER BY ALL")
    assert len(final) == 7
    (tmp_path / "data/state/ledger.sqlite").unlink()
    assert shop.run("rebuild", *WHEN).code == 0
    assert shop.ask("SELECT slice_start FROM meta.slices WHERE final ORDER BY ALL") == final
    assert planned(shop, NOW) == []
    [task] = planned(shop, NOW + timedelta(days=1))
    assert (task["since"], task["until"]) == ("2026-11-17", "2026-11-20")


def test_what_the_lake_cannot_give_back_is_asked_again(store: Shop, steady: Sandbox) -> None:
    """A file of the facts is spoilt: the rebuild says so and ends with 1, the next load asks that slice alone."""
    [path, *_] = sorted(store.lake.glob("ads_insights/account_id=111/*.parquet"))
    path.write_bytes(path.read_bytes()[:-100])
    assert store.run("verify", *WHEN).code == 1
    rebuilt = store.run("rebuild", "--ledger", "--json", "--now", BEFORE.isoformat())
    assert (rebuilt.code, rebuilt.json["partial"]) == (1, [f"ads_insights 111 {path.stem}"])
    assert [one["path"] for one in rebuilt.json["aside"]] == [str(path.relative_to(store.lake))]
    ended = store.load(now=BEFORE)
    assert (ended.code, ended.json["slices"]["landed"]) == (0, 1)
    assert store.load().code == 0
    assert_sound(store, steady)


def test_a_rebuild_is_refused_where_there_is_nothing(tmp_path: Path, steady: Sandbox) -> None:
    """Exit 2, and nothing is made."""
    shop = configured(tmp_path, steady)
    ended = shop.run("rebuild", *WHEN)
    assert (ended.code, last(ended)) == (
        2,
        f"store {tmp_path / 'data/state'}: nothing was loaded yet; run `insights load` first",
    )
    assert not (tmp_path / "data").exists()
    assert shop.run("verify", *WHEN).code == 0
    assert ROOT.exists()
