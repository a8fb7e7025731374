"""Owns what becomes of a fault of our own: the piece of work that met it fails and says so, all others go on.

A load of hundreds of accounts must not die of one answer that nobody foresaw. What the machine refuses, the disk or the
ledger, is no mistake of ours: it ends the load, as nothing could be recorded any more.
"""

import traceback
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from connectors.errors import GaveUp
from pipeline.errors import Refused
from pipeline.ledger_file import of_the_machine
from pipeline.workshop import Workshop
from schemas.events import Say
from schemas.periods import State

ROOT = Path(__file__).resolve().parents[1]
ROOMS = frozenset({"pipeline", "connectors", "config", "schemas"})
MOST_FRAMES = 8


class OwnFault(Exception):
    """Why a piece of work has nothing, where the reason is a mistake in this program; never raised."""


async def undone(shop: Workshop, work: Coroutine[Any, Any, None]) -> Exception | None:
    """Why a piece of work could not be carried out: its time was over, or we made a mistake; None when it is done.

    Raises:
        Exception: What the machine or the store refused.
    """
    try:
        met = await shop.deadline.meets(work)
    except Exception as error:  # noqa: BLE001 - it is said and recorded
        return own_fault(error, shop.say)
    return None if met else shop.deadline.fault


def state_of(why: Exception) -> State:
    """What slices are whose work was not carried out: those whose time was over were not asked."""
    return State.SKIPPED if isinstance(why, GaveUp) else State.FAILED


def own_fault(error: Exception, say: Say) -> OwnFault:
    """Tells the log what happened and where; what is recorded is the kind and the place, as words may hold anything.

    Raises:
        Exception: The error itself, where it is the machine's or the store's.
    """
    if of_the_machine(error) is not None or isinstance(error, Refused):
        raise error
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    frames = [
        f"{path.relative_to(ROOT)}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if (path := Path(frame.filename)).is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in ROOMS
    ]
    kind, place = type(error).__name__, frames[-1] if frames else "an unknown place"
    say("bug", error=f"{kind}: {error}", at=frames[-MOST_FRAMES:])
    return OwnFault(f"a fault of this program, please report it with its log: {kind} at {place}")
