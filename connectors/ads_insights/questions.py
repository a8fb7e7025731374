"""Owns the calls of this family: how a question about an account and some days is put on the wire. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from connectors.ads_insights.ladder import EVERYTHING, Narrowing
from connectors.graph.calls import Call, Param
from connectors.pace.quotas import drawn_by_insights
from schemas.periods import Period
from schemas.reports import Report

RUN_FIELDS = "id,async_status,async_percent_completion,time_ref,time_completed,error_code,error_subcode,error_message"
"""What a poll asks; named, because the v25 error fields are default only from v25 on (graph-api 2.5)."""


@dataclass(frozen=True, slots=True)
class Run:
    """A report run that Meta has accepted: its id, and when it was submitted."""

    id: str
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """One report of one account over some days.

    `rows` is how many rows the same question gave last time (None: unknown). `adopted` is a run of a killed process
    that asks exactly this. A `narrowing` asks for a part of the rows or of their fields.
    """

    report: Report
    account: str
    period: Period
    rows: int | None = None
    adopted: Run | None = None
    narrowing: Narrowing = EVERYTHING

    @property
    def place(self) -> str:
        """What messages call it."""
        part = "" if self.narrowing == EVERYTHING else f" ({self.narrowing.in_words()})"
        return f"{self.report.name} {self.account} {self.period.start} to {self.period.until}{part}"

    @property
    def asked(self) -> Report:
        """The report as it is put on the wire: the narrowing's filters behind its own, the key always asked."""
        return self.narrowing.of(self.report)

    @property
    def definition(self) -> str:
        """What a run of this question is remembered by: a run of a part is never taken for one of the whole."""
        return self.asked.definition_hash


def ids_of(question: Question, level: str) -> Question:
    """The least question that tells which objects of a level have rows in a part (graph-api 2.13, rung 2)."""
    report = question.report
    ids = Report(
        report.name, level, (f"{level}_id",), action_breakdowns=(), time_increment="all_days", mode=report.mode
    )
    return Question(ids, question.account, question.period, narrowing=Narrowing(question.narrowing.filters))


def submission(question: Question) -> Call:
    """The POST that creates a report run (graph-api 2.5)."""
    return _of_account("submit", question)


def synchronous(question: Question) -> Call:
    """The GET that answers at once (graph-api 2.4)."""
    return _of_account("sync", question)


def poll(run: Run, account: str) -> Call:
    """The GET of a run's state."""
    return Call("poll", "GET", run.id, {"fields": RUN_FIELDS}, account, drawn_by_insights(account))


def rows_of(run: Run, account: str) -> Call:
    """The GET of a finished run's rows; its pages' size is the reader's affair."""
    return Call("page", "GET", f"{run.id}/insights", {}, account, drawn_by_insights(account))


def _of_account(kind: str, question: Question) -> Call:
    days = {"since": question.period.start.isoformat(), "until": question.period.until.isoformat()}
    params = cast("Mapping[str, Param]", {**question.asked.parameters(), "time_range": days})
    path = f"act_{question.account}/insights"
    quotas = drawn_by_insights(question.account)
    if kind == "submit":
        return Call("submit", "POST", path, params, question.account, quotas)
    return Call("sync", "GET", path, params, question.account, quotas)


def run_id_of(reply: Mapping[str, Any]) -> str | None:
    """The id in a submission's reply: a numeric string by the reference, a number in its sample (graph-api 2.5)."""
    found = reply.get("report_run_id")
    return str(found) if isinstance(found, str | int) and str(found).isdecimal() else None
