"""Owns what the page says of quotas: as they are, and as they were over the day, as a curve of steps."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pipeline.ledger import Ledger

DAY = timedelta(days=1)
MINUTES = 1440
"""The width of a curve: a unit is a minute."""
HIGHEST = 100.0
MOST_QUOTAS = 60

Point = tuple[datetime, float]


@dataclass(frozen=True, slots=True)
class QuotaLine:
    """One quota: its readings of the last day, and until when it is closed."""

    quota: str
    points: tuple[Point, ...]
    closed_until: datetime | None
    now: datetime

    @property
    def owner(self) -> str:
        """`app`, or the account's digits."""
        return self.quota.partition("/")[0]

    @property
    def kind(self) -> str:
        """What it counts, such as `insights`."""
        return self.quota.partition("/")[2]

    @property
    def last(self) -> Point | None:
        """The newest reading."""
        return self.points[-1] if self.points else None

    @property
    def peak(self) -> float:
        """The highest reading of the day, in percent."""
        return max((utilisation for _, utilisation in self.points), default=0.0)

    @property
    def curve(self) -> str:
        """The readings as the points of a line of steps: a level holds until the next reading, and no longer than now.

        In units of a drawing that is `MINUTES` wide, now at the right, and 100 high, nothing used at the bottom.
        """
        return steps(self.points, self.now)


def steps(points: Sequence[Point], now: datetime) -> str:
    """See `QuotaLine.curve`."""
    corners: list[tuple[float, float]] = []
    for at, utilisation in points:
        x = round(min(float(MINUTES), max(0.0, MINUTES - (now - at).total_seconds() / 60)), 1)
        y = round(HIGHEST - min(HIGHEST, max(0.0, utilisation)), 1)
        corners += [(x, corners[-1][1]), (x, y)] if corners else [(x, y)]
    if corners:
        corners.append((float(MINUTES), corners[-1][1]))
    return " ".join(f"{x:g},{y:g}" for x, y in corners)


def quota_lines(
    readings: Iterable[Mapping[str, Any]], deadlines: Iterable[tuple[str, datetime]], now: datetime
) -> list[QuotaLine]:
    """Every quota that was read or closed in the last day: the closed ones first, then by their peak."""
    points: dict[str, list[Point]] = {}
    for row in readings:
        points.setdefault(row["quota"], []).append((datetime.fromisoformat(row["read_at"]), row["utilisation"]))
    closed = {quota: until for quota, until in deadlines if until > now}
    lines = [QuotaLine(name, tuple(points.get(name, ())), closed.get(name), now) for name in {*points, *closed}]
    return sorted(lines, key=lambda line: (line.closed_until is None, -line.peak, line.quota))


def of_the_day(ledger: Ledger, now: datetime) -> tuple[list[QuotaLine], int]:
    """The quotas of the last day that are closed or were highest, and how many more were read."""
    peaks = [quota for quota, _ in ledger.quota_peaks(now - DAY)]
    shown = list(dict.fromkeys([*(line.quota for line in closed_now(ledger, now)), *peaks]))[:MOST_QUOTAS]
    readings = [row for quota in shown for row in ledger.readings(now - DAY, quota, quota)]
    lines = quota_lines(readings, [pair for pair in ledger.deadlines() if pair[0] in shown], now)
    return lines, len({*peaks, *shown}) - len(shown)


def of_owner(ledger: Ledger, now: datetime, owner: str) -> list[QuotaLine]:
    """The quotas of one account over the last day."""
    readings = ledger.readings(now - DAY, f"{owner}/", f"{owner}/~")
    deadlines = [pair for pair in ledger.deadlines() if pair[0].startswith(f"{owner}/")]
    return quota_lines(readings, deadlines, now)


def closed_now(ledger: Ledger, now: datetime) -> list[QuotaLine]:
    """The quotas on which nothing is sent now; without their readings."""
    return quota_lines((), ledger.deadlines(), now)
