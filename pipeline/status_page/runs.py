"""Owns what the page says of runs: what they did, what they waited for, what is left and how long it may take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from pipeline import codec
from pipeline.ledger import Ledger

MOST_RUNS = 30
MOST_CAUSES = 6
ENOUGH_DONE = 3
"""Slices from which a pace can be told."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come; `at` is when it said so."""

    planned: int
    done: int
    failed: int
    at: datetime

    @property
    def over(self) -> int:
        """Slices that are dealt with."""
        return min(self.planned, self.done + self.failed)

    @property
    def left(self) -> int:
        """Slices that are not."""
        return self.planned - self.over

    def ends_at(self, started: datetime) -> datetime | None:
        """When the run will be over if it goes on as it went, waits included; None while that cannot be told."""
        took = self.at - started
        if self.over < ENOUGH_DONE or took <= timedelta(0):
            return None
        return self.at + took / self.over * self.left


@dataclass(frozen=True, slots=True)
class Cause:
    """Why slices failed: one error, how many of it, one place where, what to do, Meta's name for one such call."""

    error: str
    slices: int
    example: str
    remedy: str
    fbtrace_id: str | None


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run. `state`: running, killed (it never said that it ended), or how it ended."""

    run_id: str
    command: str
    state: str
    started_at: datetime
    finished_at: datetime | None
    slices: Mapping[str, int]
    rows: int
    calls: int
    throttled: int
    seconds_waited: float
    waits: Sequence[tuple[str, float]]
    progress: Progress | None
    causes: Sequence[Cause]
    more_causes: int

    @property
    def is_running(self) -> bool:
        """Whether it goes on now."""
        return self.state == "running"

    @property
    def ends_at(self) -> datetime | None:
        """When it will be over, as far as its pace tells."""
        return self.progress.ends_at(self.started_at) if self.is_running and self.progress else None


def recent(ledger: Ledger, *, writing: bool) -> list[RunLine]:
    """The newest runs first; `writing`: some process holds the store."""
    return [run_line(row, writing=writing) for row in ledger.recent_runs(MOST_RUNS)]


def run_line(row: Mapping[str, Any], *, writing: bool) -> RunLine:
    """A run from its row in the ledger."""
    summary = orjson.loads(row["summary"])
    noted = orjson.loads(row["progress"]) if row.get("progress") else {}
    causes = causes_of(summary.get("failures", []))
    waits = summary.get("waits") or noted.get("waits", {})
    return RunLine(
        run_id=row["run_id"],
        command=row["command"],
        state=state_of(row["outcome"], writing=writing),
        started_at=datetime.fromisoformat(row["started_at"]),
        finished_at=codec.read_instant(row["finished_at"]),
        slices=summary.get("slices", {}),
        rows=sum(summary.get("rows", {}).values()),
        calls=sum(summary.get("api_calls", {}).values()) or noted.get("calls", 0),
        throttled=summary.get("throttled_responses", 0),
        seconds_waited=summary.get("seconds_waited", 0.0),
        waits=sorted(waits.items(), key=lambda wait: (-wait[1], wait[0])),
        progress=_progress(noted, row.get("saved_at")),
        causes=causes[:MOST_CAUSES],
        more_causes=len(causes[MOST_CAUSES:]),
    )


def state_of(outcome: str, *, writing: bool) -> str:
    """How a run stands: one that never ended and whom nobody carries on was killed."""
    return "killed" if outcome == "running" and not writing else outcome


def causes_of(failures: Sequence[Mapping[str, Any]]) -> list[Cause]:
    """Failures with the same error together, the most frequent first."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for failure in failures:
        groups.setdefault(failure["error"], []).append(failure)
    found = [_cause(error, group) for error, group in groups.items()]
    return sorted(found, key=lambda cause: (-cause.slices, cause.error))


def _cause(error: str, group: Sequence[Mapping[str, Any]]) -> Cause:
    first = group[0]
    example = " ".join(filter(None, (first["table"], first["scope"], first["slice"])))
    return Cause(error, len(group), example, first["remedy"], first.get("fbtrace_id"))


def _progress(noted: Mapping[str, Any], saved_at: str | None) -> Progress | None:
    if not noted or saved_at is None:
        return None
    return Progress(noted["planned"], noted["done"], noted["failed"], datetime.fromisoformat(saved_at))
