"""Analysts beside a load: readers never wait or fail, and nothing that anybody writes survives a publication."""

import json
import os
from pathlib import Path

import duckdb
import pytest

from pipeline.store import Places
from tests.integration.landing.stage import (
    SEED,
    Heard,
    analyst,
    ask,
    assert_holds,
    begin,
    drive_to_its_end,
    go_on,
    land_round,
    line_of,
    open_store,
    play,
    publish,
    recover,
    truth,
)

READERS = 2
ROUNDS = 3
READ = '''
import json, os
TORN = """
WITH f AS (SELECT account_id, date_start, count(*) n, min(version) lo, max(version) hi, max(actions) a, max(results) r
           FROM shop GROUP BY ALL),
     a AS (SELECT account_id, date_start, count(*) n, min(version) lo, max(version) hi FROM shop_actions GROUP BY ALL),
     r AS (SELECT account_id, date_start, count(*) n, min(version) lo, max(version) hi FROM shop_results GROUP BY ALL),
     m AS (SELECT scope AS account_id, slice_start::DATE AS date_start, rows FROM meta.slices WHERE table_name = 'shop')
SELECT count(*) FROM f FULL JOIN a USING (account_id, date_start) FULL JOIN r USING (account_id, date_start)
FULL JOIN m USING (account_id, date_start)
WHERE f.lo <> f.hi OR coalesce(a.n, 0) <> coalesce(f.a, 0) OR coalesce(r.n, 0) <> coalesce(f.r, 0)
OR a.lo <> f.lo OR a.hi <> f.lo OR r.lo <> f.lo OR r.hi <> f.lo OR m.rows IS DISTINCT FROM coalesce(f.n, 0)
"""
opens = torn = failed = 0
while not os.path.exists(sys.argv[2]):
    try:
        with duckdb.connect(sys.argv[1], read_only=True) as connection:
            torn += connection.execute(TORN).fetchone()[0]
        opens += 1
    except duckdb.Error as error:
        failed += 1
        print(error, file=sys.stderr)
    if opens == 1:
        print("reads", flush=True)
print(json.dumps([opens, torn, failed]))
'''
WRITE = """
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
for statement in sys.argv[2:]:
    sys.stdin.readline()
    connection.execute(statement)
    print("done", flush=True)
sys.stdin.readline()
"""
WRONG = "UPDATE shop SET clicks = 666"
MORE = "INSERT INTO shop (ad_id) VALUES ('theirs')"


@pytest.fixture(autouse=True)
def as_root(where: Places) -> None:
    """Mode 0444 stops everybody else."""
    if os.geteuid():
        pytest.skip("only root can write into a file of mode 0444")
    begin(where)


def log_beside(where: Places) -> bool:
    return where.warehouse.with_name("warehouse.duckdb.wal").exists()


def test_readers_never_fail_and_never_see_half_a_slice(where: Places, tmp_path: Path) -> None:
    """Two processes open and ask in a loop while another lands and publishes round after round."""
    stop = tmp_path / "stop"
    paths = (str(where.warehouse), str(stop))
    with analyst(READ, *paths) as one, analyst(READ, *paths) as other:
        assert [line_of(one), line_of(other)] == ["reads", "reads"]
        assert drive_to_its_end(where, str(SEED), "1", str(ROUNDS)) == 0
        stop.touch()
        found = [json.loads(line_of(process)) for process in (one, other)]
    for opens, torn, failed in found:
        assert opens > ROUNDS
        assert (torn, failed) == (0, 0)
    assert_holds(where, truth(SEED, ROUNDS))


def test_the_readers_question_finds_a_torn_slice(where: Places, tmp_path: Path) -> None:
    """The check of the test above is able to fail."""
    torn = tmp_path / "torn.duckdb"
    torn.write_bytes(where.warehouse.read_bytes())
    with duckdb.connect(str(torn)) as connection:
        connection.execute("DELETE FROM shop_actions WHERE rowid = 0")
    with analyst(READ, str(torn), str(tmp_path / "stop")) as process:
        assert line_of(process) == "reads"
        (tmp_path / "stop").touch()
        opens, found, failed = json.loads(line_of(process))
    assert (found, failed) == (opens, 0)


