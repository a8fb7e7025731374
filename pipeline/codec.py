"""Owns how travelling values become text and come back: instants, slice borders, places, whole slices as JSON."""

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import orjson

from schemas.periods import State
from schemas.work import Place, Ready, SliceFile, SliceId, SliceRecord, Written


def instant(at: datetime | None) -> str | None:
    """An instant as sortable ISO text in UTC, always with microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if at else None


@lru_cache(maxsize=10_000)
def read_instant(text: str | None) -> datetime | None:
    """The instant that `instant` wrote."""
    return datetime.fromisoformat(text) if text else None


def border(at: datetime | None) -> str:
    """A slice border in local wall time; '' where a slice has none."""
    return at.strftime("%Y-%m-%dT%H:%M") if at else ""


@lru_cache(maxsize=10_000)
def read_border(text: str) -> datetime | None:
    """The border that `border` wrote."""
    return datetime.fromisoformat(text) if text else None


def place_data(place: Place) -> dict[str, Any]:
    """A place as plain data."""
    within = place.within and [place.within[0], place.within[1].isoformat(), place.within[2].isoformat()]
    data = {"folders": [list(pair) for pair in place.folders], "stem": place.stem, "within": within}
    return {**data, "where": [list(pair) for pair in place.where]} if place.where else data


def read_place(data: dict[str, Any]) -> Place:
    """The place that `place_data` wrote."""
    within = data["within"] and (
        data["within"][0],
        _read_bound(data["within"][1]),
        _read_bound(data["within"][2]),
    )
    where = tuple((name, value) for name, value in data.get("where", ()))
    return Place(tuple((name, value) for name, value in data["folders"]), data["stem"], within or None, where)


def _read_bound(text: str) -> date:
    """A bound of a place: a day, or an hour as local wall time."""
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def record_data(record: SliceRecord) -> dict[str, Any]:
    """A slice's record as plain data: the same in the ledger's columns and in footers."""
    return {
        "table": record.id.table,
        "scope": record.id.scope,
        "start": border(record.id.start),
        "end": border(record.end),
        "time_zone": record.time_zone,
        "state": record.state.value,
        "rows": record.rows,
        "as_of": instant(record.as_of),
        "fetched_at": instant(record.fetched_at),
        "run_id": record.run_id,
        "definition": record.definition,
        "reason": record.reason,
        "attempts": record.attempts,
    }


def read_record(data: dict[str, Any]) -> SliceRecord:
    """The record that `record_data` wrote."""
    return SliceRecord(
        id=SliceId(data["table"], data["scope"], read_border(data["start"])),
        end=read_border(data["end"]),
        time_zone=data["time_zone"],
        state=State(data["state"]),
        rows=data["rows"],
        as_of=read_instant(data["as_of"]),
        fetched_at=read_instant(data["fetched_at"]),
        run_id=data["run_id"],
        definition=data["definition"],
        reason=data["reason"],
        attempts=data["attempts"],
    )


def ready_text(ready: Ready) -> str:
    """A slice that is about to land, as the text that the ledger keeps until it has."""
    files = [[w.file.table, w.file.path, w.file.rows, w.file.fingerprint, w.temporary] for w in ready.files]
    data = {"record": record_data(ready.record), "place": place_data(ready.place), "files": files}
    return orjson.dumps({**data, "removed": ready.removed, "final": ready.final, "joins": ready.joins}).decode()


def read_ready(text: str) -> Ready:
    """The slice that `ready_text` wrote."""
    data = orjson.loads(text)
    return Ready(
        read_record(data["record"]),
        read_place(data["place"]),
        tuple(Written(SliceFile(f[0], f[1], f[2], f[3]), f[4]) for f in data["files"]),
        tuple(data["removed"]),
        data["final"],
        data.get("joins", False),
    )
