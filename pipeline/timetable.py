"""Owns what the standing process does next, and when: from routines, the ledger's past and one `now`. Pure.

Nothing is remembered but what the ledger holds: a night that was missed is due because no run of it followed its ring.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schemas.periods import ONE_DAY, today_in

HOUR = timedelta(hours=1)
PUBLISH_EVERY = timedelta(minutes=15)
TRY_AGAIN = timedelta(minutes=15)
"""After a run that broke (a full disk, a server that is gone) its routine rests so long."""
PATIENCE = timedelta(minutes=10)
"""So long a due routine lets a piece of a backfill end by itself; then the piece is stopped, and taken up again."""


HOURLY = frozenset({"brand_safety"})
BORDER = "Etc/GMT+8"
"""App insights count days in GMT-8 all year (graph-api.md 5); in POSIX names that is `GMT+8`."""


@dataclass(frozen=True, slots=True)
class Routine:
    """A load that comes again and again: daily `at` a local time of `zone`, or with `at` None at every full hour.

    Its name is the command of its runs in the ledger. `accounts` narrow it; empty: all.
    """

    name: str
    tables: tuple[str, ...]
    accounts: tuple[str, ...] = ()
    zone: str = "UTC"
    at: time | None = None

    @property
    def period(self) -> timedelta:
        """About the time from one ring to the next."""
        return HOUR if self.at is None else ONE_DAY

    def last_ring(self, now: datetime) -> datetime:
        """The newest moment up to `now` at which it was to begin."""
        return max(ring for ring in self._around(now) if ring <= now)

    def next_ring(self, now: datetime) -> datetime:
        """The first moment after `now` at which it is to begin."""
        return min(ring for ring in self._around(now) if ring > now)

    def _around(self, now: datetime) -> list[datetime]:
        """The rings near `now`, in UTC.

        One for each local day, whatever its clocks do: `fold=0` reads a time that is skipped with the offset from
        before the change, so it rings as late as it would have without one, and takes the first of two that are alike.
        """
        if self.at is None:
            hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            return [hour, hour + HOUR]
        zone, today = ZoneInfo(self.zone), today_in(self.zone, now)
        days = (today + ONE_DAY * step for step in range(-2, 3))
        return [datetime.combine(day, self.at, zone).astimezone(UTC) for day in days]


def routines(
    own: Sequence[str], zones: Mapping[str, str], families: Mapping[str, Sequence[str]], at: time
) -> list[Routine]:
    """The routines of a configuration.

    `own` are the tables of ads insights and ad objects: each zone's accounts are loaded in their own night; `zones` are
    those of the accounts that are known. While none is, one load finds them. Of the other families, by name with their
    tables, brand safety is looked at every hour; the rest at night, by the border of days that app insights counts in.
    """
    found = [
        Routine(f"nightly {zone}", tuple(own), tuple(name for name in zones if zones[name] == zone), zone, at)
        for zone in sorted(set(zones.values()))
        if own
    ]
    if own and not zones:
        found.append(Routine("nightly", tuple(own), at=at))
    for name, tables in families.items():
        hourly = name in HOURLY
        found.append(
            Routine(f"{'hourly' if hourly else 'daily'} {name}", tuple(tables), (), BORDER, None if hourly else at)
        )
    return found


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest run of a routine that was not interrupted; `broke`: it ended in an error of ours or the machine's."""

    started_at: datetime
    broke: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """What the ledger remembers: the last run of each routine, what is published since when, what was asked for.

    `requests` are those not yet carried out, oldest first.
    """

    last: Mapping[str, LastRun] = field(default_factory=dict)
    landed: int = 0
    published: int = 0
    published_at: datetime | None = None
    requests: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done from `at` on: a routine's load, a piece of a request (its number), or else a publication."""

    at: datetime
    routine: Routine | None = None
    request: int | None = None


def next_step(routines: Sequence[Routine], past: Past, now: datetime) -> Step | None:
    """The one thing to do next; its `at` lies in the past or is `now` if it is due. None: nothing will ever be.

    A publication goes first, it is short and comes four times an hour at most; then the routine that waits longest;
    a piece of a request only when nothing else is due.
    """
    steps = [*_publication(past, now), *loads(routines, past, now)]
    due = [step for step in steps if step.at <= now]
    if due:
        return due[0]
    if past.requests:
        last = past.last.get("backfill")
        steps.append(Step(last.started_at + TRY_AGAIN if last and last.broke else now, request=past.requests[0]))
    return min(steps, key=lambda step: step.at, default=None)


def loads(routines: Iterable[Routine], past: Past, now: datetime) -> list[Step]:
    """When each routine is due, the one that waits longest first."""
    steps = [Step(due_at(routine, past.last.get(routine.name), now), routine) for routine in routines]
    return sorted(steps, key=lambda step: (step.at, step.routine.name if step.routine else ""))


def due_at(routine: Routine, last: LastRun | None, now: datetime) -> datetime:
    """The moment from which a routine is due: in the past if it is due now.

    A run that began later than `now` was begun under a clock that has been set back. Up to one period it is believed,
    so that a corrected clock repeats no night; beyond, it would silence the routine, and is not.
    """
    ring = routine.last_ring(now)
    if last is None or last.started_at - now > routine.period:
        return ring
    if last.broke:
        return max(ring, last.started_at + TRY_AGAIN)
    return ring if last.started_at < ring else routine.next_ring(max(now, last.started_at))


def _publication(past: Past, now: datetime) -> list[Step]:
    """A publication, if something landed that is not published; one under a clock that ran ahead delays nothing."""
    if past.landed <= past.published:
        return []
    at = past.published_at
    return [Step(now if at is None or at > now else at + PUBLISH_EVERY)]
