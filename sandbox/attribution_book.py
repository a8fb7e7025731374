"""Owns what callers made: attribution reports, their runs with a visible life, their schedules (6.2 to 6.5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sandbox.attribution_definitions import check_report, check_schedule, days_of
from sandbox.attribution_rows import Sheet, evaluate
from sandbox.attribution_world import LineOfBusiness
from sandbox.faults import invalid

SCHEDULED, RUNNING, COMPLETED = "scheduled", "running", "completed"
FAILURES = ("error", "timeout", "size_exceeded")
_STARTS = 0.3
"""The share of its life that a run waits."""


@dataclass(slots=True)
class Report:
    """One report with everything below it."""

    id: str
    line: LineOfBusiness
    body: dict[str, Any]
    runs: list["Run"] = field(default_factory=list)
    schedule: dict[str, Any] | None = None

    @property
    def shown(self) -> dict[str, Any]:
        """Return its fields."""
        return {**self.body, "id": self.id}


@dataclass(slots=True)
class Run:
    """One report run: a snapshot of its report's definition when it was made."""

    id: str
    report: Report
    body: dict[str, Any]
    made: datetime
    seconds: float
    definition: Mapping[str, Any]
    file_format: str
    days: tuple[date, date]
    sheet: Sheet
    fate: str = COMPLETED

    def status(self, now: datetime) -> str:
        """Return its status at a moment."""
        life = (now - self.made).total_seconds() / max(self.seconds, 1e-9)
        return SCHEDULED if life < _STARTS else RUNNING if life < 1 else self.fate

    def shown(self, now: datetime) -> dict[str, Any]:
        """Return its read-only fields."""
        return {"id": self.id, "status": self.status(now)}

    def told(self, now: datetime) -> dict[str, Any]:
        """Return everything about it, its rows labelled as its file labels them."""
        return {
            **self.shown(now),
            "name": self.body.get("name"),
            "report_id": self.report.id,
            "definition": self.definition,
            "file_format": self.file_format,
            "since": str(self.days[0]),
            "until": str(self.days[1]),
            "rows": self.sheet.labelled(self.file_format),
        }


@dataclass(slots=True)
class Limits:
    """What Meta can generate in one run: beyond `rows` it is size_exceeded, beyond `days` a timeout."""

    rows: int = 1_000_000
    days: int = 100_000


@dataclass(slots=True)
class Book:
    """Every report by id, in order of creation."""

    seed: int
    reports: dict[str, Report] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    _made: int = 0

    def save_report(self, line: LineOfBusiness, body: dict[str, Any]) -> Report:
        """Create a report, or change the one that `id` names."""
        check_report(body, line)
        known = self.reports.get(str(body.get("id", "")))
        if known is None and "id" in body:
            raise invalid(f"There is no report {body['id']}")
        if known is not None:
            known.body |= {name: value for name, value in body.items() if name != "id"}
            return known
        report = Report(self._id("663"), line, dict(body))
        self.reports[report.id] = report
        return report

    def save_run(self, report: Report, body: dict[str, Any], made: datetime, seconds: float, fate: str) -> Run:
        """Start a run of a report."""
        definition = report.body["definition"]
        days = days_of(definition["date_range"], made)
        sheet = evaluate(self.seed, report.line, definition, *days)
        if len(sheet.rows) > self.limits.rows:
            fate = "size_exceeded"
        if (days[1] - days[0]).days + 1 > self.limits.days:
            fate = "timeout"
        file_format = str(report.body["file_format"])
        run = Run(self._id("664"), report, body, made, seconds, definition, file_format, days, sheet, fate)
        report.runs.append(run)
        return run

    def save_schedule(self, report: Report, body: dict[str, Any]) -> dict[str, Any]:
        """Create the one schedule of a report, or change it by its id."""
        check_schedule(body)
        known = report.schedule
        if known is not None and body.get("id") != known["id"]:
            raise invalid("A report can have one schedule only")
        if known is None and "id" in body:
            raise invalid(f"There is no schedule {body['id']}")
        report.schedule = {**(known or {"id": self._id("665")}), **body}
        return report.schedule

    def run(self, run_id: str) -> Run | None:
        """Return a run by its id."""
        return next((run for report in self.reports.values() for run in report.runs if run.id == run_id), None)

    def schedule(self, schedule_id: str) -> dict[str, Any] | None:
        """Return a schedule by its id."""
        found = (report.schedule for report in self.reports.values())
        return next((schedule for schedule in found if schedule and schedule["id"] == schedule_id), None)

    def _id(self, prefix: str) -> str:
        self._made += 1
        return f"{prefix}00000000000{self._made:05}"
