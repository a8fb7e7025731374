"""Owns what a slice's cell shows: its mark, and the worst mark where a cell stands for several. Pure."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from schemas.periods import State


class Mark(StrEnum):
    """What a cell of a heat map says; the order is from what wants a look first to what is done with."""

    FAILED = "failed"
    LOST = "lost"
    PARTIAL = "partial"
    SKIPPED = "skipped"
    NEVER = "never asked"
    DUE = "due"
    UNKNOWN = "unknown"
    LANDED = "landed"
    FINAL = "final"


LETTERS: Mapping[Mark, str] = MappingProxyType(
    {
        Mark.FAILED: "F",
        Mark.LOST: "L",
        Mark.PARTIAL: "P",
        Mark.SKIPPED: "S",
        Mark.NEVER: "–",
        Mark.DUE: "d",
        Mark.UNKNOWN: "?",
        Mark.LANDED: "•",
        Mark.FINAL: "",
    }
)
"""What a cell shows besides its colour: nobody has to tell colours apart."""

MEANINGS: Mapping[Mark, str] = MappingProxyType(
    {
        Mark.FINAL: "landed, and read so late that Meta no longer changes it",
        Mark.LANDED: "landed; it may still be restated and is read again",
        Mark.DUE: "landed before today; it is read again at the next load",
        Mark.UNKNOWN: "no rows under a breakdown that needs an opt-in: unknown, not zero",
        Mark.NEVER: "wanted, and not asked for yet",
        Mark.SKIPPED: "not asked for on purpose",
        Mark.PARTIAL: "landed with a hole, or the day is not over",
        Mark.LOST: "left Meta's window before it was whole",
        Mark.FAILED: "the last attempt gave nothing",
    }
)
"""The legend, the best first."""

AMISS = (Mark.FAILED, Mark.LOST, Mark.PARTIAL, Mark.SKIPPED)
"""Marks that somebody may have to do something about."""

_ORDER = {mark: place for place, mark in enumerate(Mark)}
_AS_THEY_ARE = {
    State.FAILED: Mark.FAILED,
    State.LOST: Mark.LOST,
    State.PARTIAL: Mark.PARTIAL,
    State.SKIPPED: Mark.SKIPPED,
    State.UNKNOWN: Mark.UNKNOWN,
}


def mark_of(state: State | None, *, final: bool = False, due: bool = False) -> Mark:
    """The mark of one slice; `state` is None where nothing is known of it."""
    if state is None:
        return Mark.NEVER
    if state in _AS_THEY_ARE:
        return _AS_THEY_ARE[state]
    if final:
        return Mark.FINAL
    return Mark.DUE if due else Mark.LANDED


def worst(marks: Iterable[Mark]) -> Mark:
    """The mark of a cell that stands for several slices, one at least."""
    return min(marks, key=_ORDER.__getitem__)


def in_order(counts: Mapping[Mark, int]) -> list[tuple[Mark, int]]:
    """The marks that there are, the best first, with their counts."""
    return [(mark, counts[mark]) for mark in MEANINGS if counts.get(mark)]
