"""Measures hot path 1: hourly files to landed Parquet, beside inflating the same files in one thread and other ways.

Each figure is taken in a process of its own; the rounds of all ways alternate. CPU is that of the whole process.
"""

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import duckdb
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from isal import igzip

from benchmarks.figures import Figure
from benchmarks.hourly_sources import HOUR, NOW, hashed, make, served
from connectors.brand_safety.download import download
from connectors.brand_safety.hours import Placement
from connectors.http.client import HttpClient
from connectors.http.clock import SystemClock
from pipeline import catalogue
from pipeline.brand_safety_work import AT_ONCE
from pipeline.catalogue import Owned
from pipeline.committer import Committer
from pipeline.deadline import Deadline
from pipeline.hour_ids import HourIds
from pipeline.hours import Hour
from pipeline.loading import THREADS
from pipeline.normalise.hourly_lines import READ_BYTES
from pipeline.part_landing import Fetched, OpenHour, PartLanding
from pipeline.parts import Part
from pipeline.refusals import Refusals
from pipeline.store import Places, opened
from pipeline.workshop import Workshop
from schemas.arrow import TYPES
from schemas.brand_safety import IMPRESSIONS, LINE
from schemas.columns import Kind
from schemas.events import silent

ROUNDS = 3
FILES, MANY_FILES = 4, 25
LINES, MANY_LINES = 200_000, 2_000_000
REACH, REACH_OVERLAP, MOST_LAG, MOST_MB = 2.2, 1.3, 0.020, 400
WAYS = ("inflate", "product", "duckdb", "fetch", "together")
Found = Mapping[str, float]


def figures(*, full: bool) -> list[Figure]:
    """The ratios over some files of 200,000 lines, in full over 25 of them; and the memory, which must not grow."""
    count = MANY_FILES if full else FILES
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        make(folder, count, LINES)
        rounds = [{way: _apart(way, folder, count) for way in WAYS} for _ in range(ROUNDS)]
        loop = _apart("loop", folder, 1)
        unlike = _of_hashes(folder)
        one, twelve = _apart("product", folder, 1), _apart("product", folder, min(12, count))
    found = [*_speeds(rounds, count), Figure(f"a plain loop, one file times {count}", loop["seconds"] * count)]
    found += [*unlike, *_overlap(rounds), _memory("one file", one), _memory(f"{min(12, count)} files", twelve)]
    found.append(_memory(f"{count} files", rounds[0]["product"]))
    return [*found, _large()] if full else found


def _large() -> Figure:
    with tempfile.TemporaryDirectory() as text:
        make(Path(text), 1, MANY_LINES)
        return _memory(f"one file of {MANY_LINES:,} lines", _apart("product", Path(text), 1))


def _speeds(rounds: Iterable[Mapping[str, Found]], count: int) -> Iterable[Figure]:
    for name, label in (("seconds", "wall"), ("cpu", "CPU")):
        floor = _median(rounds, lambda r: r["inflate"][name])  # noqa: B023 - called at once
        yield Figure(f"inflate {count} files in one thread, {label}", floor)
        for way, words in (("product", "to landed Parquet"), ("duckdb", "DuckDB's read_json over gz")):
            seconds = _median(rounds, lambda r: r[way][name])  # noqa: B023 - called at once
            ratio = _median(rounds, lambda r: r[way][name] / r["inflate"][name])  # noqa: B023 - as above
            yield Figure(f"{words}, {label}", seconds, ratio, REACH if way == "product" and label == "wall" else None)
    yield Figure("event loop lag meanwhile, 99th percentile", _median(rounds, lambda r: r["product"]["lag"]))


def _of_hashes(folder: Path) -> list[Figure]:
    """The same with ids that hardly compress, as in the study that set the reach."""
    with tempfile.TemporaryDirectory() as text:
        for path in sorted(folder.glob("*.jsonl.gz"))[:FILES]:
            hashed(path, Path(text))
        rounds = [{way: _apart(way, Path(text), FILES) for way in WAYS[:3]} for _ in range(ROUNDS)]
    *speeds, _lag = _speeds(rounds, FILES)
    return [replace(figure, what=f"hashed ids: {figure.what}") for figure in speeds]


def _overlap(rounds: Iterable[Mapping[str, Found]]) -> Iterable[Figure]:
    yield Figure("download alone over HTTP", _median(rounds, lambda r: r["fetch"]["seconds"]))
    seconds = _median(rounds, lambda r: r["together"]["seconds"])
    slower = _median(rounds, lambda r: r["together"]["seconds"] / max(r["fetch"]["seconds"], r["product"]["seconds"]))
    yield Figure("download and conversion together", seconds, slower, REACH_OVERLAP)


