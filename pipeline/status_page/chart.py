"""Owns the bars of a day-by-day chart: scales, and that a day without data is a hole and not a zero. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

HEIGHT = 100.0
"""The height of the drawing in units of its own; a bar of the largest value is as high."""
LEAST = 1.5
"""The height of a bar that is not nothing: a small amount is seen beside a large one."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: its value, or None for a hole; `why` says in a word what a hole or a nothing is."""

    day: date
    value: Decimal | None
    height: float
    why: str = ""

    @property
    def top(self) -> float:
        """Where it begins, counted from above."""
        return HEIGHT - self.height


@dataclass(frozen=True, slots=True)
class Chart:
    """One measure over days, each day a unit wide."""

    name: str
    unit: str
    bars: tuple[Bar, ...]
    write: Callable[[Decimal], str]

    @property
    def top(self) -> Decimal:
        """The largest value."""
        return max((bar.value for bar in self.bars if bar.value is not None), default=Decimal(0))

    @property
    def holes(self) -> int:
        """How many days have no data."""
        return sum(bar.value is None for bar in self.bars)

    @property
    def total(self) -> Decimal:
        """The sum over the days that have data."""
        return sum((bar.value for bar in self.bars if bar.value is not None), Decimal(0))


def bars(wanted: Iterable[date], values: Mapping[date, Decimal | None], empty: Iterable[date]) -> tuple[Bar, ...]:
    """A bar for each wanted day.

    `values` are the days that have rows, None where no row names the measure; `empty` are days that were asked for and
    have none, which is nothing spent. Every other day is a hole.
    """
    nothing = set(empty)
    top = max((value for value in values.values() if value is not None), default=Decimal(0))
    return tuple(_bar(day, values, nothing, top) for day in wanted)


def _bar(day: date, values: Mapping[date, Decimal | None], nothing: set[date], top: Decimal) -> Bar:
    if day not in values:
        return Bar(day, Decimal(0), 0.0, "no rows") if day in nothing else Bar(day, None, HEIGHT, "no data")
    value = values[day]
    if value is None:
        return Bar(day, None, HEIGHT, "not told")
    return Bar(day, value, scaled(value, top))


def scaled(value: Decimal, top: Decimal) -> float:
    """The height of a bar in units of the drawing."""
    if top <= 0 or value <= 0:
        return 0.0
    return round(max(LEAST, float(value / top) * HEIGHT), 2)
