"""Owns what is remembered of attribution reports from load to load: ids, hashes, ranges, what was too much."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline import codec
from pipeline.ledger import Ledger
from schemas.attribution import ROWS
from schemas.work import SliceRecord

Note = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AttributionBook:
    """One line of business in the ledger's notes."""

    ledger: Ledger
    line: str

    def report(self, name: str) -> Note | None:
        """The id and the definition hash of a report of ours, by its configured name."""
        found: Note | None = self.ledger.note(f"attribution.report.{self.line}.{name}")
        return found

    def keep_report(self, name: str, report_id: str, definition: str) -> None:
        """A report of ours is at Meta as it is configured."""
        self.ledger.save_note(f"attribution.report.{self.line}.{name}", {"id": report_id, "hash": definition})

    def schedule(self, name: str) -> str | None:
        """The hash of the schedule that a report of ours has at Meta."""
        found: str | None = self.ledger.note(f"attribution.schedule.{self.line}.{name}")
        return found

    def keep_schedule(self, name: str, definition: str) -> None:
        """The schedule of a report of ours is at Meta as it is configured."""
        self.ledger.save_note(f"attribution.schedule.{self.line}.{name}", definition)

    def runnable(self) -> Mapping[str, Note]:
        """The reports that were to be run when they were last looked at: range and definition hash by id."""
        found: Mapping[str, Note] = (self.ledger.note(f"attribution.reports.{self.line}") or {}).get("reports", {})
        return found

    def looked_at(self) -> datetime | None:
        """When the reports to be run were last looked at."""
        noted = self.ledger.note(f"attribution.reports.{self.line}")
        return datetime.fromisoformat(noted["at"]) if noted else None

    def keep_runnable(self, reports: Mapping[str, Note], at: datetime) -> None:
        """The reports that are to be run, for plans that ask nobody."""
        self.ledger.save_note(f"attribution.reports.{self.line}", {"at": at.isoformat(), "reports": dict(reports)})

    def too_much(self, report: str, definition: str) -> Mapping[str, str]:
        """The parts of a report that Meta could not generate under this definition, with the status of their run."""
        found = self.ledger.note(f"attribution.too_much.{self.line}.{report}") or {}
        parts: Mapping[str, str] = found.get("parts", {}) if found.get("hash") == definition else {}
        return parts

    def learn_too_much(self, report: str, definition: str, part: str, status: str) -> None:
        """A part could not be generated: from now on its halves are asked."""
        parts = {**self.too_much(report, definition), part: status}
        self.ledger.save_note(f"attribution.too_much.{self.line}.{report}", {"hash": definition, "parts": parts})

    def adoptable(self, record: SliceRecord, tag: str, now: datetime) -> tuple[str, datetime] | None:
        """The youngest run that a killed process left alive for exactly this question, and when it was submitted."""
        start, end = codec.border(record.id.start), codec.border(record.end)
        alive = [
            (str(row["report_run_id"]), datetime.fromisoformat(row["submitted_at"]))
            for row in self.ledger.adoptable(now)
            if (row["table_name"], row["scope"], row["definition"]) == (ROWS, record.id.scope, tag)
            and (row["slice_start"], row["slice_end"]) == (start, end)
        ]
        return alive[-1] if alive else None
