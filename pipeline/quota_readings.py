"""Owns which readings of quotas are worth remembering: a curve of a day needs few points."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.pace.quotas import Quota

POINTS = 5.0
"""A reading is worth keeping when the utilisation moved by so many percent ..."""
SOONEST = timedelta(minutes=1)
"""... no sooner than this after the last one ..."""
LATEST = timedelta(minutes=15)
"""... or when the last one is older than this."""


@dataclass(slots=True)
class QuotaReadings:
    """The readings that are worth keeping and not yet written down. The governor calls it with every reading."""

    _last: dict[Quota, tuple[datetime, float]] = field(default_factory=dict)
    _unsaved: list[tuple[str, datetime, float]] = field(default_factory=list)

    def __call__(self, quota: Quota, at: datetime, utilisation: float) -> None:
        """Takes one reading in."""
        if is_worth_keeping(self._last.get(quota), at, utilisation):
            self._last[quota] = (at, utilisation)
            self._unsaved.append((str(quota), at, utilisation))

    def taken(self) -> list[tuple[str, datetime, float]]:
        """What came since the last time, oldest first."""
        found, self._unsaved = self._unsaved, []
        return found


def is_worth_keeping(last: tuple[datetime, float] | None, at: datetime, utilisation: float) -> bool:
    """Whether a reading says something that the last kept one did not: a curve of a day needs few points."""
    if last is None:
        return True
    age = at - last[0]
    return age >= LATEST or (age >= SOONEST and abs(utilisation - last[1]) >= POINTS)
