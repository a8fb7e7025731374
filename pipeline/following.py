"""Owns following a request from another process: asks the one that holds the store, and tells how far it is."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from pipeline.ledger import Ledger
from pipeline.lock import command_of
from pipeline.orders import Choice
from pipeline.requests import Request, choice_data, read_request
from pipeline.store import Places

LOOK_SECONDS = 1.0
Tell = Callable[[str], None]


def asked_for(places: Places, choice: Choice, now: datetime, *, force: bool) -> int:
    """The number of a request for this; one that is not over yet is joined. Writes beside whoever holds the store."""
    wanted = choice_data(choice, force=force)
    with Ledger.open(places.ledger, born=now) as ledger:
        for row in ledger.requests():
            if row["choice"] == wanted and not read_request(row).is_over:
                return int(row["id"])
        return ledger.make_request("backfill", wanted, now)


async def followed(places: Places, number: int, now: Callable[[], datetime], tell: Tell) -> Request:
    """The request when it is over, or when nobody is there any more to carry it out."""
    said = ""
    while True:
        request = _look(places, number)
        words = in_words(request, now())
        if words != said:
            tell(words)
            said = words
        if request.is_over or command_of(places.state) is None:
            return request
        await asyncio.sleep(LOOK_SECONDS)


def in_words(request: Request, now: datetime) -> str:
    """One line: how far it is."""
    place = f"request {request.number}"
    if request.is_over:
        because = f": {request.doing.because}" if request.doing.because else ""
        return f"{place} is {request.outcome}{because}"
    if request.doing.since is None:
        return f"{place} waits until `insights schedule` has time for it"
    left = request.seconds_left(now)
    about = "" if left is None else f", about {-(-left // 60)} min left"
    return f"{place} is {request.share:.0%} done{about}"


def _look(places: Places, number: int) -> Request:
    ledger = Ledger.read(places.ledger)
    if ledger is None:
        raise LookupError(f"request {number}: the ledger that held it is gone")
    with ledger:
        return next(read_request(row) for row in ledger.requests() if row["id"] == number)
