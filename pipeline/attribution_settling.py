"""Owns how a configured report comes to be at Meta as it is configured: created once, changed when it changes here.

A report is known by the id that the ledger keeps; a process killed before that was kept finds it again by its name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connectors.attribution.reads import Reads
from connectors.attribution.writes import Writes
from connectors.errors import Invalid
from pipeline.attribution_book import AttributionBook
from schemas.attribution import COLUMNS, REPORTS, SCHEDULES
from schemas.attribution_columns import completed, refusals
from schemas.attribution_reports import AttributionReport, Body, hash_of, holds, read
from schemas.events import Say

Found = dict[str, Any]


@dataclass(slots=True)
class Settling:
    """The reports and columns of one line of business as they are at Meta, each listed once in a load."""

    book: AttributionBook
    reads: Reads
    writes: Writes
    say: Say
    _reports: list[Found] | None = None
    _columns: list[Found] | None = None

    async def reports(self) -> list[Found]:
        """Every report that is there."""
        if self._reports is None:
            self._reports = await self.reads.objects(f"{self.book.line}/{REPORTS.edge}", REPORTS.fields)
        return self._reports

    async def columns(self) -> list[Found]:
        """Every column that reports may show."""
        if self._columns is None:
            self._columns = await self.reads.objects(f"{self.book.line}/{COLUMNS.edge}", COLUMNS.fields)
        return self._columns

    async def settled(self, report: AttributionReport) -> str:
        """The id of a report that is at Meta as it is configured.

        Raises:
            Fault: It cannot be created or changed; `Invalid` where its columns do not go together.
        """
        noted = self.book.report(report.name)
        there = self._there(report, noted, await self.reports())
        if there is None:
            made = await self.writes.create_report(self.book.line, await self._posted(report))
            self.say("attribution.report_created", line=self.book.line, report=made)
            self._reports = None
        else:
            made = str(there["id"])
            if not (noted and (noted["id"], noted["hash"]) == (made, report.hash)) and not holds(there, report.posted):
                await self.writes.change(f"{self.book.line}/{REPORTS.edge}", made, await self._posted(report))
                self._reports = None
        if noted != {"id": made, "hash": report.hash}:
            self.book.keep_report(report.name, made, report.hash)
            self.say("attribution.report_kept", line=self.book.line, report=made)
        return made

    async def scheduled(self, report: AttributionReport, report_id: str) -> None:
        """Brings a report's schedule to Meta, if one is configured and is not there.

        Raises:
            Fault: It cannot be created or changed.
        """
        if report.schedule is None or self.book.schedule(report.name) == hash_of(report.schedule):
            return
        wanted = read(report.schedule)
        there = await self.reads.objects(f"{report_id}/{SCHEDULES.edge}", SCHEDULES.fields)
        if not there:
            await self.writes.create_schedule(report_id, wanted)
        elif not holds(there[0], wanted):
            await self.writes.change(f"{report_id}/{SCHEDULES.edge}", str(there[0]["id"]), wanted)
        self.book.keep_schedule(report.name, hash_of(report.schedule))
        self.say("attribution.schedule_kept", line=self.book.line, report=report_id)

    async def _posted(self, report: AttributionReport) -> Body:
        """The body with its columns completed, once they are known to go together."""
        body, columns = report.posted, await self.columns()
        wanted: Sequence[Body] = body["definition"]["column_definitions"]
        wrong = refusals(wanted, columns)
        if wrong:
            raise Invalid("; ".join(wrong), place=f"[[attribution.reports]] name = {report.name!r}: definition")
        body["definition"]["column_definitions"] = completed(wanted, columns)
        return body

    def _there(self, report: AttributionReport, noted: Found | None, listed: Sequence[Found]) -> Found | None:
        ours = next((one for one in listed if noted and str(one["id"]) == noted["id"]), None)
        named = [one for one in listed if one.get("name") == report.name]
        if ours is None and len(named) > 1:
            ids = ", ".join(str(one["id"]) for one in named)
            raise Invalid(
                f"several reports have this name ({ids}); choose another name, or rename all but one of them",
                place=f"[[attribution.reports]] name = {report.name!r}",
            )
        return ours or (named[0] if named else None)
