"""Owns how days become months of weeks, as calendars are read. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from pipeline.status_page.marks import LETTERS, Mark

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Cell:
    """One day of a heat map: its mark, what a person is told of it, and where it leads."""

    day: date
    mark: Mark
    label: str
    href: str

    @property
    def letter(self) -> str:
        """What it shows besides its colour."""
        return LETTERS[self.mark]

    @property
    def css(self) -> str:
        """Its class in the style sheet."""
        return self.mark.value.replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Month:
    """A month: weeks of seven places, each a cell or None where there is no day or nothing is known of it.

    Weeks before the first cell and after the last are left out.
    """

    first: date
    weeks: tuple[tuple[Cell | None, ...], ...]

    @property
    def title(self) -> str:
        """Its name: `November 2026`."""
        return f"{self.first:%B %Y}"


def months(cells: Mapping[date, Cell]) -> list[Month]:
    """The months that hold these days, the newest first: what is asked for most is met first."""
    firsts = sorted({day.replace(day=1) for day in cells}, reverse=True)
    return [Month(first, _weeks(first, cells)) for first in firsts]


def _weeks(first: date, cells: Mapping[date, Cell]) -> tuple[tuple[Cell | None, ...], ...]:
    end = (first + timedelta(days=31)).replace(day=1)
    places: list[Cell | None] = [None] * first.weekday()
    places += [cells.get(day) for day in days(first, end)]
    places += [None] * (-len(places) % 7)
    weeks = [tuple(places[at : at + 7]) for at in range(0, len(places), 7)]
    shown = [number for number, week in enumerate(weeks) if any(week)]
    return tuple(weeks[shown[0] : shown[-1] + 1])


def days(start: date, end: date) -> Iterable[date]:
    """The days from `start` up to, not including, `end`."""
    return (start + ONE_DAY * number for number in range((end - start).days))
