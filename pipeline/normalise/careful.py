"""Owns the careful path: pages taken apart row by row, losing nothing: what fits no column is kept aside."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from pipeline.normalise import exact_json
from pipeline.normalise.layout import ELEMENT_VALUE, Layout
from pipeline.normalise.parsed import Aside, Elements, Parsed
from pipeline.normalise.typed import is_day
from schemas.breakdowns import BREAKDOWNS
from schemas.columns import Kind

NO_OBJECT = "not an object"
NO_KEY = "lacks a key"
STRUCTURE = "a structure where a scalar was expected"
NO_LIST = "not a list of objects"
HALF_CHARACTER = "not Unicode"
Json = Mapping[str, Any]


def parse(layout: Layout, pages: Sequence[bytes]) -> Parsed:
    """Takes apart the rows of some pages, each the raw JSON array of a page's `data`."""
    return _Rows(layout).read(row for page in pages for row in exact_json.read(page))


class _Rows:
    """The columns of text as they grow, row by row."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._cells: dict[str, list[str | None]] = {column.name: [] for column in layout.cells}
        self._structures: dict[str, list[str | None]] = {
            name: [] for name in (*layout.structured, *(f"{asset}_detail" for asset in layout.assets))
        }
        self._lists = {name: _List(name) for name in (*layout.actions, *layout.histograms, *layout.results)}
        self._extra: list[str | None] = []
        self._aside: list[Aside] = []
        self._unknown: Counter[str] = Counter()
        self._texts: set[str] = set()
        self._others: set[str] = set()
        self._rows = 0
        self._known = {*self._cells, *self._structures, *self._lists, *layout.assets}

    def read(self, rows: Iterable[object]) -> Parsed:
        for row in rows:
            if self._is_row(row):
                self._take(row)  # type: ignore[arg-type]  # just seen to be an object
                self._rows += 1
        return Parsed(
            rows=self._rows,
            cells={name: pa.array(texts, pa.string()) for name, texts in self._cells.items()},
            structures={name: pa.array(texts, pa.string()) for name, texts in self._structures.items()},
            actions=[self._lists[n].elements(self._parts(n)) for n in self._names_with_elements(results=False)],
            results=[self._lists[n].elements(_RESULT_PARTS) for n in self._names_with_elements(results=True)],
            extra=pa.array(self._extra, pa.string()) if any(self._extra) else None,
            aside=self._aside,
            unknown=self._unknown,
            scalars=self._texts - self._others,
        )

    def _names_with_elements(self, *, results: bool) -> list[str]:
        return [n for n, kept in self._lists.items() if kept.parents and (n in self._layout.results) == results]

    def _parts(self, name: str) -> tuple[str, ...]:
        if name in self._layout.histograms:
            return self._layout.splits
        return (ELEMENT_VALUE, *self._layout.splits, *self._layout.windows)

    def _is_row(self, row: object) -> bool:
        """Whether it has what makes a row; if not it is kept whole."""
        if not isinstance(row, dict):
            self._keep_whole(row, NO_OBJECT)
            return False
        if not all(self._is_key(name, row.get(name)) for name in self._layout.identity):
            self._keep_whole(row, NO_KEY)
            return False
        return True

    def _is_key(self, name: str, value: object) -> bool:
        if self._layout.tables.facts[name].kind is Kind.DAY:
            return isinstance(value, str) and is_day(value)
        return isinstance(value, Decimal) or (isinstance(value, str) and value != "")

    def _keep_whole(self, row: object, reason: str) -> None:
        self._aside.append(Aside(self._layout.tables.facts.name, None, exact_json.write(row), reason))

    def _take(self, row: Json) -> None:
        for name, texts in self._cells.items():
            value = row.get(name)
            texts.append(self._asset_key(name, value) if name in self._layout.assets else self._text(name, value))
        for name, texts in self._structures.items():
            value = row.get(name.removesuffix("_detail") if name not in self._layout.structured else name)
            texts.append(None if value is None else exact_json.write(value))
        for name, kept in self._lists.items():
            self._take_list(name, row.get(name), kept)
        self._extra.append(self._rest(row))

    def _text(self, column: str, value: object, table: str = "", metric: str = "") -> str | None:
        try:
            text = exact_json.scalar(value)
        except TypeError:
            self._set_aside(column, exact_json.write(value), STRUCTURE, table, metric)
            return None
        if text is not None and not exact_json.is_unicode(text):
            self._set_aside(column, ascii(text), HALF_CHARACTER, table, metric)
            return text.encode("utf-8", "replace").decode()
        return text

    def _asset_key(self, asset: str, value: object) -> str | None:
        """An asset's `id`, else its `hash`, else its `video_id`; a plain text is its own key."""
        if isinstance(value, dict):
            found = (value[name] for name in BREAKDOWNS[asset].asset_keys if value.get(name) is not None)
            key = next(found, None)
            return None if key is None else str(key)
        return exact_json.scalar(value) if not isinstance(value, list) else exact_json.write(value)

    def _set_aside(self, column: str, raw: str, reason: str, table: str = "", metric: str = "") -> None:
        within = {"metric": metric} if metric else {}
        self._aside.append(Aside(table or self._layout.tables.facts.name, column, raw, reason, self._rows, within))

    def _rest(self, row: Json) -> str | None:
        """What no column declares, as one JSON object."""
        rest = {name: value for name, value in row.items() if name not in self._known and value is not None}
        self._unknown.update(rest.keys())
        for name, value in rest.items():
            (self._texts if isinstance(value, str) else self._others).add(name)
        return exact_json.write(rest) if rest else None

    # ---- lists ----

    def _take_list(self, name: str, value: object, kept: "_List") -> None:
        if value is None:
            return
        if not isinstance(value, list) or not all(isinstance(element, dict) for element in value):
            self._set_aside(name, exact_json.write(value), NO_LIST)
            return
        for element in value:
            if name in self._layout.results:
                self._take_result(name, element, kept)
            else:
                self._take_action(name, element, kept)

    def _take_action(self, name: str, element: Json, kept: "_List") -> None:
        actions = self._layout.tables.actions
        table = actions.name if actions else ""
        histogram = None
        known = {ELEMENT_VALUE, *self._layout.splits, *self._layout.windows}
        if name in self._layout.histograms:
            histogram = _numbers(element.get(ELEMENT_VALUE))
            known = {*self._layout.splits, *([ELEMENT_VALUE] if histogram is not None else [])}
        texts = {part: self._text(part, element.get(part), table, name) for part in self._parts(name)}
        kept.add(self._rows, texts, self._rest_of(name, element, known), histogram)

    def _take_result(self, name: str, element: Json, kept: "_List") -> None:
        results = self._layout.tables.results
        table = results.name if results else ""
        indicator = self._text("indicator", element.get("indicator"), table, name)
        rest = self._rest_of(name, element, {"indicator", "values"})
        for value in _values(element):
            windows = ",".join(str(window) for window in value.get("attribution_windows") or ())
            text = self._text("value", value.get("value"), table, name)
            inner = self._rest_of(name, value, {"value", "attribution_windows"})
            kept.add(self._rows, {"indicator": indicator, "attribution_windows": windows, "value": text}, rest or inner)

    def _rest_of(self, name: str, element: Json, known: set[str]) -> str | None:
        rest = {key: value for key, value in element.items() if key not in known and value is not None}
        self._unknown.update(f"{name}.{key}" for key in rest)
        return exact_json.write(rest) if rest else None


