"""Owns which hourly reports exist at a moment: when each arrives, in how many parts, which are late, partial or lost.

Hours are named by the wall clock of Los Angeles (graph-api.md 4.3). A day arrives as a whole about nine hours after its
end, save the hours that are late; what is asked for reaches back fifteen days (4.1). Everything follows from the seed,
the scenario and the moment asked about; nothing is remembered.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sandbox.brand_safety_scenario import Placed, SafetyScenario
from sandbox.digest import draw, share

PACIFIC = ZoneInfo("America/Los_Angeles")
LABEL = "%Y-%m-%dT%H:00"
WINDOW_DAYS = 15
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hour:
    """One hourly report; `owner` is the business whose files it has, or an ad set, or '' for a placement's ranges."""

    owner: str
    platform: str
    position: str
    starts: datetime
    """In UTC."""

    @property
    def label(self) -> str:
        """Return the hour as Meta names it."""
        return self.starts.astimezone(PACIFIC).strftime(LABEL)

    @property
    def placed(self) -> Placed:
        """Return what a scenario's rules select by."""
        return {
            "business": self.owner,
            "platform": self.platform,
            "position": self.position,
            "datetime": self.label,
        }

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Return what its draws follow from."""
        return (self.owner, self.platform, self.position, self.starts.isoformat())


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of an hour; a moment of None never comes."""

    arrives: datetime | None
    complete: datetime | None
    """When every part is listed."""
    vanishes: datetime | None
    parts: int
    lines: int
    """About so many in a part."""
    exact: bool
    """True when every part has exactly so many lines."""

    def is_there(self, moment: datetime) -> bool:
        """Tell whether the hour has come and not vanished."""
        return self.arrives is not None and self.arrives <= moment and (self.vanishes is None or moment < self.vanishes)

    def listed(self, moment: datetime) -> int:
        """Return how many parts a listing shows."""
        if not self.is_there(moment):
            return 0
        whole = self.complete is not None and self.complete <= moment
        return self.parts if whole else self.parts // 2


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large hours are unless a scenario says so."""

    seed: int
    lines: int
    parts: int


def hour_starting(label: datetime, zone: ZoneInfo = PACIFIC) -> datetime | None:
    """Return the moment in UTC at which a wall-clock hour begins; None for one that a change of clocks leaves out."""
    starts = label.replace(tzinfo=zone).astimezone(UTC)
    return starts if starts.astimezone(zone).replace(tzinfo=None) == label else None


def hours_of(day: date, owner: str, platform: str, position: str) -> Iterator[Hour]:
    """Yield the hours of a day in Los Angeles; a repeated hour counts once, being named once."""
    for number in range(24):
        starts = hour_starting(datetime(day.year, day.month, day.day, number))  # noqa: DTZ001 - a wall clock's hour
        if starts is not None:
            yield Hour(owner, platform, position, starts)


def day_arrives(day: date, platform: str, position: str, seed: int) -> datetime:
    """Return when a day's report comes: between 8 and 10 hours after the day's end."""
    end = datetime(day.year, day.month, day.day, tzinfo=PACIFIC) + _DAY
    minutes = 8 * 60 + draw(seed, "arrives", platform, position, day) % 120
    return end.astimezone(UTC) + timedelta(minutes=minutes)


def fate(hour: Hour, sizes: Sizes, scenario: SafetyScenario) -> Fate:
    """Return what becomes of an hour, by its draws and then by the scenario's rules."""
    day = hour.starts.astimezone(PACIFIC).date()
    placement = (hour.platform, hour.position, hour.label)
    told = scenario.of_hour(hour.placed)
    arrives: datetime | None = day_arrives(day, hour.platform, hour.position, sizes.seed)
    chance = share(sizes.seed, "fate", *placement)
    shares = scenario.shares
    if told.get("lost", chance < shares["lost"] and "arrives" not in told):
        arrives = None
    elif "arrives" in told:
        arrives = told["arrives"]
    elif arrives is not None and chance < shares["lost"] + shares["late"]:
        arrives += timedelta(hours=2 + draw(sizes.seed, "late", *placement) % 70)
    return Fate(
        arrives,
        _complete(hour, arrives, sizes, scenario),
        told.get("vanishes"),
        _parts(hour, sizes, scenario),
        int(told.get("lines", scenario.lines or sizes.lines)),
        exact="lines" in told or scenario.lines is not None,
    )


def _complete(hour: Hour, arrives: datetime | None, sizes: Sizes, scenario: SafetyScenario) -> datetime | None:
    told = scenario.of_hour(hour.placed)
    if arrives is None or "complete" in told:
        return told.get("complete") if arrives is not None else None
    partial = share(sizes.seed, "partial", *hour.key) < scenario.shares["partial"]
    return arrives + timedelta(hours=3) if partial else arrives


def _parts(hour: Hour, sizes: Sizes, scenario: SafetyScenario) -> int:
    told = scenario.of_hour(hour.placed)
    if "parts" in told:
        return int(told["parts"])
    if share(sizes.seed, "empty", *hour.key) < scenario.shares["empty"]:
        return 0
    if scenario.parts is not None:
        return scenario.parts
    return 1 + draw(sizes.seed, "parts", *hour.key) % max(1, 2 * sizes.parts - 1)


@dataclass(frozen=True, slots=True)
class Range:
    """What endpoint (a) tells of a placement; labels as Meta names hours."""

    earliest: date
    latest: date
    missing: tuple[Hour, ...]

    @property
    def first(self) -> str:
        """Return the first hour's label."""
        return f"{self.earliest}T00:00"

    @property
    def last(self) -> str:
        """Return the last hour's label."""
        return f"{self.latest}T23:00"


def earliest_day(moment: datetime) -> date:
    """Return the first day that can be asked for."""
    return moment.astimezone(PACIFIC).date() - timedelta(days=WINDOW_DAYS)


def available(platform: str, position: str, moment: datetime, sizes: Sizes, scenario: SafetyScenario) -> Range:
    """Return the range of a placement's hours and those inside that have not come."""
    earliest = earliest_day(moment)
    latest = moment.astimezone(PACIFIC).date() - _DAY
    if day_arrives(latest, platform, position, sizes.seed) > moment:
        latest -= _DAY
    days = (earliest + timedelta(days=number) for number in range((latest - earliest).days + 1))
    hours = (hour for day in days for hour in hours_of(day, "", platform, position))
    missing = tuple(hour for hour in hours if not fate(hour, sizes, scenario).is_there(moment))
    return Range(earliest, latest, missing)
