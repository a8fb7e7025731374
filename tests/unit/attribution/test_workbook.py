"""A workbook is read without loss: by a writer that nobody here wrote, and with numbers that no float can hold."""

import contextlib
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from pipeline.normalise.exact_json import Number
from pipeline.normalise.workbook import NoWorkbook, read

TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), min_size=1
)


def written(*lines: list[Any], old_calendar: bool = False) -> bytes:
    """A workbook as openpyxl writes it."""
    book = openpyxl.Workbook()
    if old_calendar:
        book.epoch = CALENDAR_MAC_1904
    for line in lines:
        book.active.append(line)
    found = BytesIO()
    book.save(found)
    return found.getvalue()


def edited(data: bytes, part: str, **changes: str) -> bytes:
    """The same workbook with numbers of one part exchanged: what no writer on floats can write."""
    found = BytesIO()
    with ZipFile(BytesIO(data)) as old, ZipFile(found, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            text = old.read(name)
            for before, after in changes.items():
                text = (
                    text.replace(f"<v>{before[1:]}</v>".encode(), f"<v>{after}</v>".encode()) if name == part else text
                )
            new.writestr(name, text)
    return found.getvalue()


def test_every_digit_of_a_number_stays() -> None:
    """Seventeen digits are all that a float holds; these have more, as a whole number and as a fraction."""
    exact = ["12345678901234567890123", "1234567890123.123456789", "0.10000000000000000555"]
    data = edited(
        written(["a", "b", "c"], [111, 222, 333]),
        "xl/worksheets/sheet1.xml",
        **dict(zip(("_111", "_222", "_333"), exact, strict=True)),
    )
    assert list(read(data)) == [dict(zip("abc", exact, strict=True))]
    floats = list(openpyxl.load_workbook(BytesIO(data)).active.values)[1]
    assert [Decimal(repr(cell)) for cell in floats][1:] != [Decimal(text) for text in exact][1:]


@given(st.lists(st.tuples(TEXTS, st.integers(-(2**53), 2**53), st.booleans()), min_size=1, max_size=8))
def test_what_another_library_writes_is_read_back(rows: list[tuple[str, int, bool]]) -> None:
    """Texts of any script, whole numbers and truth values."""
    texts = [(f"t{text}", number, flag) for text, number, flag in rows]  # a text that begins with = is a formula
    found = list(read(written(["text", "number", "flag"], *map(list, texts))))
    assert [(row["text"], row["number"], row["flag"]) for row in found] == [(t, str(n), f) for t, n, f in texts]
    assert all(isinstance(row["number"], Number) for row in found)


@pytest.mark.parametrize("old_calendar", [False, True])
def test_days_and_times_are_iso_texts(*, old_calendar: bool) -> None:
    """A cell that shows a day says the day, whichever of the two calendars counts it; other numbers stay numbers."""
    data = written(
        ["day", "moment", "time", "plain"],
        [date(2026, 11, 20), datetime(2026, 11, 20, 13, 14, 15), time(12, 30), 46346],  # noqa: DTZ001 - workbooks know no zones
        old_calendar=old_calendar,
    )
    assert list(read(data)) == [
        {"day": "2026-11-20", "moment": "2026-11-20T13:14:15", "time": "12:30:00", "plain": "46346"}
    ]


def test_absent_cells_and_columns_without_a_name() -> None:
    """An empty cell is absent, a column without a name is called by its number, a name given twice is told apart."""
    found = list(read(written(["a", None, "a"], [None, "x", "y"], [None, None, None], ["z", None, None])))
    assert found == [{"column 2": "x", "a (column 3)": "y"}, {"a": "z"}]


def test_inline_and_rich_texts_and_errors() -> None:
    """Texts that stand in the cell, texts in several runs, and what a formula could not say."""
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row>'
        '<c t="inlineStr"><is><t>a</t></is></c><c t="inlineStr"><is><r><t>b</t></r><r><t>c</t></r></is></c>'
        '<c t="inlineStr"><is><t>d</t></is></c></row>'
        '<row><c><v>1E-05</v></c><c t="e"><v>#N/A</v></c><c t="str"><v>x &amp; y</v></c></row></sheetData></worksheet>'
    )
    found = BytesIO()
    with ZipFile(BytesIO(written(["a"]))) as old, ZipFile(found, "w") as new:
        for name in old.namelist():
            new.writestr(name, sheet if re.search("sheet1.xml$", name) else old.read(name))
    assert list(read(found.getvalue())) == [{"a": "1E-05", "bc": "#N/A", "d": "x & y"}]


@given(st.binary(min_size=1, max_size=30), st.integers(60, 4000))
def test_a_damaged_workbook_is_said_too(noise: bytes, at: int) -> None:
    """Bytes that were exchanged on the way either change nothing that is read or are one kind of error."""
    data = written(["a", "b"], ["x", 1.5])
    with contextlib.suppress(NoWorkbook):
        list(read(data[:at] + noise + data[at + len(noise) :]))


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x03\x04 not a zip", b"[]", written(["a"])[:-30]])
def test_what_is_no_workbook_is_said(data: bytes) -> None:
    """Nothing but one kind of error comes out, whatever went in."""
    with pytest.raises(NoWorkbook):
        list(read(data))


def test_the_clock_of_this_test() -> None:
    """Days above are days: the serial number 46346 is the 20th of November 2026."""
    assert (datetime(2026, 11, 20, tzinfo=UTC) - datetime(1899, 12, 30, tzinfo=UTC)).days == 46346
