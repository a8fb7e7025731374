"""Owns how a column and a table are declared; refuses to know any particular one.

One declaration drives everything: the Arrow type and the DuckDB type of a column follow from its `Kind`,
the comments that a SQL client shows and the documentation follow from its words.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a column holds; the value is its DuckDB type.

    `MONEY` and `AMOUNT` have six decimals; more than six land rounded half-even and are kept raw in `meta.quarantine`.
    """

    TEXT = "VARCHAR"
    COUNT = "BIGINT"
    MONEY = "DECIMAL(18,6)"
    AMOUNT = "DECIMAL(38,6)"
    RATIO = "DOUBLE"
    FLAG = "BOOLEAN"
    DAY = "DATE"
    LOCAL_TIME = "TIMESTAMP"
    INSTANT = "TIMESTAMPTZ"
    JSON = "JSON"
    NUMBERS = "DOUBLE[]"


@dataclass(frozen=True, slots=True)
class Column:
    """One column, named as the API names it.

    `path` leads to the value inside a row where that is not the column's own name (`("creative", "id")`).
    `quotient` marks amounts that the API computes by division: more than six decimals are then expected, and
    rounding them is not reported. `source` is the page or section that says so.
    """

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    source: str = ""
    path: tuple[str, ...] = ()
    quotient: bool = False

    @property
    def where(self) -> tuple[str, ...]:
        """The path to the value inside one row of a reply."""
        return self.path or (self.name,)

    @property
    def comment(self) -> str:
        """What a SQL client shows beside the column."""
        return f"{self.meaning} [{self.unit}]" if self.unit else self.meaning


@dataclass(frozen=True, slots=True)
class Table:
    """A set of columns with a key; the same in the lake and in the warehouse.

    `partition` names the columns that stand in the lake's folder names instead of in the files, outermost first.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        twice = {name for name in names if names.count(name) > 1}
        missing = {*self.key, *self.partition} - set(names)
        if twice or missing:
            raise ValueError(f"table {self.name}: declared twice {sorted(twice)}, key without column {sorted(missing)}")

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def __contains__(self, name: str) -> bool:
        return any(column.name == name for column in self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Every column's name, in declared order."""
        return tuple(column.name for column in self.columns)

    @property
    def in_files(self) -> tuple[Column, ...]:
        """The columns that stand inside the lake's files: all but the partition columns."""
        return tuple(column for column in self.columns if column.name not in self.partition)

    def without_origin(self) -> Iterator[Column]:
        """The columns in files that say what was read, apart from when and by which run."""
        return (column for column in self.in_files if column.name not in ORIGIN_NAMES)


FETCHED_AT = Column("fetched_at", Kind.INSTANT, "When these values were read from the API")
RUN_ID = Column("run_id", Kind.TEXT, "The run of this pipeline that read them; joins to meta.runs")
ORIGIN = (FETCHED_AT, RUN_ID)
ORIGIN_NAMES = frozenset(column.name for column in ORIGIN)


def merged(known: Iterable[Column], declared: Iterable[Column]) -> tuple[Column, ...]:
    """The columns of a table that has a past: the declared ones first, then those only older files have.

    Raises:
        ValueError: A column changed its kind; the old files could not be read beside the new ones.
    """
    present = {column.name: column for column in declared}
    past = {column.name: column for column in known}
    changed = sorted(n for n in present.keys() & past.keys() if present[n].kind is not past[n].kind)
    if changed:
        raise ValueError(f"columns changed their type: {', '.join(changed)}")
    origin = [present.pop(name) for name in tuple(ORIGIN_NAMES & present.keys())]
    older = [column for name, column in past.items() if name not in present and name not in ORIGIN_NAMES]
    return (*present.values(), *older, *sorted(origin, key=lambda column: column.name))


def as_data(columns: Iterable[Column]) -> list[dict[str, object]]:
    """Columns as plain data, to be kept in the ledger."""
    return [
        {
            "name": c.name,
            "kind": c.kind.name,
            "meaning": c.meaning,
            "unit": c.unit,
            "source": c.source,
            "path": list(c.path),
            "quotient": c.quotient,
        }
        for c in columns
    ]


def from_data(columns: Iterable[Mapping[str, object]]) -> tuple[Column, ...]:
    """The columns that `as_data` wrote."""
    return tuple(
        Column(
            name=str(c["name"]),
            kind=Kind[str(c["kind"])],
            meaning=str(c["meaning"]),
            unit=str(c["unit"]),
            source=str(c["source"]),
            path=tuple(str(step) for step in c["path"]),  # type: ignore[attr-defined]  # as_data wrote a list
            quotient=bool(c["quotient"]),
        )
        for c in columns
    )
