"""Owns the sizes of questions that worked, per account and report, from one load to the next. Decides, and notes.

A refused size is halved for the following loads; after five nights without a refusal a bigger one is tried. A slice
that had to be asked in parts is asked in the same parts the next time: parts are a division of whatever there is
(`connectors/ads_insights/ladder.py`), so they stay right when objects come and go.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from connectors.ads_insights.ladder import Narrowing

LONGEST_DAYS = 30
"""Days that one report run asks for to begin with; a run that is too large is halved."""
GOOD_NIGHTS = 5
"""Nights without a refusal after which a bigger size is tried."""
MOST_PARTS = 1_000
"""More parts are not remembered: they are found again, call by call."""


@dataclass(frozen=True, slots=True)
class Size:
    """What worked: days of one report run, the parts of one slice (none: it needed none), rows of a result page.

    `seconds` is how long the last report run took.

    `definition` is the report's when the parts were found. `nights` are those without a refusal, the last being
    `night`; `bolder`: a slice is asked whole once, before its parts.
    """

    days: int = LONGEST_DAYS
    parts: tuple[Narrowing, ...] = ()
    definition: str = ""
    page: int | None = None
    seconds: float | None = None
    nights: int = 0
    night: str = ""
    bolder: bool = False

    def refused(self, days: int) -> "Size":
        """A run of so many days was too large."""
        return replace(self, days=max(1, min(self.days, days // 2)), nights=0, bolder=False)

    def worked(self, night: str, days: int) -> "Size":
        """A run of so many days gave its rows; a night on which such a run was asked for counts."""
        if self.parts or days < self.days or self.days >= LONGEST_DAYS or night == self.night:
            return self
        counted = replace(self, nights=self.nights + 1, night=night)
        if counted.nights < GOOD_NIGHTS:
            return counted
        return replace(counted, nights=0, days=min(LONGEST_DAYS, self.days * 2))

    def whole_again(self, night: str, days: int) -> "Size":
        """A slice of so many days that needed parts was asked whole, and gave its rows."""
        return replace(self, parts=(), definition="", days=max(days, 1), nights=0, night=night, bolder=False)

    def parted(self, night: str, days: int, parts: Sequence[Narrowing], definition: str) -> "Size":
        """A slice of so many days was read in these parts."""
        nights = self.nights + (night != self.night)
        kept = tuple(parts) if len(parts) <= MOST_PARTS else ()
        found = replace(self, days=max(days, 1), parts=kept, definition=definition, nights=nights, night=night)
        return replace(found, nights=0, bolder=True) if nights >= GOOD_NIGHTS else found

    def as_data(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "days": self.days,
            "parts": [part.as_data() for part in self.parts],
            "definition": self.definition,
            "page": self.page,
            "seconds": self.seconds,
            "nights": self.nights,
            "night": self.night,
            "bolder": self.bolder,
        }

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Size":
        """What `as_data` wrote."""
        return cls(**{**data, "parts": tuple(Narrowing.read(part) for part in data["parts"])})


BIGGEST = Size()
"""What every report of an account begins with."""


class Notes(Protocol):
    """Where small memories are kept."""

    def note(self, name: str) -> Any:
        """A small memory by its name; None if there is none."""

    def save_note(self, name: str, value: object) -> None:
        """Keeps a small memory."""


class Sizes:
    """The sizes of every account and report. Kept as soon as they change, so that a killed load has learned too."""

    def __init__(self, notes: Notes, now: Callable[[], datetime]) -> None:
        self._notes = notes
        self._now = now
        self._known: dict[tuple[str, str], Size] = {}

    def of(self, report: str, account: str, definition: str) -> Size:
        """What worked for a report of an account; parts only if the report still asks the same."""
        size = self._size(report, account)
        return size if size.definition in {"", definition} else replace(size, parts=(), definition="")

    def refused(self, report: str, account: str, days: int) -> None:
        """A run of so many days was too large."""
        self._change(report, account, self._size(report, account).refused(days))

    def worked(self, report: str, account: str, days: int) -> None:
        """A run of so many days gave its rows."""
        self._change(report, account, self._size(report, account).worked(self._night(), days))

    def whole_again(self, report: str, account: str, days: int) -> None:
        """A slice of so many days that needed parts was asked whole, and gave its rows."""
        self._change(report, account, self._size(report, account).whole_again(self._night(), days))

    def parted(self, report: str, account: str, days: int, parts: Sequence[Narrowing], definition: str) -> None:
        """A slice of so many days was read in these parts."""
        self._change(report, account, self._size(report, account).parted(self._night(), days, parts, definition))

    def dares(self, report: str, account: str) -> bool:
        """Whether a slice that needs parts shall be asked whole again: once, after good nights."""
        size = self._size(report, account)
        if size.bolder:
            self._change(report, account, replace(size, bolder=False))
        return size.bolder

    def pages(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """How many rows a result page held at best, where less than all were borne; `keys` are account and report."""
        known = {(account, report): self._size(report, account).page for account, report in keys}
        return {key: rows for key, rows in known.items() if rows is not None}

    def save_pages(self, pages: Mapping[tuple[str, str], int], most: int) -> None:
        """Result pages hold so many rows now, by account and report; `most` is where everybody begins."""
        for (account, report), rows in pages.items():
            size = self._size(report, account)
            self._change(report, account, replace(size, page=None if rows >= most else rows))

    def seconds(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], float]:
        """How long the last report run took, where one is remembered; `keys` are account and report."""
        known = {(account, report): self._size(report, account).seconds for account, report in keys}
        return {key: seconds for key, seconds in known.items() if seconds is not None}

    def save_seconds(self, seconds: Mapping[tuple[str, str], float]) -> None:
        """Report runs took so long, by account and report."""
        for (account, report), took in seconds.items():
            self._change(report, account, replace(self._size(report, account), seconds=took))

    def _size(self, report: str, account: str) -> Size:
        if (report, account) not in self._known:
            noted = self._notes.note(_name(report, account))
            self._known[report, account] = Size.read(noted) if noted else BIGGEST
        return self._known[report, account]

    def _change(self, report: str, account: str, size: Size) -> None:
        if size != self._size(report, account):
            self._known[report, account] = size
            self._notes.save_note(_name(report, account), size.as_data())

    def _night(self) -> str:
        return self._now().date().isoformat()


def _name(report: str, account: str) -> str:
    return f"size.{report}.{account}"
