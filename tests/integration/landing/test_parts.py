"""The parts of an hour land one beside the other: it is partial until all are there, and a kill harms no other."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from connectors.brand_safety.hours import Placement
from pipeline import catalogue, codec
from pipeline.catalogue import Owned
from pipeline.committer import Committer
from pipeline.finality import final
from pipeline.hours import Hour, joined
from pipeline.normalise.frames import quarantine_table
from pipeline.slices import SliceWriter, Target
from pipeline.store import Places, Store
from schemas.brand_safety import IMPRESSIONS
from schemas.events import Say, silent
from schemas.periods import State
from schemas.work import SliceRecord, hour_place
from tests.integration.landing import world
from tests.integration.landing.stage import Heard, ask, footer, open_store, publish

SEVEN, EIGHT = (Hour("900", Placement("facebook", "feed"), datetime(2026, 11, 5, hour)) for hour in (7, 8))  # noqa: DTZ001 - local
OWNED = Owned(IMPRESSIONS.name, "one", "one", (IMPRESSIONS,))
ASKED = datetime(2026, 11, 6, 12, tzinfo=UTC)


class PowerCut(BaseException):
    """The process ends here; what is on disk is all that is left."""


def cut() -> None:
    raise PowerCut


def rows(hour: Hour, part: int, count: int = 3) -> list[dict[str, Any]]:
    origin = {"fetched_at": ASKED, "run_id": "run"}
    return [{"hour": hour.start, "impression_id": f"{hour.start.hour}-{part}-{n}", **origin} for n in range(count)]


def writer(store: Store, hour: Hour, stem: str, found: Sequence[dict[str, Any]], *, aside: int = 0) -> SliceWriter:
    place = hour_place(hour.folders, hour.start, stem)
    made = SliceWriter(store.lake, Target(hour.id, place, (IMPRESSIONS,)), spill_rows=1, check_key=False)
    made.write(IMPRESSIONS.name, world.arrow(IMPRESSIONS, found, ASKED, "run"))
    known = {"table_name": IMPRESSIONS.name, "scope": hour.id.scope, "slice_start": hour.start, "raw": "{"}
    if aside:
        made.set_aside(quarantine_table([{**known, "source": f"{stem}, line {n}"} for n in range(aside)]))
    return made


def join(store: Store, hour: Hour, stem: str, *, aside: int = 0, say: Say = silent, minutes: int = 0) -> SliceRecord:
    """Lands one part, as a run does."""
    made = writer(store, hour, stem, rows(hour, int(stem[0])), aside=aside)
    now = ASKED + timedelta(hours=1, minutes=minutes + int(stem[0]))
    with ThreadPoolExecutor(1) as pool:
        committer = Committer(store, pool, say)
        return asyncio.run(
            committer.join(made, lambda known, files: joined(hour.record("run"), known, files, ASKED, now))
        )


def begin(store: Store) -> None:
    catalogue.settle([OWNED], store.ledger, store.lake)


def known(store: Store, hour: Hour) -> SliceRecord:
    found = store.ledger.slice(hour.id)
    assert found is not None
    return found


def in_lake(where: Places) -> list[tuple[str]]:
    files = f"'{where.lake}/{IMPRESSIONS.name}/**/*.parquet'"
    return duckdb.execute(f"SELECT impression_id FROM {files} ORDER BY 1").fetchall()


def assert_parts(where: Places, *parts: tuple[Hour, int]) -> None:
    """Exactly the rows of these parts, in the lake and in the warehouse."""
    wanted = sorted((str(row["impression_id"]),) for hour, part in parts for row in rows(hour, part))
    assert wanted == in_lake(where)
    assert wanted == ask(where.warehouse, f"SELECT impression_id FROM {IMPRESSIONS.name} ORDER BY 1")


def test_an_hour_is_partial_until_all_its_parts_have_landed(where: Places) -> None:
    """Each part adds its rows; the other hour stays as it is; landing numbers make each visible."""
    with open_store(where) as store:
        begin(store)
        join(store, EIGHT, "1_of_1")
        first = join(store, SEVEN, "2_of_2", aside=2)
        assert (first.state, first.rows, first.reason) == (State.PARTIAL, 3, "1 of 2 parts have landed")
        publish(store)
        assert_parts(where, (EIGHT, 1), (SEVEN, 2))
        second = join(store, SEVEN, "1_of_2", aside=1)
        assert (second.state, second.rows, second.reason) == (State.LANDED, 6, "")
        assert final(second, None, 28)
        publish(store)
    assert_parts(where, (EIGHT, 1), (SEVEN, 1), (SEVEN, 2))
    assert ask(where.warehouse, "SELECT count(*) FROM meta.quarantine") == [(3,)]
    columns = "business_id, platform, position, date::VARCHAR, hour::VARCHAR"
    assert ask(
        where.warehouse, f"SELECT DISTINCT {columns} FROM {IMPRESSIONS.name} WHERE hour::VARCHAR LIKE '%07%'"
    ) == [("900", "facebook", "feed", "2026-11-05", "2026-11-05 07:00:00")]


def test_the_latest_footer_tells_what_the_hour_is(where: Places) -> None:
    """The lake alone rebuilds the slice: its files are those that name it, its record is the latest of theirs."""
    with open_store(where) as store:
        begin(store)
        for hours, stem in enumerate(("3_of_3", "1_of_3", "2_of_3")):
            join(store, SEVEN, stem, aside=1, minutes=60 * hours)
        footers = [footer(path) for path in where.lake.glob("**/*_of_3.parquet")]
        latest = max((codec.read_record(found["slice"]) for found in footers), key=lambda r: (r.fetched_at, r.rows))
        assert latest == known(store, SEVEN)
        assert latest.rows == sum(found["rows"] for found in footers if found["file_table"] == IMPRESSIONS.name)
    assert len(footers) == 6


@pytest.mark.parametrize(
    "event", ["landing.begun", "landing.recorded", "landing.file_renamed", "landing.renamed", "landing.landed"]
)
def test_a_part_cut_off_anywhere_lands_whole_or_not_at_all(event: str, where: Places) -> None:
    """And the part that had landed before stays, in every case."""
    with open_store(where) as store:
        begin(store)
        join(store, SEVEN, "1_of_2", aside=1)
        with pytest.raises(PowerCut):
            join(store, SEVEN, "2_of_2", aside=1, say=Heard(reactions={event: cut}))
    with open_store(where) as store:
        publish(store)
        there = event != "landing.begun"
        assert known(store, SEVEN).state is (State.LANDED if there else State.PARTIAL)
        assert_parts(where, *((SEVEN, part) for part in ((1, 2) if there else (1,))))
        if not there:
            join(store, SEVEN, "2_of_2", aside=1)
            publish(store)
    assert_parts(where, (SEVEN, 1), (SEVEN, 2))
    assert ask(where.warehouse, "SELECT count(*) FROM meta.quarantine") == [(2,)]


@pytest.mark.parametrize("table", [IMPRESSIONS.name, "quarantine"])
def test_a_part_whose_file_is_lost_is_taken_away_alone(table: str, where: Places) -> None:
    """One of its two files is in place, the other is gone: the hour is partial again, without a row of that part."""
    with open_store(where) as store:
        begin(store)
        join(store, SEVEN, "1_of_2")
        with pytest.raises(PowerCut):
            join(store, SEVEN, "2_of_2", aside=1, say=Heard(reactions={"landing.file_renamed": cut}))
    gone = [path for path in where.lake.glob("**/*.parquet") if _is_of(path, table)]
    for path in gone:
        path.unlink()
    with open_store(where) as store:
        publish(store)
        assert store.ledger.landings() == []
        assert known(store, SEVEN).rows == 3
        assert_parts(where, (SEVEN, 1))
        assert not list(where.lake.glob("_quarantine/**/*.parquet"))
        join(store, SEVEN, "2_of_2", aside=1)
        publish(store)
    assert_parts(where, (SEVEN, 1), (SEVEN, 2))


def _is_of(path: Path, table: str) -> bool:
    mark = footer(path)
    stem = mark["place"]["stem"]
    return bool(mark["file_table"] == table and stem == "07-2_of_2")


def test_a_part_that_a_disk_left_half_landed_counts_before_the_next(where: Places) -> None:
    """The rename fails, the next part lands: the hour counts both, in whatever order they are made up."""
    with open_store(where) as store:
        begin(store)
        join(store, SEVEN, "1_of_3")
        place = hour_place(SEVEN.folders, SEVEN.start, "2_of_3")
        target = where.lake / IMPRESSIONS.name / place.folder / f"{place.stem}.parquet"
        (target / "in the way").mkdir(parents=True)
        with pytest.raises(OSError, match="directory"):
            join(store, SEVEN, "2_of_3")
        (target / "in the way").rmdir()
        target.rmdir()
        assert join(store, SEVEN, "3_of_3").rows == 9
        publish(store)
    assert_parts(where, *((SEVEN, part) for part in (1, 2, 3)))


def test_files_of_parts_are_read_like_any_other(where: Places) -> None:
    """Partition columns stay out of the files; the declared schema stands in each."""
    with open_store(where) as store:
        begin(store)
        join(store, SEVEN, "1_of_1")
    [path] = where.lake.glob(f"{IMPRESSIONS.name}/**/*.parquet")
    folder = "business_id=900/platform=facebook/position=feed/date=2026-11-05"
    assert path == where.lake / IMPRESSIONS.name / folder / "07-1_of_1.parquet"
    assert pq.read_schema(path).names == [column.name for column in IMPRESSIONS.in_files]
