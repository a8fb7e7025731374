"""What does not fit between lake, ledger and warehouse is found and named with its remedy; a writer is no fault."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import verify_warehouse
from pipeline.findings import Findings
from pipeline.ledger import Ledger
from pipeline.lock import writing
from pipeline.store import Places
from pipeline.verify import verify
from tests.integration.landing import world
from tests.integration.landing.stage import (
    SEED,
    Heard,
    begin,
    drive,
    drive_to_its_end,
    land_round,
    line_of,
    listing,
    look,
    open_store,
    play,
    publish,
    rebuild,
)

FACTS = "shop/account_id=222/2026-11-02.parquet"
Spoil = Callable[[Places], None]


@pytest.fixture
def born(where: Places) -> Places:
    """A store that has landed and published two rounds."""
    begin(where)
    play(where, SEED, 1)
    return where


def found(where: Places) -> list[tuple[str, str, str]]:
    """What is wrong: room, place inside the store, problem."""
    root = str(where.state.parent)
    return [
        (one.room, one.place.replace(f"{root}/", ""), one.problem.replace(root, "ROOT")) for one in verify(where).wrong
    ]


def test_a_sound_store_is_sound_and_untouched(born: Places) -> None:
    """Every file is read and every table compared; not a byte of the store changes."""
    before = listing(born.state.parent)
    done = verify(born)
    after = {path: sha for path, sha in listing(born.state.parent).items() if not path.endswith(("-wal", "-shm"))}
    assert (done.wrong, done.notes, done.exit_code) == ([], [], 0)
    assert done.files == len(list(born.lake.rglob("*.parquet")))
    assert done.compared == dict.fromkeys(
        ["shop", "shop_actions", "shop_results", "things", "meta.quarantine"], "row by row"
    )
    assert done.in_words().splitlines()[-1] == "everything is sound"
    assert after == before, "but for what SQLite leaves beside a ledger that is read"


def rewritten(where: Places, change: Callable[[pa.Table], pa.Table]) -> None:
    """A file of the same footer and other rows."""
    path = where.lake / FACTS
    metadata, rows = pq.read_metadata(path).metadata, pq.ParquetFile(path).read()
    rows = change(rows)
    with pq.ParquetWriter(path, rows.schema, store_schema=False) as writer:
        writer.write_table(rows)
        writer.add_key_value_metadata({key.decode(): value.decode() for key, value in metadata.items()})


def a_file_is_gone(where: Places) -> None:
    (where.lake / FACTS).unlink()


def a_file_is_cut(where: Places) -> None:
    (where.lake / FACTS).write_bytes((where.lake / FACTS).read_bytes()[:-20])


def a_cell_is_changed(where: Places) -> None:
    def change(rows: pa.Table) -> pa.Table:
        at = rows.column_names.index("clicks")
        return rows.set_column(at, rows.field(at), pa.array([7] * rows.num_rows, pa.int64()))

    rewritten(where, change)


def a_row_is_lost(where: Places) -> None:
    rewritten(where, lambda rows: rows.slice(1))


def an_older_file_is_back(where: Places) -> None:
    shutil.copy(where.lake / "shop/account_id=222/2026-11-01.parquet", where.lake / FACTS)


def a_file_is_copied(where: Places) -> None:
    shutil.copy(where.lake / FACTS, where.lake / FACTS.replace("11-02", "11-03"))


IN_LAKE: list[tuple[Spoil, str]] = [
    (a_file_is_gone, "it is not there"),
    (a_file_is_cut, "its footer cannot be read"),
    (a_cell_is_changed, "its rows do not add up to its fingerprint"),
    (a_row_is_lost, "it has 1 rows, not 2"),
    (an_older_file_is_back, "its footer is of another reading than the ledger's"),
]


@pytest.mark.parametrize(("spoil", "problem"), IN_LAKE, ids=[spoil.__name__ for spoil, _ in IN_LAKE])
def test_a_spoilt_file_is_found_and_mended(spoil: Spoil, problem: str, born: Places) -> None:
    """By its footer, its fingerprint or its absence; what the message names brings the store back."""
    spoil(born)
    wrong = verify(born).wrong
    assert [(one.room, one.place) for one in wrong if one.room == "lake"] == [("lake", FACTS)]
    assert wrong[0].problem.startswith(problem)
    assert "insights rebuild --ledger" in wrong[0].remedy
    assert verify(born).exit_code == 1
    rebuild(born, asked=True)
    play(born, SEED, 2)
    assert found(born) == []


def test_a_file_that_nobody_knows_is_found_and_moved_aside(born: Places) -> None:
    """A copy of a file under another name."""
    a_file_is_copied(born)
    copy = FACTS.replace("11-02", "11-03")
    assert found(born) == [("lake", copy, "no slice of the ledger has this file")]
    rebuild(born, asked=True)
    assert found(born) == []


# ---- the warehouse ----


def written_into(where: Places, statement: str) -> None:
    """A warehouse that the ledger takes for the one it published, and that says something else."""
    where.warehouse.chmod(0o644)
    with duckdb.connect(str(where.warehouse)) as connection:
        connection.execute(statement)
    with Ledger.open(where.ledger, born=world.BORN) as ledger:
        ledger.only_publication(*look(where.warehouse))


IN_WAREHOUSE = [
    (
        "UPDATE shop SET clicks = 42 WHERE account_id = '222' AND ad_id = '2220' AND date_start = '2026-11-02'",
        ("shop", "1 rows of the lake are not in it, 1 rows of it are not in the lake"),
    ),
    (
        "DELETE FROM things WHERE id = '111-0'",
        ("things", "1 rows of the lake are not in it, 0 rows of it are not in the lake"),
    ),
    (
        "INSERT INTO shop_actions SELECT * FROM shop_actions LIMIT 1",
        ("shop_actions", "0 rows of the lake are not in it, 1 rows of it are not in the lake"),
    ),
    ("DROP TABLE shop_results", ("shop_results", "the table, or a column of it, is not there")),
    ("CREATE TABLE mine (a INT)", ("mine", "the ledger knows no such table")),
    (
        "UPDATE meta.slices SET rows = 99 WHERE scope = '111' AND table_name = 'things'",
        ("meta.slices", "1 slices are not as the ledger knows them, the first is things 111 current"),
    ),
    (
        "INSERT INTO meta.quarantine (table_name) VALUES ('shop')",
        ("meta.quarantine", "0 rows of the lake are not in it, 1 rows of it are not in the lake"),
    ),
    ("UPDATE meta.publication SET ledger_id = 'x'", ("warehouse.duckdb", "it is of another ledger")),
]


@pytest.mark.parametrize("row_by_row", [verify_warehouse.ROW_BY_ROW, 0], ids=["rows", "sums"])
@pytest.mark.parametrize(("statement", "expected"), IN_WAREHOUSE, ids=[place for _, (place, _) in IN_WAREHOUSE])
def test_a_warehouse_that_says_something_else_is_found(
    statement: str, expected: tuple[str, str], row_by_row: int, born: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row by row in small tables, by count and sums in big ones; a rebuild mends it."""
    monkeypatch.setattr(verify_warehouse, "ROW_BY_ROW", row_by_row)
    written_into(born, statement)
    places = [(room, place) for room, place, _ in found(born)]
    assert ("warehouse", expected[0]) in places
    assert set(places) <= {("warehouse", expected[0]), ("warehouse", expected[0] + " keys")}
    if row_by_row:
        assert ("warehouse", *expected) in found(born)
    rebuild(born)
    assert found(born) == []