_RESULT_PARTS = ("indicator", "attribution_windows", "value")


class _List:
    """The elements of one list metric as they grow."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.parents: list[int] = []
        self._texts: list[Mapping[str, str | None]] = []
        self._extra: list[str | None] = []
        self._histograms: list[list[float] | None] = []

    def add(
        self, row: int, texts: Mapping[str, str | None], extra: str | None, histogram: list[float] | None = None
    ) -> None:
        """One element of the list of `row`."""
        self.parents.append(row)
        self._texts.append(texts)
        self._extra.append(extra)
        self._histograms.append(histogram)

    def elements(self, parts: Sequence[str]) -> Elements:
        """The elements as columns."""
        return Elements(
            self.name,
            pa.array(self.parents, pa.int64()),
            {part: pa.array([texts.get(part) for texts in self._texts], pa.string()) for part in parts},
            histogram=pa.array(self._histograms, pa.list_(pa.float64())) if any(self._histograms) else None,
            extra=pa.array(self._extra, pa.string()) if any(self._extra) else None,
        )


def _values(element: Json) -> Iterator[Json]:
    """The values of a result; one empty value where it has none, so that the element keeps its row."""
    values = element.get("values")
    there = [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
    yield from there or [{}]


def _numbers(value: object) -> list[float] | None:
    if isinstance(value, list) and all(isinstance(part, Decimal) for part in value):
        return [float(part) for part in value]
    return None
