"""Owns the careful path of hourly files: line by line, each ends as a row or is set aside whole with its reason."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from pipeline.normalise import exact_json
from pipeline.normalise.hourly_quick import KEY
from pipeline.normalise.typed import whole_number
from schemas.arrow import TYPES
from schemas.brand_safety import LINE
from schemas.columns import Kind

_LAST_COMMA = re.compile(r",\s*\}\s*$")
"""A comma before the end is one that DuckDB overlooks: what a line becomes must not depend on its neighbours."""
BOM = "\ufeff"
"""Some writers begin a file with it; DuckDB passes it over."""
_NAMES = frozenset(column.name for column in LINE)


class Unfit(Exception):
    """The line is no row; the message is the reason that `meta.quarantine` keeps."""


@dataclass(slots=True)
class Careful:
    """Rows with the numbers of their lines, and the lines that are none with theirs, their text and the reason."""

    cells: dict[str, list[Any]] = field(default_factory=lambda: {column.name: [] for column in LINE})
    extra: list[str | None] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    aside: list[tuple[int, str, str]] = field(default_factory=list)

    def columns(self) -> dict[str, pa.Array]:
        """The rows' columns, typed."""
        cells = {column.name: pa.array(self.cells[column.name], TYPES[column.kind]) for column in LINE}
        return {**cells, "extra": pa.array(self.extra, pa.string())}

    @property
    def unknown(self) -> int:
        """How many rows carried what no column declares."""
        return len(self.extra) - self.extra.count(None)


def read(lines: Iterable[bytes], first: int) -> Careful:
    """Reads lines, the first of them having this number in its file."""
    found = Careful()
    for number, line in enumerate(lines, first):
        try:
            cells, extra = _row(line)
        except Unfit as why:
            found.aside.append((number, shown(line), str(why)))
            continue
        found.numbers.append(number)
        found.extra.append(extra)
        for name, value in cells:
            found.cells[name].append(value)
    return found


def shown(line: bytes) -> str:
    """A line as text; what is no UTF-8 in it is written as escapes."""
    return line.rstrip(b"\r\n").decode("utf-8", "backslashreplace")


def _row(line: bytes) -> tuple[list[tuple[str, Any]], str | None]:
    try:
        text = line.decode().removeprefix(BOM)
    except UnicodeDecodeError:
        raise Unfit("not UTF-8") from None
    row = _object(text)
    cells = [(column.name, _cell(row.get(column.name), column.name, column.kind)) for column in LINE]
    if dict(cells)[KEY] is None:
        raise Unfit(f"no {KEY}")
    unknown = {name: value for name, value in row.items() if name not in _NAMES and value is not None}
    return cells, exact_json.write(unknown) if unknown else None


def _object(text: str) -> dict[str, Any]:
    for attempt in (text, _LAST_COMMA.sub("}", text)):
        try:
            row = exact_json.read(attempt)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            return row
        raise Unfit("no object")
    raise Unfit("not JSON" if text.strip() else "an empty line")


def _cell(value: Any, name: str, kind: Kind) -> str | int | None:
    try:
        raw = exact_json.scalar(value)
    except TypeError as error:
        raise Unfit(f"{name}: {error}") from None
    if raw is None or kind is Kind.TEXT:
        return raw and exact_json.whole(raw)
    number, reason = whole_number(raw)
    if reason:
        raise Unfit(f"{name}: {reason}")
    return number


def numbered(lines: Iterable[bytes], first: int, wanted: Iterable[int]) -> Iterator[tuple[int, str]]:
    """Some lines by their numbers, as text."""
    chosen = set(wanted)
    return ((number, shown(line)) for number, line in enumerate(lines, first) if number in chosen)
