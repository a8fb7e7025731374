"""Owns what a run says at its end: the document of `load --json`, the same in words, and the exit code."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from connectors.graph.door import Tally
from pipeline.warehouse import Published
from schemas.work import Failure, Totals

OK, FAILED, TOKEN = 0, 1, 3


@dataclass(slots=True)
class Summary:
    """How a run went."""

    run_id: str
    command: str
    started_at: datetime
    finished_at: datetime | None = None
    totals: Totals = field(default_factory=Totals)
    api_calls: Mapping[str, int] = field(default_factory=dict)
    throttled_responses: int = 0
    seconds_waited: float = 0.0
    waits: Mapping[str, float] = field(default_factory=dict)
    family_refused: bool = False
    published: Published | None = None

    def count(self, tally: Tally, seconds_waited: float, waits: Mapping[str, float]) -> None:
        """Takes over what went through the door, and how long was waited, in all and for which quota."""
        self.api_calls = dict(tally.calls)
        self.throttled_responses = tally.throttled
        self.seconds_waited = seconds_waited
        self.waits = dict(waits)

    @property
    def exit_code(self) -> int:
        """0: everything due landed; 1: something failed; 3: a token or a whole family was refused, which wins."""
        if self.family_refused:
            return TOKEN
        return FAILED if self.totals.failures else OK

    @property
    def outcome(self) -> str:
        """One word for `meta.runs`."""
        return {OK: "complete", FAILED: "incomplete", TOKEN: "token refused"}[self.exit_code]

    def as_data(self) -> dict[str, Any]:
        """The document of `--json`."""
        return {
            "run_id": self.run_id,
            "command": self.command,
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat() if self.finished_at else None,
            "outcome": self.outcome,
            "slices": self.totals.slices,
            "rows": self.totals.rows,
            "api_calls": dict(sorted(self.api_calls.items())),
            "throttled_responses": self.throttled_responses,
            "seconds_waited": round(self.seconds_waited, 3),
            "waits": {quota: round(seconds, 3) for quota, seconds in self.waits.items()},
            "quarantined_rows": self.totals.quarantined,
            "failures": [asdict(failure) for failure in self.totals.failures],
            "published": asdict(self.published) if self.published else None,
        }

    def in_words(self) -> str:
        """A few lines for a terminal."""
        counts = self.totals.slices
        words = [f"{counts['landed']} slices landed ({counts['unchanged']} unchanged)", f"{counts['empty']} empty"]
        words += [f"{counts['failed']} failed"]
        words += [f"{counts[name]} {name}" for name in ("skipped", "lost") if counts[name]]
        lines = [", ".join(words)]
        lines += [f"  {table:<32} {rows:>12,} rows" for table, rows in self.totals.rows.items()]
        calls = sum(self.api_calls.values())
        lines.append(f"{calls} calls" + (f", {self.throttled_responses} throttled" if self.throttled_responses else ""))
        if self.totals.quarantined:
            lines.append(f"{self.totals.quarantined} cells in meta.quarantine")
        lines += _grouped(self.totals.failures)
        return "\n".join(lines)


def _grouped(failures: list[Failure]) -> list[str]:
    """Failures with the same cause on one line, each with what to do."""
    groups: dict[str, list[Failure]] = {}
    for failure in failures:
        groups.setdefault(failure.error, []).append(failure)
    return [f"FAILED {_places(group)}: {error}" for error, group in groups.items()]


def _places(group: list[Failure]) -> str:
    """The tables and scopes of failures with one cause, and how many slices."""
    tables, scopes = (
        ", ".join(dict.fromkeys(names)) for names in zip(*((f.table, f.scope) for f in group), strict=True)
    )
    slices = [failure.slice for failure in group if failure.slice]
    return f"{tables} {scopes}".rstrip() + (f" ({len(slices)} slices from {min(slices)})" if slices else "")
