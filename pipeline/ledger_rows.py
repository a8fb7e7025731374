"""Owns how rows of the ledger become values and values become rows. Pure."""

from collections.abc import Sequence
from typing import Any

import orjson

from pipeline import codec
from pipeline.ledger_file import Row
from schemas.columns import Column, Table, as_data, from_data
from schemas.periods import State
from schemas.work import Place, SliceFile, SliceId, SliceRecord

_STATES = {state.value: state for state in State}


def key_of(slice_id: SliceId) -> dict[str, str]:
    """A slice by its id, as statements want it."""
    return {"table": slice_id.table, "scope": slice_id.scope, "start": codec.border(slice_id.start)}


def record_values(record: SliceRecord) -> dict[str, Any]:
    """What is known of a slice, as statements want it."""
    return codec.record_data(record)


def file_values(file: SliceFile) -> dict[str, Any]:
    """One file of a slice, as statements want it."""
    return {"path": file.path, "file_table": file.table, "rows": file.rows, "fingerprint": file.fingerprint}


def record_of(row: Row) -> SliceRecord:
    """What is known of a slice."""
    return SliceRecord(
        id=SliceId(row["table_name"], row["scope"], codec.read_border(row["slice_start"])),
        end=codec.read_border(row["slice_end"]),
        time_zone=row["time_zone"],
        state=State(row["state"]),
        rows=row["rows"],
        as_of=codec.read_instant(row["as_of"]),
        fetched_at=codec.read_instant(row["fetched_at"]),
        run_id=row["run_id"],
        definition=row["definition"],
        reason=row["reason"],
        attempts=row["attempts"],
    )


def young_of(table: str, scope: str, row: Sequence[Any]) -> SliceRecord:
    """As `record_of`, without zone, run and attempts, of which no plan asks: over many accounts it reads very many."""
    start, end, state, rows, as_of, fetched_at, definition, reason = row
    return SliceRecord(
        SliceId(table, scope, codec.read_border(start)),
        codec.read_border(end),
        "",
        _STATES[state],
        rows,
        codec.read_instant(as_of),
        codec.read_instant(fetched_at),
        "",
        definition,
        reason,
    )


def place_of(row: Row) -> Place | None:
    """Where the files of a slice lie; None where that was not kept."""
    return codec.read_place(orjson.loads(row["place"])) if row["place"] else None


def table_data(report: str, table: Table) -> dict[str, str]:
    """A table with its columns and key, as statements want it."""
    return {
        "name": table.name,
        "report": report,
        "meaning": table.meaning,
        "key": orjson.dumps(table.key).decode(),
        "partition": "/".join(table.partition),
        "columns": orjson.dumps(as_data(table.columns)).decode(),
    }


def read_table(row: Row) -> Table:
    """The table that `table_data` kept."""
    columns: tuple[Column, ...] = from_data(orjson.loads(row["columns"]))
    partition = tuple(filter(None, row["partition"].split("/")))
    return Table(row["name"], row["meaning"], columns, tuple(orjson.loads(row["key"])), partition)
