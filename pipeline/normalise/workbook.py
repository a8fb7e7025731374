"""Owns the reading of an xlsx workbook: the first sheet's rows, every digit of every number as the file has it.

The libraries that read workbooks give numbers as binary floats (openpyxl all that have a point, the Rust readers all):
1234567890123.123456 comes back as 1234567890123.1235. A workbook is XML in a zip archive, both of the standard library.
"""

import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any
from xml.etree.ElementTree import Element, ParseError, iterparse
from zipfile import BadZipFile, ZipFile

from pipeline.normalise.exact_json import Number

Cell = str | Number | bool | None

MOST_BYTES = 512 * 1024 * 1024
"""What one part may be when it is unpacked: a file that says more is no report."""
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_PLACE = re.compile(r"([A-Z]+)[0-9]+")
_DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""Numbers of the formats that every workbook has, those that show a day or a time (ECMA-376, 18.8.30)."""
_UNQUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
_TIME_LETTERS = re.compile(r"[ymdhs]", re.IGNORECASE)
_EPOCH, _EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - workbooks know no zones
_NEVER = 60
"""The 29th of February 1900, which workbooks know and which never was."""
_RELATED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


_UNREADABLE = (BadZipFile, ParseError, LookupError, ValueError, RuntimeError, EOFError, zlib.error, struct.error)


class NoWorkbook(ValueError):
    """The bytes are no workbook that can be read whole."""


def read(data: bytes) -> Iterator[dict[str, Cell]]:
    """The rows below the first one, each as an object keyed by what the first one says; days and times as ISO texts.

    Cells that are absent or empty are left out of their object. A column without a name is called `column <n>`.

    Raises:
        NoWorkbook: The bytes are none.
    """
    try:
        with ZipFile(BytesIO(data)) as archive:
            yield from _rows(archive)
    except _UNREADABLE as error:
        raise NoWorkbook(f"this is no workbook: {type(error).__name__}: {error}") from error


def _rows(archive: ZipFile) -> Iterator[dict[str, Cell]]:
    lines = _Sheet(archive).lines()
    header: dict[int, str] | None = None
    for line in lines:
        if header is None:
            header = _header(line)
            continue
        row = dict[str, Cell](
            (header.get(place) or f"column {place + 1}", cell) for place, cell in line.items() if cell is not None
        )
        if row:
            yield row


def _header(line: Mapping[int, Cell]) -> dict[int, str]:
    """The names of the columns; one that is given twice gets the number of its column behind it."""
    names: dict[int, str] = {}
    for place, cell in line.items():
        name = "" if cell is None else str(cell)
        names[place] = f"{name} (column {place + 1})" if name in names.values() else name
    return names


class _Sheet:
    """The first sheet of a workbook with what its cells refer to."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        self._names = set(archive.namelist())
        book = next(element for element in self._elements("xl/workbook.xml", "workbook"))
        first = book.find("{*}sheets/{*}sheet")
        if first is None:
            raise ValueError("it has no sheet")
        self._path = self._related(first.get(_RELATED, ""))
        properties = book.find("{*}workbookPr")
        old = properties is not None and properties.get("date1904") in {"1", "true"}
        self._epoch = _EPOCH_1904 if old else _EPOCH
        self._texts = [_text(element) for element in self._elements("xl/sharedStrings.xml", "si")]
        self._dated = self._date_styles()

    def lines(self) -> Iterator[dict[int, Cell]]:
        """The rows, each cell at its column counted from 0."""
        for row in self._elements(self._path, "row"):
            line: dict[int, Cell] = {}
            for cell in row.findall("{*}c"):
                line[_column(cell, len(line))] = self._cell(cell)
            yield line

    def _elements(self, path: str, name: str) -> Iterator[Element]:
        """Every element of a part with this name, one in memory at a time; none where there is no such part."""
        if path not in self._names:
            return
        if self._archive.getinfo(path).file_size > MOST_BYTES:
            raise ValueError(f"{path} is larger than {MOST_BYTES} bytes")
        with self._archive.open(path) as part:
            for _, element in iterparse(part):  # noqa: S314 - expat bounds entities; parts are bounded above
                if element.tag.rpartition("}")[2] == name:
                    yield element
                    element.clear()

    def _related(self, relation: str) -> str:
        for element in self._elements("xl/_rels/workbook.xml.rels", "Relationship"):
            if element.get("Id") == relation:
                target = element.get("Target", "")
                return target[1:] if target.startswith("/") else f"xl/{target}"
        raise ValueError("its first sheet is nowhere")

    def _date_styles(self) -> frozenset[int]:
        """The numbers of the cell styles that show a day or a time."""
        codes = {
            int(one.get("numFmtId", 0)): one.get("formatCode", "") for one in self._elements("xl/styles.xml", "numFmt")
        }
        dated = _DATE_FORMATS | {number for number, code in codes.items() if _shows_time(code)}
        dated -= {number for number in codes if not _shows_time(codes[number])}
        styles = next(self._elements("xl/styles.xml", "cellXfs"), None)
        found = [] if styles is None else styles.findall("{*}xf")
        return frozenset(place for place, one in enumerate(found) if int(one.get("numFmtId", 0)) in dated)

    def _cell(self, cell: Element) -> Cell:
        kind, raw = cell.get("t", "n"), cell.findtext("{*}v")
        if kind == "inlineStr":
            inline = cell.find("{*}is")
            return None if inline is None else _text(inline)
        if raw is None or raw == "":
            return None
        if kind == "s":
            return self._texts[int(raw)]
        if kind == "b":
            return raw in {"1", "true"}
        if kind != "n":
            return raw  # a formula's text, an error such as #N/A, an ISO day
        return self._number(raw.strip(), int(cell.get("s", 0)))

    def _number(self, raw: str, style: int) -> Cell:
        if style in self._dated:
            return _moment(Decimal(raw), self._epoch)
        return Number(raw) if _NUMBER.fullmatch(raw) else raw


def _shows_time(code: str) -> bool:
    """Whether a format's code asks for a part of a day or a time, what it quotes aside."""
    return _TIME_LETTERS.search(_UNQUOTED.sub("", code.partition(";")[0])) is not None


def _moment(serial: Decimal, epoch: datetime) -> str:
    """A serial number of days as the ISO text of a day, of a moment if it has a time, or of a time if it has no day."""
    days, left = divmod(serial, 1)
    if epoch == _EPOCH and 0 < days < _NEVER:
        days += 1
    found = epoch + timedelta(days=int(days), milliseconds=round(left * 86_400_000))
    if not days:
        return found.time().isoformat()
    return found.date().isoformat() if found.time() == time() else found.isoformat()


def _text(element: Any) -> str:
    """The text of a shared or inline string: its runs together, phonetic hints aside."""
    direct = element.findtext("{*}t")
    return direct if direct is not None else "".join(run.findtext("{*}t") or "" for run in element.findall("{*}r"))


def _column(cell: Element, following: int) -> int:
    """The column of a cell counted from 0; a cell may leave its place to the order."""
    place = _PLACE.fullmatch(cell.get("r", ""))
    if place is None:
        return following
    number = 0
    for letter in place[1]:
        number = number * 26 + ord(letter) - 64
    return number - 1
