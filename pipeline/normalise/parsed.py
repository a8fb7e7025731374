"""Owns what both paths agree on: the rows of some pages, taken apart into columns of text, not yet typed."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa


@dataclass(slots=True)
class Elements:
    """The elements of one list metric: for each, the row it stands in and its texts."""

    metric: str
    parents: pa.Array
    cells: dict[str, pa.Array]
    histogram: pa.Array | None = None
    extra: pa.Array | None = None


@dataclass(frozen=True, slots=True)
class Aside:
    """A cell, or without `column` a whole row, that could not be typed; `row` is the index of its row among the facts.

    `within` adds to the row's key what tells the cell apart in a long table: the metric, the action breakdowns.
    """

    table: str
    column: str | None
    raw: str
    reason: str
    row: int | None = None
    within: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Parsed:
    """Rows taken apart. Every array has `rows` entries; `cells` and `structures` hold text or NULL.

    `unknown` counts what no column declares; `scalars` are those of them that were only ever texts.
    """

    rows: int
    cells: dict[str, pa.Array]
    structures: dict[str, pa.Array] = field(default_factory=dict)
    actions: list[Elements] = field(default_factory=list)
    results: list[Elements] = field(default_factory=list)
    extra: pa.Array | None = None
    aside: list[Aside] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)
    scalars: set[str] = field(default_factory=set)
