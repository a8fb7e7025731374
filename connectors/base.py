"""Owns the one doorway between the pipeline and the families: a question goes in, pages come out to a receiver."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Receiver(Protocol):
    """Takes the pages of one answer, in order. The pipeline types and writes them while the next ones are fetched."""

    def begin(self) -> None:
        """A reading begins, from the first page; whatever was taken before does not count."""

    async def take(self, page: bytes) -> None:
        """One page: the raw JSON array of its rows. Returns when there is room for the next."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer has been taken: when Meta was asked, and by which report run (None: without one)."""

    as_of: datetime
    report_run_id: str | None = None
