"""Owns how rows of ad-set reports become rows of their table: one for each content, one for an impression without."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipeline.normalise import exact_json
from pipeline.normalise.careful import NO_KEY, NO_LIST, NO_OBJECT
from pipeline.normalise.frames import Source, assemble, quarantined
from pipeline.normalise.objects import cell
from pipeline.normalise.parsed import Aside
from pipeline.normalise.typed import typed
from schemas.brand_safety_ad_sets import OF_CONTENT, OF_ROW
from schemas.columns import Column, Table

CONTENT = "content"
IMPRESSION, SIDE = "impression_id", "content_position"
REPEATED = "this content of the impression was given before"
_KNOWN_OF_ROW = frozenset({CONTENT, *(column.name for column in OF_ROW)})
_KNOWN_OF_CONTENT = frozenset(column.name for column in OF_CONTENT)

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Beside:
    """A row of the report with one of its contents."""

    row: Json
    item: Json

    @property
    def key(self) -> dict[str, str]:
        return {IMPRESSION: str(self.row[IMPRESSION]), SIDE: str(self.item[SIDE])}


class AdjacentRows:
    """The rows of one ad set and hour as they are read. `constant` are the columns that all rows share."""

    def __init__(self, table: Table, source: Source, constant: Mapping[str, pa.Scalar]) -> None:
        self._table = table
        self._source = source
        self._constant = constant
        self._rows: list[_Beside] = []
        self._seen: set[tuple[str, ...]] = set()
        self._aside: list[Aside] = []

    def take(self, pages: Iterable[bytes]) -> None:
        """Takes the raw JSON arrays of some pages."""
        for page in pages:
            for found in exact_json.read(page):
                reason = _flaw(found)
                if reason:
                    self._aside.append(Aside(self._table.name, None, exact_json.write(found), reason))
                    continue
                for item in found.get(CONTENT) or ({SIDE: ""},):
                    self._take(_Beside(found, item))

    def _take(self, beside: _Beside) -> None:
        key = tuple(beside.key.values())
        if key in self._seen:
            self._aside.append(Aside(self._table.name, None, exact_json.write(beside.row), REPEATED))
        else:
            self._seen.add(key)
            self._rows.append(beside)

    def table(self) -> tuple[pa.Table, list[dict[str, object]]]:
        """The typed rows, and what was set aside of them."""
        columns = {column.name: self._column(column, [beside.row for beside in self._rows]) for column in OF_ROW}
        columns |= {column.name: self._column(column, [beside.item for beside in self._rows]) for column in OF_CONTENT}
        columns |= {name: pa.repeat(value, len(self._rows)) for name, value in self._constant.items()}
        columns["extra"] = pa.array([_rest(beside) for beside in self._rows], pa.string())
        aside = [self._explained(fault) for fault in self._aside]
        return assemble(self._table, columns, len(self._rows), self._source), aside

    def _column(self, column: Column, objects: Sequence[Json]) -> pa.Array:
        texts = [cell(self._table.name, column, found, at, self._aside) for at, found in enumerate(objects)]
        found = typed(pa.array(texts, pa.string()), column.kind)
        self._aside += [Aside(self._table.name, column.name, f.raw, f.reason, f.row) for f in found.faults]
        return found.values

    def _explained(self, fault: Aside) -> dict[str, object]:
        key = "" if fault.row is None else exact_json.write(self._rows[fault.row].key)
        return quarantined(self._source, fault, key)


def _flaw(found: object) -> str:
    """Why a row cannot be taken as a whole, or ''."""
    if not isinstance(found, dict):
        return NO_OBJECT
    content = found.get(CONTENT)
    if content is not None and not isinstance(content, list):
        return NO_LIST
    if not all(isinstance(item, dict) for item in content or ()):
        return NO_OBJECT
    keys = [found.get(IMPRESSION), *(item.get(SIDE) for item in content or ())]
    return "" if all(_is_key(key) for key in keys) else NO_KEY


def _is_key(value: object) -> bool:
    return isinstance(value, str) and bool(value) and exact_json.is_unicode(value)


def _rest(beside: _Beside) -> str | None:
    """What no column declares, of the row and, under `content`, of the content."""
    rest = {name: value for name, value in beside.row.items() if name not in _KNOWN_OF_ROW and value is not None}
    inner = {name: value for name, value in beside.item.items() if name not in _KNOWN_OF_CONTENT and value is not None}
    rest |= {CONTENT: inner} if inner else {}
    return exact_json.write(rest) if rest else None
