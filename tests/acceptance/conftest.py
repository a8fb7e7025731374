"""Whole runs as users type them: the sandbox and `insights` as processes, and the sandbox's truth beside them."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
"""A moment at which no account of the sandbox is near its midnight."""
SPEED = 100
TOKEN = "sandbox-token-acceptance-7f3a9c51e2"


class Sandbox:
    """A running sandbox, its control calls and its truth."""

    def __init__(self, url: str, files: str = "") -> None:
        self.url = url
        self.files = files

    def get(self, path: str, **query: Any) -> Any:
        with urllib.request.urlopen(f"{self.url}/sandbox/{path}?{urlencode(query)}") as reply:
            return json.load(reply)

    def post(self, path: str, document: object) -> Any:
        request = urllib.request.Request(f"{self.url}/sandbox/{path}", json.dumps(document).encode())
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)

    def calls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("calls")["calls"]
        return found

    def forget_calls(self) -> None:
        self.post("reset_calls", {})

    def script(self, *rules: Mapping[str, Any], **more: Any) -> None:
        self.post("scenario", {"rules": list(rules), **more})

    def move_to(self, now: datetime) -> None:
        self.post("clock", {"now": now.isoformat()})

    def insights(self, account: str, as_of: datetime, **parameters: Any) -> list[dict[str, Any]]:
        query = {k: v if isinstance(v, str) else json.dumps(v) for k, v in parameters.items()}
        rows: list[dict[str, Any]] = self.get("truth/insights", account=account, as_of=as_of.isoformat(), **query)[
            "rows"
        ]
        return rows

    def objects(self, account: str, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("truth/objects", account=account, kind=kind)["objects"]
        return found


@contextmanager
def running_sandbox(*arguments: str, now: datetime = NOW, speed: float = SPEED) -> Iterator[Sandbox]:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--now", now.isoformat(), "--speed", str(speed)]
    with subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    ) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            yield Sandbox(told["listening"], told["files"])
        finally:
            process.terminate()


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


REPORT = """
[[ads_insights.reports]]
name = "ads_insights"
level = "ad"
"""


@dataclass
class Shop:
    """A user's folder: a configuration, a store, and the commands typed there."""

    folder: Path
    url: str
    files: str = "http://127.0.0.1:9"
    speed: float = SPEED
    environment: dict[str, str] = field(default_factory=lambda: {"META_ACCESS_TOKEN": TOKEN})

    @property
    def config(self) -> Path:
        return self.folder / "insights.toml"

    @property
    def warehouse(self) -> Path:
        return self.folder / "data" / "warehouse.duckdb"

    @property
    def lake(self) -> Path:
        return self.folder / "data" / "lake"

    def configure(
        self,
        *,
        accounts: Sequence[str] = ("111", "222", "333"),
        since: date = date(2026, 11, 15),
        reports: str = REPORT,
        insights: str = "",
        objects: str = "[ad_objects]",
        more: str = "",
    ) -> None:
        self.config.write_text(
            f"""
[graph]
base_url = "{self.url}"
files_url = "{self.files}"
[storage]
root = "{self.folder / "data"}"
[pace]
clock_speed = {self.speed}
[ads_insights]
ad_accounts = {json.dumps(list(accounts))}
since = {since}
{insights}
{reports}
{objects}
{more}
""",
            encoding="utf-8",
        )

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "pipeline.cli", *arguments]

    def env(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("META_", "INSIGHTS_"))}
        return {**clean, **self.environment, "PYTHONPATH": str(ROOT), "INSIGHTS_CONFIG": str(self.config)}

    def run(self, *arguments: str) -> Ended:
        done = subprocess.run(
            self.command(*arguments), capture_output=True, text=True, cwd=self.folder, env=self.env(), check=False
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command(*arguments),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=self.folder,
            env=self.env(),
        )

    def load(self, *arguments: str, now: datetime = NOW) -> Ended:
        return self.run("load", "--json", "--now", now.isoformat(), *arguments)

    def dying_load(self, event: str, nth: int, *arguments: str, now: datetime = NOW) -> int:
        """A load that is killed so."""
        return self.dying(event, nth, "load", "--json", "--now", now.isoformat(), *arguments)

    def dying(self, event: str, nth: int, *arguments: str) -> int:
        """A command whose process kills itself, unannounced, at the n-th event of this name; its exit code."""
        script = Path(__file__).with_name("dying.py")
        done = subprocess.run(
            [sys.executable, str(script), event, str(nth), *arguments],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.env(),
            check=False,
        )
        return done.returncode

    def killed_load(self, seconds: float, now: datetime = NOW) -> bool:
        """A load killed from outside after some time; whether it was still running."""
        with self.start("load", "--json", "--now", now.isoformat()) as process:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                return True
        return False

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def rows(self, table: str) -> list[dict[str, Any]]:
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            found = connection.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.fixture(scope="session")
def small_sandbox() -> Iterator[Sandbox]:
    """One sandbox for all tests that neither script it nor count its calls."""
    with running_sandbox("--size", "small") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of one's own."""
    with running_sandbox("--size", "small") as sandbox:
        yield sandbox


@pytest.fixture
def shop(tmp_path: Path, sandbox: Sandbox) -> Shop:
    """A folder that asks this test's own sandbox."""
    return Shop(tmp_path, sandbox.url, sandbox.files)


@pytest.fixture
def quiet_shop(tmp_path: Path, small_sandbox: Sandbox) -> Shop:
    """A folder that asks the shared sandbox."""
    return Shop(tmp_path, small_sandbox.url, small_sandbox.files)


def days_until(now: datetime, days: int) -> datetime:
    """The same time of day, so many days later."""
    return now + timedelta(days=days)
