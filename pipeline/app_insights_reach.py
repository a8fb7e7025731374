"""Owns how many days of app insights one call asks for: the longest until it is refused, then what the API answers."""

from datetime import date, timedelta

from pipeline.sizes import Notes

LONGEST_DAYS = 366
"""Days that one call asks for to begin with; no page names a limit, so a refusal tells it."""
AGAIN_AFTER = timedelta(days=30)
"""After so long the longest is tried again."""


class Reach:
    """What was answered, per scope, from one load to the next."""

    def __init__(self, notes: Notes, today: date) -> None:
        self._notes = notes
        self._today = today

    def days(self, scope: str) -> int:
        """Days that a call of this scope may ask for."""
        noted = self._notes.note(_name(scope))
        if noted is None or date.fromisoformat(noted["since"]) + AGAIN_AFTER <= self._today:
            return LONGEST_DAYS
        return int(noted["days"])

    def refused(self, scope: str, days: int) -> None:
        """So many days were too many."""
        half = max(1, min(days, self.days(scope)) // 2)
        self._notes.save_note(_name(scope), {"days": half, "since": self._today.isoformat()})


def _name(scope: str) -> str:
    return f"reach.app_insights.{scope}"
