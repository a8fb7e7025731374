"""Owns how long hourly files are kept: `[storage] keep_days`, off by default.

Old hours leave the warehouse first: their slices land anew without files, and stay in the ledger in the state that they
had, so that nothing asks for them again. Their files leave the lake a day later, once a publication without them is in
place: who reads the lake, or a warehouse that was opened before, is not left with names of files that are gone.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from pipeline.lake import Lake
from pipeline.ledger import Ledger
from schemas.events import Say
from schemas.periods import State
from schemas.work import Ready, SliceRecord

HOUR = timedelta(hours=1)
ENDED = frozenset({State.LANDED, State.EMPTY, State.LOST})
GRACE = timedelta(days=1)
"""How long the files of an old hour outlive its rows."""


def is_too_old(end: datetime, time_zone: str, keep_days: int, now: datetime) -> bool:
    """Whether an hour that ended at `end`, local wall time, is no longer kept; with 0 days everything is."""
    return keep_days > 0 and end + timedelta(days=keep_days) <= now.astimezone(ZoneInfo(time_zone)).replace(tzinfo=None)


def too_old(records: Iterable[SliceRecord], keep_days: int, now: datetime) -> list[SliceRecord]:
    """The slices of one hour that are no longer kept; one that may still be asked for waits until it is not."""
    return [
        record
        for record in records
        if record.id.start is not None
        and record.end is not None
        and record.end - record.id.start == HOUR
        and record.state in ENDED
        and is_too_old(record.end, record.time_zone, keep_days, now)
    ]


def retire(ledger: Ledger, keep_days: int, now: datetime, say: Say) -> None:
    """Takes old hours out of what the next publication shows; before it."""
    if not keep_days:
        return
    places, reason = ledger.places(), f"older than keep_days = {keep_days}, so it was taken out"
    with_files = {slice_id for slice_id, _ in ledger.files()}
    ready = [
        Ready(replace(record, rows=0, reason=reason), places[record.id], ())
        for record in too_old(ledger.slices(), keep_days, now)
        if record.id in with_files
    ]
    if ready:
        ledger.retire(ready, now)
        say("retention.retired", slices=len(ready))


def lose_retired(ledger: Ledger, lake: Lake, now: datetime, say: Say) -> None:
    """Deletes files whose hours were taken out a day ago; after a publication, which then is without them."""
    retired = {path: datetime.fromisoformat(at) for path, at in ledger.retired().items()}
    gone = [path for path, at in retired.items() if now - at >= GRACE]
    if gone:
        known = {file.path for _, file in ledger.files()}
        lake.lose(path for path in gone if path not in known)  # one that landed again since is not old any more
        ledger.lose_retired(gone)
        say("retention.deleted", files=len(gone))