def _median(rounds: Iterable[Mapping[str, Found]], of: Callable[[Mapping[str, Found]], float]) -> float:
    return statistics.median(map(of, rounds))


def _memory(what: str, found: Found) -> Figure:
    return Figure(f"memory: {what}", found["seconds"], peak_mb=found["peak_mb"], most_mb=MOST_MB)


def _apart(way: str, folder: Path, count: int) -> Found:
    command = [sys.executable, "-m", "benchmarks.hourly_files", way, str(folder), str(count)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: Found = json.loads(done.stdout)
    return found


# ---- inside a process of its own ----


def _main(way: str, folder: Path, count: int) -> None:
    files = sorted(folder.glob("*.jsonl.gz"))[:count]
    lag: list[float] = []
    with tempfile.TemporaryDirectory() as text:
        started, cpu = time.perf_counter(), time.process_time()
        if way in {"product", "together", "fetch"}:
            asyncio.run(_product(files, Path(text), way, lag))
        else:
            {"inflate": _inflate, "duckdb": _duckdb, "loop": _loop}[way](files, Path(text))
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    worst = statistics.quantiles(lag, n=100)[98] if len(lag) > 1 else 0.0
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_mb": peak, "lag": worst}))


def _inflate(files: Iterable[Path], _folder: Path) -> None:
    for path in files:
        with igzip.open(path) as file:  # type: ignore[no-untyped-call]  # half of isal has types
            while file.read(READ_BYTES):
                pass


def _duckdb(files: Iterable[Path], folder: Path) -> None:
    """What DuckDB does by itself: no checksum, no line counted, unknown members dropped, 1.5 rounded."""
    columns = {c.name: "BIGINT" if c.kind is Kind.COUNT else "VARCHAR" for c in LINE}
    names = [str(path) for path in files]
    query = f"SELECT * FROM read_json({names}, format = 'newline_delimited', columns = {columns})"  # noqa: S608 - our own
    with duckdb.connect(config={"threads": THREADS}) as connection:
        connection.execute(f"COPY ({query}) TO '{folder}/out.parquet' (FORMAT parquet, COMPRESSION zstd)")


def _loop(files: Iterable[Path], folder: Path) -> None:
    """A line after the other, as one would write it first."""
    schema = pa.schema([(column.name, TYPES[column.kind]) for column in LINE])
    for path in files:
        with igzip.open(path) as file:  # type: ignore[no-untyped-call]  # as above
            rows = [orjson.loads(line) for line in file]
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / f"{path.stem}.parquet", compression="zstd")


async def _product(files: list[Path], folder: Path, way: str, lag: list[float]) -> None:
    """An hour of so many parts, as `pipeline/brand_safety_work.py` lands it; `fetch` stops short of that."""
    places = Places(folder / "lake", folder / "warehouse.duckdb", folder / "state")
    with opened(places, "load", NOW, silent, rehearsal=False) as store, ThreadPoolExecutor(THREADS) as pool:
        tables = catalogue.settle([Owned(IMPRESSIONS.name, "", "", (IMPRESSIONS,))], store.ledger, store.lake)
        committer = Committer(store, pool, silent)
        clock = SystemClock()
        shop = Workshop(committer, Refusals(), clock, pool, silent, tables, "run", Deadline(clock))
        hour = OpenHour(Hour("900", Placement("facebook", "feed"), HOUR), HourIds([]), NOW)
        watch = asyncio.create_task(_watch(lag))
        with nullcontext() if way == "product" else served(files[0].parent) as url:
            await _all(files, shop, hour, url, converting=way != "fetch")
        watch.cancel()
        if way != "fetch":
            known = store.ledger.slice(hour.hour.id)
            assert known is not None
            assert known.rows >= len(files) * LINES


async def _all(files: list[Path], shop: Workshop, hour: OpenHour, url: str | None, *, converting: bool) -> None:
    slots, lake = asyncio.Semaphore(AT_ONCE), shop.committer.store.lake

    async def one(number: int, path: Path, http: HttpClient) -> None:
        async with slots:
            packed = path
            if url is not None:
                packed = lake.root / lake.temporary(".gz")
                await download(http, f"{url}/{path.name}", path.name, packed, 60)
            if converting:
                file = Fetched(Part(number, len(files)), path.name, packed, lake.root / lake.temporary(".jsonl"))
                await PartLanding(shop).land(hour, file)

    async with HttpClient() as http, asyncio.TaskGroup() as group:
        for number, path in enumerate(files, 1):
            group.create_task(one(number, path, http))


async def _watch(lag: list[float]) -> None:
    """How late the event loop wakes up."""
    while True:
        before = time.perf_counter()
        await asyncio.sleep(0.005)
        lag.append(time.perf_counter() - before - 0.005)


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
