"""Owns how a past day changes with the moment of asking: which ages of a day bring a revision, and to what."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from sandbox.digest import draw

HORIZON = 28
"""Days after which nothing changes any more (graph-api.md 2.3, freshness)."""

_EARLY = 3
_EARLY_PERCENT = 50
_LATE_PERCENT = 8


@dataclass(frozen=True, slots=True)
class Revision:
    """What is known of a day: whether it is still running, and how often its numbers were restated."""

    partial: bool
    early: int
    """Restatements of delivery itself, in the first three days."""
    total: int
    """Restatements of conversions, early ones included."""


@lru_cache(maxsize=50_000)
def revision(seed: int, account_id: str, day: date, as_of: date) -> Revision | None:
    """Return the state of `day` when asked on the account's day `as_of`; None before it began.

    A function of both days alone: every moment of one account-local day sees the same numbers, and on most later
    days nothing changed.
    """
    age = (as_of - day).days
    if age < 0:
        return None
    changes = [number for number in range(2, min(age, HORIZON) + 1) if _changes(seed, account_id, day, number)]
    early = sum(1 for number in changes if number <= _EARLY)
    return Revision(partial=age == 0, early=early, total=len(changes))


def _changes(seed: int, account_id: str, day: date, age: int) -> bool:
    percent = _EARLY_PERCENT if age <= _EARLY else _LATE_PERCENT
    return draw(seed, "restated", account_id, day, age) % 100 < percent
