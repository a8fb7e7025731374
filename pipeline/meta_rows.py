"""Owns the rows of the `meta.*` tables that come from the ledger at each publication."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa

from pipeline import codec
from pipeline.finality import final
from pipeline.ledger import Ledger
from schemas.arrow import whole_schema
from schemas.columns import Table
from schemas.meta import MISSING_OBJECTS, REPORT_RUNS, RUNS, SLICES

Rows = Mapping[str, tuple[Table, pa.Table]]


def meta_tables(ledger: Ledger, lookback_days: int, version: str) -> Rows:
    """The rows of `meta.slices`, `meta.runs`, `meta.report_runs` and `meta.missing_objects`."""
    found = (
        (SLICES, _slices(ledger, lookback_days)),
        (RUNS, (_run(row, version) for row in ledger.runs())),
        (REPORT_RUNS, map(_report_run, ledger.report_runs())),
        (MISSING_OBJECTS, map(_missing, ledger.missing())),
    )
    return {table.name: (table, pa.Table.from_pylist(list(rows), schema=whole_schema(table))) for table, rows in found}


def _slices(ledger: Ledger, lookback_days: int) -> Iterable[dict[str, Any]]:
    places = ledger.places()
    for record in ledger.slices():
        yield {
            "table_name": record.id.table,
            "scope": record.id.scope,
            "slice_start": record.id.start,
            "slice_end": record.end,
            "time_zone": record.time_zone,
            "state": record.state.value,
            "rows": record.rows,
            "as_of": record.as_of,
            "fetched_at": record.fetched_at,
            "final": final(record, places.get(record.id), lookback_days),
            "run_id": record.run_id,
            "reason": record.reason or None,
        }


def _run(row: Mapping[str, Any], version: str) -> dict[str, Any]:
    summary = orjson.loads(row["summary"])
    slices = summary.get("slices", {})
    return {
        "run_id": row["run_id"],
        "command": row["command"],
        "started_at": codec.read_instant(row["started_at"]),
        "finished_at": codec.read_instant(row["finished_at"]),
        "outcome": row["outcome"],
        **{f"slices_{state}": slices.get(state) for state in ("landed", "failed", "empty", "skipped")},
        "rows": sum(summary.get("rows", {}).values()) if summary else None,
        "api_calls": orjson.dumps(summary["api_calls"]).decode() if summary else None,
        "throttled_responses": summary.get("throttled_responses"),
        "seconds_waited": summary.get("seconds_waited"),
        "failures": orjson.dumps(summary["failures"]).decode() if summary else None,
        "version": version,
    }


def _report_run(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "report_run_id": row["report_run_id"],
        "table_name": row["table_name"],
        "scope": row["scope"],
        "slice_start": codec.read_border(row["slice_start"]),
        "slice_end": codec.read_border(row["slice_end"]),
        "submitted_at": codec.read_instant(row["submitted_at"]),
        "state": row["state"],
        "percent": row["percent"],
        "finished_at": codec.read_instant(row["finished_at"]),
        "rows": row["rows"],
        "reason": row["reason"] or None,
        "definition_hash": row["definition"],
        "run_id": row["run_id"],
    }


def _missing(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("account_id", "kind", "id", "reason", "code", "subcode", "tries")},
        "first_missed_at": _moment(row["first_missed_at"]),
        "last_tried_at": _moment(row["last_tried_at"]),
    }


def _moment(text: str) -> datetime | None:
    return codec.read_instant(text)
