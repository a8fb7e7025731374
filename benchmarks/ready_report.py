"""Measures a whole `insights load` of a ready report of 10,000 rows, beside a bare loop with Meta's own SDK.

Both read a report run that the sandbox, a process of its own, has completed before: what it costs the sandbox to work
out the rows is in neither. The load adopts its run: an earlier load submitted it and was killed while it waited.
"""

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson
from facebook_business.adobjects.adreportrun import AdReportRun
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

from benchmarks.figures import Figure
from schemas.reports import Report

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 3
ADS = 44_850
"""As many as it takes for 10,000 of them to have delivered on the day."""
ACCOUNT = "111"
DAY = date(2026, 11, 18)
NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
ROWS = 10_000
LIMIT = 500
REACH = 2.0
PATIENCE_SECONDS = 120
REPORT = Report("ads_insights", "ad")
TOKEN = "sandbox-token-benchmark"


def figures() -> list[Figure]:
    """The seconds of both, and of what surrounds them."""
    with tempfile.TemporaryDirectory() as folder, _sandbox() as url:
        shop = _Shop(Path(folder), url)
        run = shop.submitted_run()
        rounds = [(_sdk_seconds(url, run), shop.load_seconds()) for _ in range(ROUNDS)]
        rows = shop.landed()
        start = statistics.median(shop.start_seconds() for _ in range(ROUNDS))
        serving = statistics.median(_serving_seconds(url, run) for _ in range(ROUNDS))
    ratio = statistics.median((load - start) / sdk for sdk, load in rounds)
    sdk_seconds = statistics.median(sdk for sdk, _ in rounds)
    load_seconds = statistics.median(load for _, load in rounds)
    return [
        Figure(f"SDK loop over {rows:,} rows, limit={LIMIT}", sdk_seconds),
        Figure("of it the sandbox's pages, plainly read", serving),
        Figure("interpreter start and imports of a load", start),
        Figure(f"whole load of {rows:,} rows", load_seconds),
        Figure("load without start", load_seconds - start, ratio, REACH),
    ]


# ---- the sandbox ----


@contextmanager
def _sandbox() -> Iterator[str]:
    command = [
        sys.executable,
        "-m",
        "sandbox",
        "--now",
        NOW.isoformat(),
        "--run-seconds",
        "0.1",
        "--quota-scale",
        "100",
    ]
    size = ["--size", "large", "--accounts", "1", "--ads-per-account", str(ADS)]
    with subprocess.Popen(
        [*command, *size], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    ) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["listening"]
        finally:
            process.terminate()


def _get(url: str) -> Any:
    with urllib.request.urlopen(url) as reply:  # noqa: S310 - the sandbox is asked over plain HTTP
        return json.load(reply)


def _wait(done: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < until, "the sandbox has not completed the report run"
        time.sleep(0.1)


def _complete_runs(url: str) -> list[str]:
    found = _get(f"{url}/sandbox/runs")["runs"]
    return [run["id"] for run in found if run["async_status"] == "Job Completed"]


def _serving_seconds(url: str, run: str) -> float:
    """How long the pages of the run take with the thinnest of clients."""
    address: str | None = f"{url}/v25.0/{run}/insights?limit={LIMIT}&access_token={TOKEN}"
    started = time.perf_counter()
    while address is not None:
        with urllib.request.urlopen(address) as reply:  # noqa: S310 - as above
            body = reply.read()
        address = orjson.loads(body).get("paging", {}).get("next")
    return time.perf_counter() - started


# ---- Meta's own SDK ----


def _sdk_seconds(url: str, run: str) -> float:
    command = [sys.executable, "-m", "benchmarks.ready_report", url, run]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return float(done.stdout)


def _sdk_loop(url: str, run_id: str) -> float:
    """One last poll and every row; the interpreter's start and the imports are over."""
    FacebookSession.GRAPH = url
    api = FacebookAdsApi(FacebookSession(access_token=TOKEN), api_version="v25.0")
    started = time.perf_counter()
    run = AdReportRun(run_id, api=api)
    run.api_get()
    assert run["async_status"] == "Job Completed", run
    rows = sum(1 for _ in run.get_insights(params={"limit": LIMIT}))
    seconds = time.perf_counter() - started
    assert rows >= ROWS, rows
    return seconds


# ---- a user's folder ----


@dataclass(frozen=True)
class _Shop:
    """A configuration and the commands typed beside it."""

    folder: Path
    url: str

    def submitted_run(self) -> str:
        """The run of a load that was killed while it waited; its store is kept, to be loaded again and again."""
        self._configure(poll_seconds=PATIENCE_SECONDS)
        with self._started("load") as load:
            _wait(lambda: bool(_complete_runs(self.url)))
            load.send_signal(signal.SIGKILL)
        self._data.rename(self._kept)
        self._configure(poll_seconds=0.001)
        return _complete_runs(self.url)[0]

    def load_seconds(self) -> float:
        """A load that adopts the run, in a store that knows nothing else."""
        shutil.rmtree(self._data, ignore_errors=True)
        shutil.copytree(self._kept, self._data)
        started = time.perf_counter()
        with self._started("load") as load:
            code = load.wait()
        seconds = time.perf_counter() - started
        assert code == 0, f"the load ended with {code}"
        assert len(_complete_runs(self.url)) == 1, "the load did not adopt the run"
        return seconds

    def start_seconds(self) -> float:
        """What a load costs before it does anything: the interpreter and its imports."""
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import pipeline.cli, pipeline.app"], check=True, cwd=ROOT)
        return time.perf_counter() - started

    def landed(self) -> int:
        """The rows that the last load left in the warehouse."""
        with duckdb.connect(str(self._data / "warehouse.duckdb"), read_only=True) as connection:
            (rows,) = connection.execute("SELECT count(*) FROM ads_insights").fetchone() or (0,)
        assert rows >= ROWS, rows
        return int(rows)

    def _configure(self, *, poll_seconds: float) -> None:
        self._config.write_text(
            f"""
[graph]
base_url = "{self.url}"
[storage]
root = "{self._data}"
[report_runs]
poll_initial_seconds = {poll_seconds}
poll_max_seconds = {PATIENCE_SECONDS}
[ads_insights]
ad_accounts = ["{ACCOUNT}"]
since = {DAY}
[[ads_insights.reports]]
name = "{REPORT.name}"
level = "{REPORT.level}"
""",
            encoding="utf-8",
        )

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _kept(self) -> Path:
        return self.folder / "kept"

    @property
    def _config(self) -> Path:
        return self.folder / "insights.toml"

    def _started(self, command: str) -> "subprocess.Popen[bytes]":
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("META_", "INSIGHTS_"))}
        typed = [sys.executable, "-m", "pipeline.cli", command, "--until", DAY.isoformat(), "--now", NOW.isoformat()]
        return subprocess.Popen(
            [*typed, "--json", "--config", str(self._config)],
            env={**clean, "META_ACCESS_TOKEN": TOKEN},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
        )


if __name__ == "__main__":
    print(_sdk_loop(*sys.argv[1:]))
