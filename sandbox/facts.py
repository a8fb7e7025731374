"""Owns the shape of delivery: what a source of facts answers and what a row's numbers look like before printing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol, TypeVar

from sandbox.figures import Number

C = TypeVar("C")
Windows = dict[str, Number]
Values = tuple[str | None, ...]
"""The values of the breakdown columns, in their order; None where the API forgets the key."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One element of a list metric: its labels (action_type, ...) and a number for each window, `value` first."""

    labels: Mapping[str, str]
    windows: Windows


@dataclass(frozen=True, slots=True)
class Measures:
    """The numbers of one row from which all others follow; what is zero is absent."""

    scalars: Mapping[str, Number] = field(default_factory=dict)
    lists: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    verbatim: Mapping[str, Any] = field(default_factory=dict)
    """JSON values to print as they stand."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a source must know to sum cells up: the action split, the wanted names, and who the row is."""

    action_breakdowns: tuple[str, ...]
    wanted: frozenset[str]
    row_key: tuple[str, ...] = ()


class FactSource(Protocol[C]):
    """Answers what was delivered; the same question always has the same answer."""

    def days(self, ad_id: str) -> tuple[date, date] | None:
        """Return the first and last day on which the ad can have delivered; None for never."""
        ...

    def cells(self, ad_id: str, day: date, as_of: date, columns: tuple[str, ...]) -> Sequence[tuple[Values, C]]:
        """Return the ad's delivery on its account's `day` as known on the account's day `as_of`, split by columns."""
        ...

    def measures(self, cells: Sequence[C], ask: Ask) -> Measures:
        """Sum cells up to one row's numbers."""
        ...
