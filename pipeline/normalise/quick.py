"""Owns the quick path: pages parsed by Arrow against an explicit schema. It refuses whatever is not as declared.

`pyarrow.json` accepts no unknown field, no field of another type and no key twice under these options, so what passes
is exactly what the schema says; everything else goes the careful path (`careful.py`).
"""

from collections import Counter
from collections.abc import Sequence

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from pipeline.normalise.layout import ELEMENT_VALUE, Layout
from pipeline.normalise.parsed import Elements, Parsed
from pipeline.normalise.typed import typed
from schemas.columns import Kind


class Careless(Exception):
    """These pages need the careful path."""


def parse(layout: Layout, pages: Sequence[bytes], extras: Sequence[str]) -> Parsed:
    """Takes apart the rows of some pages, each the raw JSON array of a page's `data`.

    `extras` are scalar fields that no column declares and that earlier pages have shown.

    Raises:
        Careless: Something is not as declared.
    """
    if layout.only_careful:
        raise Careless
    rows = _rows(layout, pages, extras)
    cells = {column.name: _texts(rows, column.name) for column in layout.cells}
    if not all(_is_key(layout, name, cells[name]) for name in layout.identity):
        raise Careless
    actions = [found for name in layout.actions if (found := _actions(layout, rows, name))]
    actions += [found for name in layout.histograms if (found := _histogram(layout, rows, name))]
    results = [found for name in layout.results if (found := _results(rows, name))]
    unknown = Counter({name: len(rows) - rows.field(name).null_count for name in extras})
    extra = _extra(rows, extras) if extras else None
    return Parsed(len(rows), cells, actions=actions, results=results, extra=extra, unknown=unknown)


def _is_key(layout: Layout, name: str, texts: pa.Array) -> bool:
    """Whether every row has what makes a row: an id that is there, a day that exists."""
    if layout.tables.facts[name].kind is Kind.DAY:
        return not texts.null_count and not typed(texts, Kind.DAY).faults
    return not texts.null_count and pc.any(pc.equal(texts, "")).as_py() is not True


def _rows(layout: Layout, pages: Sequence[bytes], extras: Sequence[str]) -> pa.StructArray:
    if any(b"\n" in page for page in pages):
        raise Careless
    text = b"".join(part for page in pages for part in (b'{"data":', page, b"}\n"))
    try:
        table = pj.read_json(
            pa.BufferReader(text),
            read_options=pj.ReadOptions(use_threads=False, block_size=len(text) + 1),
            parse_options=pj.ParseOptions(
                explicit_schema=_schema(layout, extras), unexpected_field_behavior="error", newlines_in_values=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise Careless from error
    rows: pa.StructArray = table.column("data").combine_chunks().flatten()
    if rows.null_count:
        raise Careless
    return rows


def _schema(layout: Layout, extras: Sequence[str]) -> pa.Schema:
    texts = [column.name for column in layout.cells] + list(extras)
    element = [ELEMENT_VALUE, *layout.splits, *layout.windows]
    fields = [pa.field(name, pa.string()) for name in texts]
    fields += [pa.field(name, pa.list_(_struct(element))) for name in layout.actions]
    histogram = pa.struct(
        [pa.field(ELEMENT_VALUE, pa.list_(pa.float64())), *(pa.field(n, pa.string()) for n in layout.splits)]
    )
    fields += [pa.field(name, pa.list_(histogram)) for name in layout.histograms]
    value = pa.struct([pa.field("value", pa.string()), pa.field("attribution_windows", pa.list_(pa.string()))])
    result = pa.struct([pa.field("indicator", pa.string()), pa.field("values", pa.list_(value))])
    fields += [pa.field(name, pa.list_(result)) for name in layout.results]
    return pa.schema([pa.field("data", pa.list_(pa.struct(fields)))])


def _struct(names: Sequence[str]) -> pa.StructType:
    return pa.struct([pa.field(name, pa.string()) for name in names])


def _texts(rows: pa.StructArray, name: str) -> pa.Array:
    return rows.field(name)


def _elements(rows: pa.StructArray, name: str) -> tuple[pa.Array, pa.StructArray] | None:
    """The rows that the elements of a list stand in, and the elements; None if there are none."""
    lists = rows.field(name)
    if lists.null_count == len(lists):
        return None
    elements = lists.flatten()
    if not len(elements):
        return None
    if elements.null_count:
        raise Careless
    return pc.cast(pc.list_parent_indices(lists), pa.int64()), elements


def _actions(layout: Layout, rows: pa.StructArray, name: str) -> Elements | None:
    found = _elements(rows, name)
    if found is None:
        return None
    parents, elements = found
    names = (ELEMENT_VALUE, *layout.splits, *layout.windows)
    return Elements(name, parents, {part: elements.field(part) for part in names})


def _histogram(layout: Layout, rows: pa.StructArray, name: str) -> Elements | None:
    found = _elements(rows, name)
    if found is None:
        return None
    parents, elements = found
    cells = {part: elements.field(part) for part in layout.splits}
    return Elements(name, parents, cells, histogram=elements.field(ELEMENT_VALUE))


def _results(rows: pa.StructArray, name: str) -> Elements | None:
    """One entry per value of an element; an element without values is one entry without a value."""
    found = _elements(rows, name)
    if found is None:
        return None
    parents, elements = found
    values = elements.field("values")
    empty = pc.equal(pc.fill_null(pc.list_value_length(values), 0), 0)
    if pc.any(empty).as_py():
        return _results_one_by_one(name, parents, elements)
    inner = values.flatten()
    if inner.field("attribution_windows").flatten().null_count:
        raise Careless
    owner = pc.cast(pc.list_parent_indices(values), pa.int64())
    cells = {
        "indicator": elements.field("indicator").take(owner),
        "attribution_windows": _joined(inner.field("attribution_windows")),
        "value": inner.field("value"),
    }
    return Elements(name, parents.take(owner), cells)


def _results_one_by_one(name: str, parents: pa.Array, elements: pa.StructArray) -> Elements:
    rows: list[tuple[int, str | None, str, str | None]] = []
    for parent, element in zip(parents.to_pylist(), elements.to_pylist(), strict=True):
        for value in element["values"] or [{}]:
            if value is None or None in (value.get("attribution_windows") or ()):
                raise Careless
            windows = ",".join(value.get("attribution_windows") or ())
            rows.append((parent, element["indicator"], windows, value.get("value")))
    parts = list(zip(*rows, strict=True))
    cells = {
        "indicator": pa.array(parts[1], pa.string()),
        "attribution_windows": pa.array(parts[2], pa.string()),
        "value": pa.array(parts[3], pa.string()),
    }
    return Elements(name, pa.array(parts[0], pa.int64()), cells)


def _joined(lists: pa.ListArray) -> pa.Array:
    """Lists of windows as one text each, '' where there is none."""
    return pc.fill_null(pc.binary_join(lists, ","), "")


def _extra(rows: pa.StructArray, extras: Sequence[str]) -> pa.Array:
    """The undeclared scalars of each row as one JSON object; NULL where a row has none."""
    parts = {name: rows.field(name).to_pylist() for name in extras}
    texts: list[str | None] = []
    for number in range(len(rows)):
        there = {name: values[number] for name, values in parts.items() if values[number] is not None}
        texts.append(orjson.dumps(there, option=orjson.OPT_SORT_KEYS).decode() if there else None)
    return pa.array(texts, pa.string())
