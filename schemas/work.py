"""Owns the values that travel between the rooms: slices, their places, what was landed. Small and frozen."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from schemas.periods import Period, State

ONE_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, order=True)
class SliceId:
    """One slice: a report or table, whose data, and where it starts (local wall time; None for objects)."""

    table: str
    scope: str
    start: datetime | None

    @classmethod
    def of_day(cls, table: str, scope: str, day: date) -> "SliceId":
        """The slice of `table` that starts with `day`."""
        return cls(table, scope, datetime.combine(day, time.min))

    def __str__(self) -> str:
        return f"{self.table} {self.scope} {self.begins or 'current'}"

    @property
    def begins(self) -> str:
        """Where it starts, as people read it: a day, or a day with its hour; empty for objects."""
        return self.start.strftime("%Y-%m-%dT%H:%M").removesuffix("T00:00") if self.start else ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a slice's files lie in the lake, and which rows of its tables are its own.

    A file lies at `lake/<table>/<folder>/<stem>.parquet`, `folder` being `name=value` pairs. The slice's rows are
    those whose partition columns hold these values and, with `within`, whose column `within[0]` lies from `within[1]`
    up to, not including, `within[2]`: days, or hours as local wall time; where several questions share a folder, those
    whose columns hold `where` too. The parts of an hour lie side by side under stems of their own; any of their places
    tells which rows are the hour's.
    """

    folders: tuple[tuple[str, str], ...]
    stem: str
    within: tuple[str, date, date] | tuple[str, datetime, datetime] | None = None
    where: tuple[tuple[str, str], ...] = ()

    @property
    def folder(self) -> str:
        """The folders of the path, as hive partitioning writes them."""
        return "/".join(f"{name}={value}" for name, value in self.folders)

    @property
    def shape(self) -> tuple[object, ...]:
        """What tells its rows from others, apart from the values: places of one shape are looked up alike."""
        named = tuple(name for name, _ in (*self.folders, *self.where))
        return (named, self.within and self.within[0])


def day_place(owner: str, owner_id: str, whole: Period) -> Place:
    """The place of a slice of facts: one file per table, named after the slice's first day."""
    return Place(((owner, owner_id),), whole.start.isoformat(), ("date_start", whole.start, whole.end))


def hour_place(folders: tuple[tuple[str, str], ...], hour: datetime, stem: str) -> Place:
    """The place of a part of an hour: one file among others, named after the hour (local wall time) and the part."""
    return Place(folders, f"{hour:%H}-{stem}", ("hour", hour, hour + ONE_HOUR))


def current_place(owner: str, owner_id: str) -> Place:
    """The place of a table of objects of one owner: one file, rewritten whole."""
    return Place(((owner, owner_id),), "current")


@dataclass(frozen=True, slots=True)
class Owner:
    """What a table belongs to: a report or a family's table, with the hash of its grain and that of its definition."""

    report: str
    grain: str
    definition: str


@dataclass(frozen=True, slots=True)
class Origin:
    """When and by what rows were read: `as_of` is when Meta was asked, `fetched_at` when we had read the answer."""

    as_of: datetime
    fetched_at: datetime
    run_id: str
    definition: str


@dataclass(frozen=True, slots=True)
class SliceRecord:
    """A slice as the ledger and a footer remember it. `end` is the end asked for, exclusive, local wall time."""

    id: SliceId
    end: datetime | None
    time_zone: str
    state: State
    rows: int
    as_of: datetime | None
    fetched_at: datetime | None
    run_id: str
    definition: str
    reason: str = ""
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class SliceFile:
    """One Parquet file of a slice: the table whose rows it holds, its path in the lake, and what its rows add up to.

    `fingerprint` is the same for the same rows in any order; it leaves `fetched_at` and `run_id` aside.
    """

    table: str
    path: str
    rows: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Written:
    """A file of a slice that is written and safe on disk, but not yet in its place. Paths are relative to the lake."""

    file: SliceFile
    temporary: str


@dataclass(frozen=True, slots=True)
class Ready:
    """A slice that is ready to land: its record, its place, the files to put there, and those to take away.

    `final` says that this read makes the slice final; such a read lands even if nothing changed. `joins`: the files are
    a part of the slice, they join those that it has already, and the record speaks of all of them.
    """

    record: SliceRecord
    place: Place
    files: tuple[Written, ...]
    removed: tuple[str, ...] = ()
    final: bool = False
    joins: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a slice gave nothing, in the words of `load --json`."""

    table: str
    scope: str
    slice: str
    error: str
    remedy: str
    code: int | None = None
    subcode: int | None = None
    fbtrace_id: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one slice in a run; `unchanged`: it landed by finding what lay there already."""

    state: State
    rows: Mapping[str, int] = field(default_factory=dict)
    quarantined: int = 0
    unchanged: bool = False


@dataclass(slots=True)
class Totals:
    """What a run has done so far. A slice that is landed twice, as objects read by id are, counts once."""

    outcomes: dict[SliceId, Outcome] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    @property
    def slices(self) -> dict[str, int]:
        """The counts of slices as `load --json` prints them."""
        counts = Counter(outcome.state for outcome in self.outcomes.values())
        others = State.EMPTY, State.FAILED, State.LOST, State.SKIPPED
        return {
            "landed": len(self.outcomes) - sum(counts[state] for state in others),
            "failed": counts[State.FAILED],
            "empty": counts[State.EMPTY],
            "skipped": counts[State.SKIPPED],
            "lost": counts[State.LOST],
            "unchanged": sum(outcome.unchanged for outcome in self.outcomes.values()),
        }

    @property
    def rows(self) -> dict[str, int]:
        """Rows that landed, per table."""
        counts: Counter[str] = Counter()
        for outcome in self.outcomes.values():
            counts.update(outcome.rows)
        return dict(sorted(counts.items()))

    @property
    def quarantined(self) -> int:
        """Cells and rows that went to quarantine."""
        return sum(outcome.quarantined for outcome in self.outcomes.values())
