"""Owns when a forced backfill began, so that one that was stopped goes on: what it has read since is not due again."""

import hashlib
from datetime import datetime

from pipeline.ledger import Ledger
from pipeline.orders import Choice


class Renewal:
    """One backfill with `--force`, known by its range and what it is about."""

    def __init__(self, ledger: Ledger, choice: Choice) -> None:
        about = (sorted(choice.tables), sorted(choice.account_ids), str(choice.since), str(choice.until))
        self._ledger = ledger
        self._note = f"backfill.{hashlib.sha256(repr(about).encode()).hexdigest()[:16]}"

    def begun(self, now: datetime) -> datetime:
        """When it began: now, or before it was stopped."""
        noted = self._ledger.note(self._note)
        if noted:
            return datetime.fromisoformat(noted)
        self._ledger.save_note(self._note, now.isoformat())
        return now

    def ended(self) -> None:
        """Everything of it has landed; the next one begins anew."""
        self._ledger.save_note(self._note, None)
