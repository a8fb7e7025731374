"""Owns what becomes of a fault of our own: the piece of work that met it fails and says so, all others go on.

A load of hundreds of accounts must not die of one answer that nobody foresaw. What cannot be said, because the ledger
itself takes nothing any more, still ends the load.
"""

import traceback
from pathlib import Path

from schemas.events import Say

ROOT = Path(__file__).resolve().parents[1]
MOST_FRAMES = 8


class OwnFault(Exception):
    """Why a piece of work has nothing, where the reason is a mistake in this program; never raised."""


def own_fault(error: Exception, say: Say) -> OwnFault:
    """Tells the log where it happened, names without values; what the work's slices are recorded with."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    frames = [
        f"{Path(frame.filename).relative_to(ROOT)}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(ROOT)
    ]
    name = f"{type(error).__name__}: {error}"
    say("bug", error=name, at=frames[-MOST_FRAMES:])
    place = frames[-1] if frames else "an unknown place"
    return OwnFault(f"a fault of this program, please report it with its log: {name} at {place}")