def test_a_key_twice_is_named(born: Places) -> None:
    """With the key."""
    statement = "INSERT INTO shop SELECT * FROM shop WHERE ad_id = '2220' AND date_start = '2026-11-02'"
    written_into(born, statement)
    problems = [problem for _, place, problem in found(born) if place == "shop"]
    assert len(problems) == 2
    assert problems[1].startswith("2 rows have the key {'account_id': '222', 'ad_id': '2220', 'date_start'")


def test_a_warehouse_that_somebody_wrote_into_is_found(born: Places) -> None:
    """Though its rows are as they were."""
    born.warehouse.chmod(0o644)
    with duckdb.connect(str(born.warehouse)) as connection:
        connection.execute("CREATE VIEW mine AS SELECT 1 AS a")
    problem = "it is not as it was published: somebody wrote into it, it was restored, or something was dropped"
    assert found(born) == [("warehouse", "warehouse.duckdb", problem)]


def test_a_damaged_warehouse_is_found(born: Places) -> None:
    """It cannot be opened; the remedy is a rebuild."""
    born.warehouse.unlink()
    born.warehouse.write_bytes(b"x" * 10_000)
    [one] = verify(born).wrong
    assert (one.room, one.remedy) == ("warehouse", "run `insights rebuild`")
    rebuild(born)
    assert found(born) == []