def test_one_who_writes_checkpoints_writes_again_and_is_killed(where: Places, heard: Heard) -> None:
    """The file is not what we published, and a `.wal` lies beside it: built whole, exact, readable at once."""
    with analyst(WRITE, str(where.warehouse), WRONG, "CHECKPOINT", MORE) as process:
        assert [line_of(process), *(go_on(process) for _ in range(3))] == ["open", "done", "done", "done"]
        assert log_beside(where)
    assert log_beside(where)
    assert play(where, SEED, 1, heard).whole_because == "somebody else wrote into it"
    assert "publish.strangers_log_removed" in heard.names()
    assert_holds(where, truth(SEED, 1))


def test_one_who_writes_without_a_checkpoint_and_is_killed(where: Places, heard: Heard) -> None:
    """All of it is in the `.wal`: the file is copied, the `.wal` is removed, nothing of it is carried on."""
    with analyst(WRITE, str(where.warehouse), WRONG) as process:
        assert [line_of(process), go_on(process)] == ["open", "done"]
    assert log_beside(where)
    assert play(where, SEED, 1, heard).whole_because == ""
    assert "publish.strangers_log_removed" in heard.names()
    assert_holds(where, truth(SEED, 1))


def test_one_who_closes_properly(where: Places) -> None:
    """What was written lasts until the next publication, not longer."""
    with duckdb.connect(str(where.warehouse)) as connection:
        connection.execute(WRONG)
    assert recover(where).whole_because == "somebody else wrote into it"
    assert_holds(where, truth(SEED, 0))


def test_one_who_holds_it_open_for_writing(where: Places) -> None:
    """A load is not held up: the file cannot be opened by us, but it is the one that we published."""
    with analyst(WRITE, str(where.warehouse), WRONG, "CHECKPOINT", MORE) as process:
        assert [line_of(process), *(go_on(process) for _ in range(3))] == ["open", "done", "done", "done"]
        assert play(where, SEED, 1).whole_because == "somebody else wrote into it"
        assert_holds(where, truth(SEED, 1))


def test_one_who_writes_after_the_file_was_replaced(where: Places) -> None:
    """However often the replaced file is checkpointed, its `.wal` is never taken for the new one's.

    Readers are refused until the next publication, which is exact; of a plain copy they read the stranger's rows.
    """
    with analyst(WRITE, str(where.warehouse), WRONG, *("CHECKPOINT", MORE) * 4) as process:
        assert line_of(process) == "open"
        assert play(where, SEED, 1).whole_because == ""
        assert_holds(where, truth(SEED, 1))
        for _ in range(4):
            assert go_on(process) == "done"
            assert log_beside(where)
            with pytest.raises(duckdb.Error, match="WAL does not match"):
                ask(where.warehouse, "SELECT 1")
            assert recover(where).whole_because == ""
            assert_holds(where, truth(SEED, 1))
            assert go_on(process) == "done"


def test_one_who_writes_while_we_copy(where: Places, heard: Heard) -> None:
    """The copy may be half of the one and half of the other: it is thrown away."""
    with analyst(WRITE, str(where.warehouse), WRONG, "CHECKPOINT") as process:
        assert [line_of(process), go_on(process)] == ["open", "done"]
        heard.reactions["publish.copied"] = lambda: go_on(process)
        assert play(where, SEED, 1, heard).whole_because == "somebody else wrote into it while it was copied"
    assert_holds(where, truth(SEED, 1))


@pytest.mark.parametrize("event", ["publish.built", "publish.replacing"])
def test_one_who_writes_after_we_copied(event: str, where: Places, heard: Heard) -> None:
    """It goes into the file that is being replaced, and with it; the next publication may copy ours."""
    with analyst(WRITE, str(where.warehouse), WRONG, "CHECKPOINT") as process:
        assert [line_of(process), go_on(process)] == ["open", "done"]
        heard.reactions[event] = lambda: go_on(process)
        assert play(where, SEED, 1, heard).whole_because == ""
    assert_holds(where, truth(SEED, 1))
    assert recover(where).whole_because == ""


def test_one_who_writes_into_the_new_file_before_we_are_done(where: Places, heard: Heard) -> None:
    """Between the replace and our last word: the next publication notices."""

    def spoil() -> None:
        with duckdb.connect(str(where.warehouse)) as connection:
            connection.execute(WRONG)

    heard.reactions["publish.replaced"] = spoil
    with open_store(where, heard) as store:
        land_round(store, SEED, 1)
        publish(store)
        heard.reactions.clear()
        assert publish(store).whole_because == "somebody else wrote into it"
    assert_holds(where, truth(SEED, 1))
