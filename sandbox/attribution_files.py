"""Owns the two files that an attribution report run can be downloaded as: a json list, an xlsx workbook."""

from collections.abc import Iterator
from io import BytesIO
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import orjson

from sandbox.attribution_rows import Figure, Sheet, Value

JSON, XLSX = "json", "xlsx"
CONTENT_TYPES = {
    JSON: "application/json",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_FIXED = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}.worksheet+xml"/>'
    f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_KIND}.sharedStrings+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_SHEETS}" xmlns:r="{_OFFICE}">'
    '<sheets><sheet name="Report" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
}


def file_of(sheet: Sheet, file_format: str) -> bytes:
    """Return a run's rows as the file of that format."""
    return _workbook(sheet) if file_format == XLSX else _json(sheet)


def _json(sheet: Sheet) -> bytes:
    rows = sheet.labelled(JSON)
    return orjson.dumps(rows, default=lambda value: orjson.Fragment(str(value)), option=orjson.OPT_PASSTHROUGH_SUBCLASS)


def _workbook(sheet: Sheet) -> bytes:
    texts: dict[str, int] = {}
    lines = [sheet.names, *sheet.rows]
    rows = "".join(
        f'<row r="{number}">{"".join(_cells(line, number, texts))}</row>' for number, line in enumerate(lines, 1)
    )
    shared = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in texts)
    parts = {
        **_FIXED,
        "xl/sharedStrings.xml": f'<sst xmlns="{_SHEETS}">{shared}</sst>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_SHEETS}"><sheetData>{rows}</sheetData></worksheet>',
    }
    found = BytesIO()
    with ZipFile(found, "w") as archive:
        for name, part in parts.items():
            archive.writestr(ZipInfo(name), (_HEAD + part).encode(), ZIP_DEFLATED)
    return found.getvalue()


def _cells(line: tuple[Value, ...], number: int, texts: dict[str, int]) -> Iterator[str]:
    """Return the cells of a row; one without a value is left out, as spreadsheets do."""
    for column, value in enumerate(line):
        place = f"{_letters(column)}{number}"
        if isinstance(value, Figure):
            yield f'<c r="{place}"><v>{value}</v></c>'
        elif value is not None:
            yield f'<c r="{place}" t="s"><v>{texts.setdefault(value, len(texts))}</v></c>'


def _letters(column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