def test_what_landed_and_is_not_published_is_found(born: Places) -> None:
    """A load that was killed before it published; the lake itself is sound."""
    with open_store(born) as store:
        land_round(store, SEED, 2)
    problems = [(place, problem) for _, place, problem in found(born)]
    assert problems[0][0] == "meta.publication"
    assert problems[0][1].endswith("slices have landed and are not published")
    assert {place for place, _ in problems} == {"meta.publication", "meta.slices"}
    with open_store(born) as store:
        publish(store, 2)
    assert found(born) == []


# ---- the ledger ----


def test_a_lost_or_damaged_ledger_is_found(born: Places) -> None:
    """With the remedy, and nothing else is judged."""
    with born.ledger.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 30_000)
    [one] = verify(born).wrong
    assert (one.room, one.remedy) == ("ledger", "run `insights rebuild`")
    born.ledger.unlink()
    assert found(born) == [("ledger", "state/ledger.sqlite", "there was no ledger")]
    rebuild(born)
    assert found(born) == []


def test_a_ledger_that_counts_wrongly_is_found(born: Places) -> None:
    """Its numbers are compared with the footers."""
    with closing(sqlite3.connect(born.ledger)) as connection:
        connection.execute("UPDATE files SET rows = rows + 1 WHERE path = ?", [FACTS])
        connection.commit()
    assert ("lake", FACTS, "its footer is of another reading than the ledger's") in found(born)


def test_a_store_that_was_never_born_is_not_wrong(where: Places) -> None:
    """There is nothing that could be."""
    done = verify(where)
    assert (done.wrong, done.exit_code) == ([], 0)
    assert not where.state.exists()
    assert done.notes == [f"store {where.state}: nothing was loaded yet; run `insights load`"]


# ---- beside a writer ----


def test_a_half_landed_slice_is_not_wrong(where: Places) -> None:
    """A killed load left it; the next one finishes it."""
    begin(where)
    assert drive_to_its_end(where, str(SEED), "1", "1", "landing.file_renamed", "2", "1") == -9
    done = verify(where)
    assert done.notes == ["1 slices are half landed by a killed process; the next `insights load` finishes them"]
    assert [one.place for one in done.wrong] == ["meta.slices"], "another slice was found unchanged, and not published"


def test_who_writes_is_said_and_what_is_not_published_is_not_judged(born: Places) -> None:
    """The same store as above, while its writer is still at work."""
    with open_store(born) as store:
        land_round(store, SEED, 2)
        done = verify(born)
    assert done.wrong == []
    assert done.writing is not None
    assert done.writing.startswith("`insights load` (process ")
    assert any("slices have landed and are not published" in note for note in done.notes)


@pytest.mark.parametrize("step", ["landing.recorded", "landing.file_renamed", "landing.renamed", "landing.landed"])
def test_no_fault_at_any_step_of_a_load(step: str, born: Places) -> None:
    """Verified in the middle of every commit and of the publication."""
    results: list[Findings] = []

    def look_on() -> None:
        results.append(verify(born))

    for event in (step, "publish.copied", "publish.built", "publish.replacing", "publish.replaced"):
        heard = Heard(reactions={event: look_on})
        play(born, SEED, 2 + len(results), heard)
    assert len(results) >= 5
    assert [one.wrong for one in results] == [[]] * len(results)


def test_no_fault_beside_loads_without_end(where: Places) -> None:
    """A process that lands and publishes round after round, and verifications one after the other beside it."""
    begin(where)
    with drive(where, str(SEED), "1", "1000") as process:
        line_of(process)
        done = [verify(where) for _ in range(12)]
        process.kill()
    assert [one.wrong for one in done] == [[]] * 12
    assert any(one.writing for one in done)


def test_no_fault_beside_a_drop(born: Places) -> None:
    """What is forgotten stays in the warehouse until the drop publishes."""
    done: list[Findings] = []
    with open_store(born) as store:
        store.ledger.drop_report("things", ["things", "_quarantine/things"])
        done.append(verify(born))
        store.lake.lose(store.ledger.to_lose())
        store.ledger.lost()
        done.append(verify(born))
        publish(store)
    assert [one.wrong for one in done] == [[], []]
    assert found(born) == []


def test_it_needs_no_lock(born: Places) -> None:
    """A writer that starts meanwhile is not in its way."""
    with writing(born.state, "load", world.BORN):
        assert verify(born).wrong == []
