"""Rows go to the slice of the day that they start with; rows of days that were not asked are set aside, not landed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.lake import Lake
from pipeline.normalise.frames import by_day
from pipeline.normalise.layout import Layout
from pipeline.reading import InsightsReading, Into
from pipeline.slices import Target
from schemas.ads_insights import tables_of
from schemas.events import silent
from schemas.periods import Period
from schemas.work import SliceId, day_place
from tests.unit.normalise.rows import FETCHED_AT, PLAIN, page, row, source_of

FIRST, SECOND, THIRD = (date(2026, 9, 1) + timedelta(days=n) for n in range(3))


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads


def rows_of(*days: date) -> pa.Table:
    return pa.table({"date_start": pa.array(days, pa.date32()), "number": pa.array(range(len(days)), pa.int64())})


def test_by_day() -> None:
    """Days come in order, each with its rows in the order in which they were sent."""
    table = rows_of(SECOND, FIRST, THIRD, FIRST, SECOND, FIRST)
    found = [(day, part.column("number").to_pylist()) for day, part in by_day(table)]
    assert found == [(FIRST, [1, 3, 5]), (SECOND, [0, 4]), (THIRD, [2])]


def test_by_day_of_parts() -> None:
    """A table that was put together from parts is divided like any other."""
    table = pa.concat_tables([rows_of(SECOND), rows_of(), rows_of(FIRST, SECOND)])
    assert [(day, part.num_rows) for day, part in by_day(table)] == [(FIRST, 1), (SECOND, 2)]


@pytest.mark.parametrize("days", [(), (FIRST,), (FIRST, FIRST)], ids=len)
def test_few_days(days: tuple[date, ...]) -> None:
    """A table of one day is that day's, one without rows nobody's."""
    table = rows_of(*days)
    assert list(by_day(table)) == [(day, table) for day in days[:1]]


def reading_of(days: tuple[date, ...], root: Path, pool: ThreadPoolExecutor) -> InsightsReading:
    """A reading of daily slices into a lake."""
    lake = Lake(root)
    lake.open("ledger")
    tables = tuple(tables_of(PLAIN))
    targets = {
        day: Target(
            SliceId.of_day("plain", "111", day), day_place("account_id", "111", Period.inclusive(day, day)), tables
        )
        for day in days
    }
    return InsightsReading(Into(Layout(PLAIN), targets, source_of(PLAIN)), lake, pool, lambda: FETCHED_AT, silent)


async def read(reading: InsightsReading, *pages: bytes) -> dict[date, tuple[int, list[Any]]]:
    """Per slice the rows of its facts, and what was set aside: the slice's start, the column, the reason."""
    reading.begin()
    for sent in pages:
        await reading.take(sent)
    await reading.finish()
    found = {}
    for day, writer in reading.writers.items():
        aside = [entry for batch in writer._aside._held for entry in batch.to_pylist()]
        found[day] = (
            writer.rows,
            [(entry["slice_start"].date(), entry["column_name"], entry["reason"]) for entry in aside],
        )
    return found


def day_row(day: date, **cells: object) -> dict[str, object]:
    return row(date_start=day.isoformat(), date_stop=day.isoformat(), **cells)


async def test_outside(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """Rows of days that were not asked are set aside whole, their actions too; the others land in their slices."""
    sent = page(
        day_row(FIRST, spend="1"),
        day_row(SECOND, spend="x"),
        day_row(THIRD, spend="1", actions=[{"action_type": "a"}]),
    )
    found = await read(reading_of((FIRST, SECOND), tmp_path / "lake", pool), sent)
    outside = (FIRST, None, "outside the days that were asked")
    assert found == {FIRST: (1, [outside, outside]), SECOND: (1, [(SECOND, "spend", "not a number")])}


async def test_begin_again(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """A reading that begins again forgets what was taken before."""
    reading = reading_of((FIRST,), tmp_path / "lake", pool)
    await read(reading, page(day_row(FIRST)), page(day_row(FIRST, ad_id="2")))
    assert await read(reading, page(day_row(FIRST))) == {FIRST: (1, [])}
    assert await read(reading, b"[]") == {FIRST: (0, [])}
    await reading.stop()
    assert reading.writers == {}


async def test_unknown_scalars_are_counted(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """What no column declares is counted over all pages, whichever path took them."""
    reading = reading_of((FIRST,), tmp_path / "lake", pool)
    await read(reading, page(day_row(FIRST, brand_new="a")), page(day_row(FIRST, ad_id="2", brand_new="b")))
    assert reading.unknown == {"brand_new": 2}
