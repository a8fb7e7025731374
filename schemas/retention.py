"""Owns how far back Meta answers a report, and what is missing before that. Pure.

Since 2026-01-12, in every version: totals 37 months; hourly breakdowns 13; `frequency_value` 6; unique counts with any
breakdown 13, beyond which the fields are left out of every row of the answer (graph-api 2.3 [docs: BAV, O25]).
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from schemas.breakdowns import MONTHS_KEPT_UNIQUE
from schemas.insights_fields import Shape
from schemas.reports import Report


@dataclass(frozen=True, slots=True)
class Kept:
    """What Meta still has of a report: rows from `since` on; of its `unique` fields only if nothing asked is older."""

    since: date
    months: int
    unique_since: date | None = None
    unique: tuple[str, ...] = ()

    def too_old(self) -> str:
        """Why a slice before `since` is not asked."""
        return f"older than the {self.months} months that Meta keeps of this report"

    def cut(self) -> str:
        """Why a slice that begins before `since` has a hole."""
        return f"days before {self.since} are {self.too_old()}"

    def without_unique(self) -> str:
        """Why a slice that begins before `unique_since` has no unique counts."""
        return f"{', '.join(self.unique)}: with a breakdown Meta keeps these for {MONTHS_KEPT_UNIQUE} months only"


def kept(report: Report, today: date) -> Kept:
    """What Meta has of the report on the account's day `today`."""
    unique = tuple(field.name for field in report.having(*Shape) if field.unique) if report.breakdowns else ()
    return Kept(
        since=months_before(today, report.months_kept),
        months=report.months_kept,
        unique_since=months_before(today, MONTHS_KEPT_UNIQUE) if unique else None,
        unique=unique,
    )


def months_before(day: date, months: int) -> date:
    """The same day of the month so many months earlier, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
