"""Measures hot path 2: pages of ads insights to typed Parquet in the lake, beside `orjson.loads` of the same bytes.

Each figure is taken in a process of its own, pinned to one core; rounds of both alternate.
"""

import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from benchmarks.figures import Figure
from benchmarks.pages import ACCOUNT, DAY, ENTRIES, REPORT, pages
from pipeline import catalogue
from pipeline.committer import Closing, Committer
from pipeline.loading import THREADS
from pipeline.normalise.frames import Source
from pipeline.normalise.layout import Layout
from pipeline.reading import InsightsReading, Into
from pipeline.slices import Target
from pipeline.store import Places, opened
from schemas.ads_insights import tables_of
from schemas.events import silent
from schemas.periods import Period, State
from schemas.work import SliceId, SliceRecord, day_place

ROUNDS = 5
ROWS = 50_000
MANY_ROWS = 1_000_000
REACH = 3.0
MOST_MB = 600
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def figures(*, full: bool) -> list[Figure]:
    """The ratio at 50,000 rows, the peak memory there and, in full, at 1,000,000 rows of one account-day."""
    rounds = [(_apart("floor", ROWS), _apart("product", ROWS)) for _ in range(ROUNDS)]
    ratio = statistics.median(product["seconds"] / floor["seconds"] for floor, product in rounds)
    floor_seconds = statistics.median(floor["seconds"] for floor, _ in rounds)
    seconds = statistics.median(product["seconds"] for _, product in rounds)
    found = [
        Figure(f"orjson.loads of {ROWS:,} rows", floor_seconds),
        Figure(f"{ROWS:,} rows to Parquet", seconds, ratio, REACH),
        _memory(ROWS),
    ]
    return [*found, _memory(MANY_ROWS)] if full else found


def _memory(rows: int) -> Figure:
    found = _apart("memory", rows)
    return Figure(f"{rows:,} rows, pages made as taken", found["seconds"], peak_mb=found["peak_mb"], most_mb=MOST_MB)


def _apart(way: str, rows: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.insights_pages", way, str(rows)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


# ---- inside a process of its own ----


def _main(way: str, rows: int) -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if way == "floor":
        seconds = _floor(list(pages(rows)))
    else:
        with tempfile.TemporaryDirectory() as folder:
            seconds = _product(pages(rows) if way == "memory" else list(pages(rows)), rows, Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak}))


def _floor(made: Iterable[bytes]) -> float:
    started = time.perf_counter()
    for page in made:
        orjson.loads(page)
    return time.perf_counter() - started


def _product(made: Iterable[bytes], rows: int, folder: Path) -> float:
    places = Places(folder / "lake", folder / "warehouse.duckdb", folder / "state")
    with opened(places, "load", NOW, silent, rehearsal=False) as store, ThreadPoolExecutor(THREADS) as pool:
        catalogue.settle([catalogue.of_report(REPORT)], store.ledger, store.lake)
        committer = Committer(store, pool, silent)
        started = time.perf_counter()
        asyncio.run(_land(made, committer))
        seconds = time.perf_counter() - started
    expected = {REPORT.name: rows, f"{REPORT.name}_actions": rows * sum(ENTRIES.values())}
    assert committer.totals.rows == expected, committer.totals.rows
    return seconds


async def _land(made: Iterable[bytes], committer: Committer) -> None:
    """One account-day from its pages to a landed slice, as `pipeline/insights_work.py` does it."""
    reading = InsightsReading(_into(), committer.store.lake, committer.pool, lambda: NOW, silent)
    reading.begin()
    for page in made:
        await reading.take(page)
    await reading.finish()
    await committer.land([Closing(reading.release()[DAY], _record())])


def _into() -> Into:
    place = day_place("account_id", ACCOUNT, Period.inclusive(DAY, DAY))
    target = Target(SliceId.of_day(REPORT.name, ACCOUNT, DAY), place, tuple(tables_of(REPORT)))
    source = Source(REPORT.name, ACCOUNT, "account_id", ACCOUNT, NOW, "run", "a page")
    return Into(Layout(REPORT), {DAY: target}, source)


def _record() -> SliceRecord:
    return SliceRecord(
        id=SliceId.of_day(REPORT.name, ACCOUNT, DAY),
        end=datetime.combine(DAY, datetime.min.time()) + timedelta(days=1),
        time_zone="Europe/Berlin",
        state=State.LANDED,
        rows=0,
        as_of=NOW,
        fetched_at=NOW,
        run_id="run",
        definition=REPORT.definition_hash,
    )


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
