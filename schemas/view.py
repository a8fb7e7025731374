"""Owns how a view for analysts is declared: made anew at every publication in which all that it needs is there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class View:
    """A named question over tables of the warehouse. `select` is its statement, `needs` the tables that it reads.

    `needs` may also name columns (`table.column`) that not every configuration brings; of several views of one name
    the first whose needs are there is made. `columns` gives the meaning of its columns, which SQL clients show; those
    that are left out go without.
    """

    name: str
    meaning: str
    select: str
    needs: tuple[str, ...]
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LandedViews:
    """Views that follow from what has landed: `ask` is asked of the tables `needs`, and `make` names them by its rows.

    The warehouse alone decides, no memory beside it: a warehouse that is built whole from the lake has the same views.
    """

    needs: tuple[str, ...]
    ask: str
    make: Callable[[Sequence[tuple[Any, ...]]], Sequence[View]]
