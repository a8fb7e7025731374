"""Owns how the ledger's memory becomes the past that the timetable reads."""

from datetime import datetime

from pipeline.ledger import Ledger
from pipeline.timetable import LastRun, Past

TRIED_AT = "publication.tried_at"
NUMBER = "publication.number"
BECAUSE = "publication.because"


def past_of(ledger: Ledger) -> Past:
    """What is remembered now."""
    last = {
        command: LastRun(datetime.fromisoformat(row["started_at"]), broke=row["outcome"] == "failed")
        for command, row in ledger.last_runs().items()
    }
    tried_at = ledger.note(TRIED_AT)
    return Past(
        last,
        ledger.last_landing,
        int(ledger.note(NUMBER) or 0),
        datetime.fromisoformat(tried_at) if tried_at else None,
        tuple(row["id"] for row in ledger.requests() if row["finished_at"] is None),
    )


def publishing(ledger: Ledger, now: datetime) -> None:
    """A publication begins; one that fails is tried again no sooner than one that succeeds is followed by the next."""
    ledger.save_note(TRIED_AT, now.isoformat())


def published(ledger: Ledger, number: int) -> None:
    """Everything up to this landing is published."""
    ledger.save_note(NUMBER, number)
    ledger.save_note(BECAUSE, "")


def unpublished(ledger: Ledger, because: str) -> None:
    """The last publication failed."""
    ledger.save_note(BECAUSE, because)


def why_unpublished(ledger: Ledger) -> str:
    """Why the last publication failed; "" if it did not."""
    return ledger.note(BECAUSE) or ""
