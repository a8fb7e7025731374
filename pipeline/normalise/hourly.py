"""Owns one hourly file on its way to a typed table: every line ends as a row or in quarantine, counted and asserted.

The file is inflated once, into stretches of lines as large as memory bears. Each takes the quickest of three paths that
can prove to have understood it: lines all spelt alike, lines of known members, and line by line with care. Memory does
not grow with the file.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from pipeline.normalise import hourly_careful, hourly_quick, hourly_uniform
from pipeline.normalise.frames import Source, assemble, quarantine_table, quarantined, repeated
from pipeline.normalise.hourly_lines import count_lines, lines_of, portions, stretches
from pipeline.normalise.parsed import Aside
from schemas.arrow import TYPES
from schemas.brand_safety import ASSUMED_ZONE
from schemas.columns import Kind, Table

REPEATED = f"this {hourly_quick.KEY} stood in its hour before"


class Sink(Protocol):
    """Takes the typed rows of a part of an hour; see `pipeline/slices.py`."""

    def write(self, table: str, rows: pa.Table) -> None:
        """Takes rows in the table's file schema."""

    def set_aside(self, rows: pa.Table) -> None:
        """Takes rows of `meta.quarantine`."""


class Repeats(Protocol):
    """Knows impressions of the hour; sees the rows of one file in their order."""

    def found_in(self, rows: pa.Table) -> list[int]:
        """Which rows, by their index, repeat an impression of the hour."""


class NoRepeats:
    """Knows of none."""

    def found_in(self, _rows: pa.Table) -> list[int]:
        """None."""
        return []


@dataclass(frozen=True, slots=True)
class HourlyFile:
    """A downloaded file: whose rows it holds (`source.place` is its name) and of which hour."""

    path: Path
    table: Table
    hour: datetime
    source: Source


@dataclass(slots=True)
class Counted:
    """What became of a file's lines; of the `stretches` typed at once so many were `uniform`, or read with care."""

    lines: int = 0
    rows: int = 0
    quarantined: int = 0
    unknown: int = 0
    stretches: int = 0
    uniform: int = 0
    careful: int = 0


def convert(file: HourlyFile, scratch: Path, sink: Sink, repeats: Repeats | None = None) -> Counted:
    """Types a file into the sink; `scratch` is where inflated text may lie meanwhile.

    Raises:
        Broken: The file must be fetched again; what the sink has taken does not count.
    """
    counted = Counted()
    work = _Conversion(file, scratch, sink, repeats or NoRepeats(), counted)
    try:
        for text in stretches(file.path):
            work.take(text)
    finally:
        pa.default_memory_pool().release_unused()  # what a file took is not kept for the next
    if counted.rows + counted.quarantined != counted.lines:
        raise AssertionError(f"{file.source.place}: {counted} do not add up")
    return counted


@dataclass(frozen=True, slots=True)
class _Conversion:
    file: HourlyFile
    scratch: Path
    sink: Sink
    repeats: Repeats
    counted: Counted

    def take(self, text: memoryview) -> None:
        """Types a stretch of lines; where one is doubtful, portion by portion, so that few others suffer by it."""
        cells = hourly_uniform.read(text)
        if cells is not None:
            self.counted.uniform += 1
            self._keep(text, len(cells[hourly_quick.KEY]), cells)
            return
        parts = list(portions(text))
        if len(parts) > 1:
            for part in parts:
                self.take(part)
            return
        lines = count_lines(text)
        cells = hourly_quick.read(text, lines, self.scratch)
        if cells is not None:
            self._keep(text, lines, cells)
            return
        careful = hourly_careful.read(lines_of(text), self.counted.lines + 1)
        self._set_aside(careful.aside)
        self.counted.careful += 1
        self.counted.unknown += careful.unknown
        self._keep(text, lines, careful.columns(), careful.numbers)

    def _keep(
        self, text: memoryview, lines: int, cells: dict[str, pa.Array], numbers: Sequence[int] | None = None
    ) -> None:
        """Writes the rows of so many lines and counts them; `numbers` are those of their lines, unless all are rows."""
        rows, first = self._rows(cells), self.counted.lines + 1
        dropped = self.repeats.found_in(rows)
        if dropped:
            wanted = [numbers[row] if numbers is not None else first + row for row in dropped]
            raws = hourly_careful.numbered(lines_of(text), first, wanted)
            self._set_aside([(number, raw, REPEATED) for number, raw in raws])
            gone = set(dropped)
            rows = rows.filter(pa.array(number not in gone for number in range(rows.num_rows)))
        self.sink.write(self.file.table.name, rows)
        self.counted.stretches += 1
        self.counted.lines += lines
        self.counted.rows += rows.num_rows

    def _rows(self, cells: dict[str, pa.Array]) -> pa.Table:
        rows = len(cells[hourly_quick.KEY])
        hour = pa.repeat(pa.scalar(self.file.hour, TYPES[Kind.LOCAL_TIME]), rows)
        columns = {**cells, "hour": hour, "assumed_time_zone": repeated(ASSUMED_ZONE, rows)}
        return assemble(self.file.table, columns, rows, self.file.source)

    def _set_aside(self, aside: list[tuple[int, str, str]]) -> None:
        source, table = self.file.source, self.file.table.name
        rows = [
            {
                **quarantined(_at(source, number), Aside(table, None, raw, reason), ""),
                "slice_start": self.file.hour,
            }
            for number, raw, reason in aside
        ]
        if rows:
            self.sink.set_aside(quarantine_table(rows))
        self.counted.quarantined += len(rows)


def _at(source: Source, line: int) -> Source:
    return replace(source, place=f"{source.place}, line {line}")
