"""Owns what the seeded world knows of apps: every value is a function of the seed, the question and the day of asking.

A day is restated while it is young and then no more; some days are missing for good, some for their first night only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import product
from typing import Any

from sandbox.app_insights_names import MONEY, RATE, ROLLING, TOTAL, VALUES, WINDOWS, nature
from sandbox.app_insights_query import BORDER, AppQuestion
from sandbox.digest import draw, split

APPS = {"700": "Example Shop", "701": "Example Game 📣"}
HORIZON = 5
"""Days after which nothing changes any more."""
REDACTED = "REDACTED"

_HOURS = 24
_LOST_ONE_IN, _LATE_ONE_IN, _HOUR_LOST_ONE_IN = 23, 6, 61
_TOO_FEW = 8
_TOP = 3
_EIGHT = Decimal("0.00000001")

Row = dict[str, Any]
Span = tuple[date, int | None]
"""A day, or one hour of it."""
Cell = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an app at one moment: the seed and the day, in GMT-8, on which it is asked."""

    seed: int
    today: date

    def rows(self, question: AppQuestion) -> list[Row]:
        """Work out every row of a question, in order of time."""
        return [row for start, spans in self._points(question) for row in self._row(question, start, spans)]

    # ---- points in time ----

    def _points(self, asked: AppQuestion) -> Iterator[tuple[datetime, list[Span]]]:
        """Yield each data point with the days, or hours of days, that it sums."""
        days = [day for day in asked.days if day <= self.today]
        if asked.period == "lifetime":
            yield _border(self.today), []
        elif asked.period == "range":
            yield asked.since, [(day, None) for day in days if not self._is_missing(asked, day)]
        elif asked.period == "hourly":
            yield from self._hours(asked, days)
        else:
            for day in (day for day in days if not self._is_missing(asked, day)):
                yield _border(day), [(day - timedelta(days=back), None) for back in range(_window(asked))]

    def _hours(self, asked: AppQuestion, days: Sequence[date]) -> Iterator[tuple[datetime, list[Span]]]:
        for day, hour in product((day for day in days if not self._is_missing(asked, day)), range(_HOURS)):
            if not draw(self.seed, _identity(asked), day, hour, "lost") % _HOUR_LOST_ONE_IN:
                continue
            start = _border(day) + timedelta(hours=hour)
            moments = [start - timedelta(hours=back) for back in range(_window(asked))]
            yield start, [(at.date(), at.hour) for at in moments]

    def _is_missing(self, asked: AppQuestion, day: date) -> bool:
        lot = draw(self.seed, _identity(asked), day, "missing")
        late = (self.today - day).days < 2 and lot % _LATE_ONE_IN == 1  # noqa: PLR2004 - its first night
        return late or lot % _LOST_ONE_IN == 0

    # ---- one point ----

    def _row(self, asked: AppQuestion, start: datetime, spans: list[Span]) -> Iterator[Row]:
        time_text = start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
        if nature(asked.metric, asked.aggregation) == TOTAL and not asked.breakdowns and asked.period == "lifetime":
            yield {"time": time_text, "value": str(_base(self.seed, asked) * 1000 + self.today.toordinal() * 7)}
            return
        spans = spans or [(self.today, None)]
        counted = [sum(counts) for counts in zip(*(self._counts(asked, *span) for span in spans), strict=True)]
        cells = list(zip(_cells(asked.breakdowns), counted, strict=True))
        if asked.aggregation == "TOPK":
            cells = sorted(cells, key=lambda cell: -cell[1])[:_TOP]
        for cell, count in cells:
            if not asked.breakdowns:
                yield {"time": time_text, "value": _text(asked, count)}
            elif count:
                shown = {name: _shown(name, value, count) for name, value in cell if value is not None}
                yield {"time": time_text, "value": _text(asked, count), "breakdowns": shown}

    def _counts(self, asked: AppQuestion, day: date, hour: int | None) -> tuple[int, ...]:
        age = min((self.today - day).days, HORIZON + 1)
        return _counted(self.seed, _identity(asked), asked.breakdowns, day, age, hour)


def _border(day: date) -> datetime:
    return datetime.combine(day, time.min, BORDER)


def _identity(asked: AppQuestion) -> str:
    return f"{asked.app_id}/{asked.metric}/{asked.event_name}/{asked.ecosystem}"


def _window(asked: AppQuestion) -> int:
    """Return how many intervals a point sums: `intervals_to_aggregate`, ending with its own, or the metric's days."""
    rolling = max(WINDOWS.get(asked.metric, 1), WINDOWS.get(asked.aggregation, 1))
    return max(asked.intervals, rolling if asked.period == "daily" else 1)


def _base(seed: int, asked: AppQuestion) -> int:
    return 200 + draw(seed, _identity(asked), "base") % 5000


@lru_cache(maxsize=200_000)
def _total(seed: int, identity: str, day: date, age: int) -> int:
    """Return what a day counts when it is `age` days old; less while it is running."""
    base = 200 + draw(seed, identity, "base") % 5000
    whole = base * (70 + draw(seed, identity, day) % 60) // 100
    changes = [n for n in range(2, min(age, HORIZON) + 1) if draw(seed, identity, day, n, "restated") % 2]
    whole += len(changes) * (1 + draw(seed, identity, day, "late") % 50)
    return whole // 3 if age == 0 else whole


@lru_cache(maxsize=200_000)
def _counted(
    seed: int, identity: str, breakdowns: tuple[str, ...], day: date, age: int, hour: int | None
) -> tuple[int, ...]:
    """Return the count of each cell; cells sum to the day, hours to their day's cell."""
    cells = split(_total(seed, identity, day, age), _bounds(seed, identity, breakdowns), draw(seed, identity, day))
    if hour is None:
        return tuple(cells)
    weights = tuple(range(_HOURS + 1))
    return tuple(split(cell, weights, draw(seed, identity, day, at))[hour] for at, cell in enumerate(cells))


@lru_cache(maxsize=1_000)
def _bounds(seed: int, identity: str, breakdowns: tuple[str, ...]) -> tuple[int, ...]:
    """Return the cumulative weights of the cells; every third cell is a small one."""
    total = [0]
    for at in range(len(_cells(breakdowns))):
        weight = draw(seed, identity, breakdowns, at) % (1000 if at % 3 else 8)
        total.append(total[-1] + weight + (at == 0))
    return tuple(total)


@lru_cache(maxsize=1_000)
def _cells(breakdowns: tuple[str, ...]) -> tuple[Cell, ...]:
    """Return every combination of breakdown values; without breakdowns there is one, the empty one."""
    values = [VALUES.get(name, ("one", "two")) for name in breakdowns]
    return tuple(tuple(zip(breakdowns, found, strict=True)) for found in product(*values))


def _shown(name: str, value: str, count: int) -> str:
    """Return a breakdown's value; a country with too few is redacted (5.5)."""
    return REDACTED if name == "country" and count < _TOO_FEW else value


def _text(asked: AppQuestion, count: int) -> str:
    """Return a value as a numeric text."""
    kind = nature(asked.metric, asked.aggregation)
    if kind == MONEY:
        cents = count * (107 if asked.aggregation == "USD_SUM" else 100) + count % 97
        return f"{cents // 100}.{cents % 100:02}"
    if kind == RATE:
        return str((Decimal(count % 997) / 7).quantize(_EIGHT))
    return str(-(-count * 3 // 5)) if kind == ROLLING else str(count)
