"""Owns how the file of an attribution report run becomes rows: every one kept as it is, its cells typed beside it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from connectors.errors import Fault, Transport
from pipeline.normalise import exact_json, workbook
from pipeline.normalise.careful import HALF_CHARACTER, NO_OBJECT, STRUCTURE
from pipeline.normalise.frames import Source, assemble, quarantined
from pipeline.normalise.parsed import Aside
from pipeline.normalise.typed import typed
from schemas.attribution import LINE, ROWS
from schemas.attribution_cells import Cell, cells
from schemas.columns import Kind, Table

XLSX_MARK = b"PK"
"""How every zip archive begins; no JSON text does."""


@dataclass(frozen=True, slots=True)
class RunFile:
    """One downloaded file: the run that gave it, its line of business, its days (the last one included), its columns.

    `wanted` are the definition's columns, `there` those of the line of business.
    """

    run: str
    line: str
    data: bytes
    since: date
    until: date | None
    wanted: Sequence[Mapping[str, Any]]
    there: Sequence[Mapping[str, Any]]


def rows_of(file: RunFile, table: Table, source: Source) -> tuple[pa.Table, list[dict[str, object]]]:
    """The typed rows of a file, and what was set aside of them: cells that do not fit, rows that are no object.

    Raises:
        Fault: The file is neither a list in JSON nor a workbook.
    """
    found = _read(file)
    aside = [Aside(ROWS, None, exact_json.write(row), NO_OBJECT) for row in found if not isinstance(row, dict)]
    rows = [row for row in found if isinstance(row, dict)]
    labels = dict.fromkeys(label for row in rows for label in row)
    shown = cells(labels, file.wanted, file.there)
    typed_cells = {cell.name: _column(cell, rows, aside) for cell in shown}
    columns = {
        "report_run_id": _same(file.run, len(rows)),
        "row_number": pa.array(range(1, len(rows) + 1), pa.int64()),
        LINE: _same(file.line, len(rows)),
        "date_start": pa.array([file.since] * len(rows), pa.date32()),
        "date_stop": pa.array([file.until] * len(rows), pa.date32()),
        "columns": pa.array([exact_json.write(row) for row in rows], pa.string()),
        "cells": pa.array([_cells(typed_cells, row) for row in range(len(rows))], pa.string()),
        "kinds": _same(_kinds(shown), len(rows)),
    }
    told = [quarantined(source, fault, _key(file, fault)) for fault in aside]
    return assemble(table, columns, len(rows), source), told


def _read(file: RunFile) -> list[Any]:
    """The rows as they stand in the file, whatever its name says it is."""
    try:
        if file.data.startswith(XLSX_MARK):
            return list(workbook.read(file.data))
        found = exact_json.read(file.data)
    except (ValueError, RecursionError) as error:
        raise _unreadable(file, str(error)) from error
    rows = found.get("data") if isinstance(found, dict) else found
    if not isinstance(rows, list):
        raise _unreadable(file, "no list of rows")
    return rows


def _unreadable(file: RunFile, why: str) -> Fault:
    return Transport(f"the file of the report run cannot be read: {why}", place=f"{ROWS} run {file.run}")


def _column(cell: Cell, rows: Sequence[Mapping[str, Any]], aside: list[Aside]) -> list[str | None]:
    """The cells of one column as texts that fit its kind; what does not fit is None and set aside."""
    texts = [_text(cell, row.get(cell.label), number, aside) for number, row in enumerate(rows)]
    if cell.kind is Kind.TEXT:
        return texts
    found = typed(pa.array(texts, pa.string()), cell.kind, quotient=cell.quotient)
    aside += [Aside(ROWS, cell.label, fault.raw, fault.reason, fault.row) for fault in found.faults]
    return [None if value is None else str(value) for value in found.values.to_pylist()]


def _text(cell: Cell, value: Any, row: int, aside: list[Aside]) -> str | None:
    if isinstance(value, dict | list):
        if cell.kind is not Kind.TEXT:
            aside.append(Aside(ROWS, cell.label, exact_json.write(value), STRUCTURE, row))
            return None
        return exact_json.write(value)
    text = exact_json.scalar(value)
    if text is not None and not exact_json.is_unicode(text):
        aside.append(Aside(ROWS, cell.label, ascii(text), HALF_CHARACTER, row))
        return exact_json.whole(text)
    return text


def _cells(columns: Mapping[str, Sequence[str | None]], row: int) -> str:
    return exact_json.write({name: values[row] for name, values in columns.items() if values[row] is not None})


def _kinds(shown: Iterable[Cell]) -> str:
    """What the view of the report is made from, in the order of the file."""
    return exact_json.write([{"name": cell.name, "kind": cell.kind.name, "label": cell.label} for cell in shown])


def _key(file: RunFile, fault: Aside) -> str:
    if fault.row is None:
        return exact_json.write({"report_run_id": file.run})
    return exact_json.write({"report_run_id": file.run, "row_number": str(fault.row + 1)})


def _same(text: str, rows: int) -> pa.Array:
    return pa.array([text] * rows, pa.string())
