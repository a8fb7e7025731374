"""Owns the careful path: pages taken apart row by row, losing nothing: what fits no column is kept aside."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from pipeline.normalise import exact_json
from pipeline.normalise.layout import ELEMENT_VALUE, Layout
from pipeline.normalise.parsed import Aside, Elements, Parsed
from pipeline.normalise.typed import is_day, typed
from schemas.breakdowns import BREAKDOWNS
from schemas.columns import Kind

NO_OBJECT = "not an object"
NO_KEY = "lacks a key"
STRUCTURE = "a structure where a scalar was expected"
NO_LIST = "not a list"
NO_WINDOWS = "not a list of windows"
NO_NUMBERS = "not a list of numbers"
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
        lists = (*layout.actions, *layout.histograms, *layout.results)
        self._lists = {name: _List(name, self._table_of(name), self._columns_of(name)) for name in lists}
        self._extra: list[str | None] = []
        self._aside: list[Aside] = []
        self._unknown: Counter[str] = Counter()
        self._texts: set[str] = set()
        self._others: set[str] = set()
        self._rows = 0
        self._known = {*self._cells, *layout.structured, *self._lists}

    def read(self, rows: Iterable[object]) -> Parsed:
        for row in rows:
            if self._is_row(row):
                self._take(row)  # type: ignore[arg-type]  # just seen to be an object
                self._rows += 1
        return Parsed(
            rows=self._rows,
            cells={name: pa.array(texts, pa.string()) for name, texts in self._cells.items()},
            structures={name: pa.array(texts, pa.string()) for name, texts in self._structures.items()},
            actions=[self._lists[n].elements() for n in self._names_with_elements(results=False)],
            results=[self._lists[n].elements() for n in self._names_with_elements(results=True)],
            extra=pa.array(self._extra, pa.string()) if any(self._extra) else None,
            aside=self._aside,
            unknown=self._unknown,
            scalars=self._texts - self._others,
        )

    def _names_with_elements(self, *, results: bool) -> list[str]:
        return [n for n, kept in self._lists.items() if kept.parents and (n in self._layout.results) == results]

    def _columns_of(self, metric: str) -> dict[str, str]:
        """The texts that an element of a list metric is made of, with the columns of its table that they go into."""
        if metric in self._layout.results:
            return {part: part for part in ("indicator", "attribution_windows", ELEMENT_VALUE)}
        splits = {split: split for split in self._layout.splits}
        if metric in self._layout.histograms:
            return splits
        windows = {window: f"{ELEMENT_VALUE}_{window}" for window in self._layout.windows}
        return {ELEMENT_VALUE: ELEMENT_VALUE, **splits, **windows}

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
        return isinstance(value, str) and value != "" and exact_json.is_unicode(value)

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
            return exact_json.whole(text)
        return text

    def _asset_key(self, asset: str, value: object) -> str | None:
        """An asset's `id`, else its `hash`, else its `video_id`; a plain text is its own key."""
        if isinstance(value, dict):
            found = (value[name] for name in BREAKDOWNS[asset].asset_keys if value.get(name))
            return self._text(asset, next(found, None))
        return self._text(asset, value)

    def _set_aside(self, column: str | None, raw: str, reason: str, table: str = "", metric: str = "") -> None:
        within = {"metric": metric} if metric else {}
        self._aside.append(Aside(table or self._layout.tables.facts.name, column, raw, reason, self._rows, within))

    def _rest(self, row: Json) -> str | None:
        """What no column declares, as one JSON object."""
        rest = {name: value for name, value in row.items() if name not in self._known and value is not None}
        self._unknown.update(map(exact_json.whole, rest))
        for name, value in rest.items():
            plain = type(value) is str and exact_json.is_unicode(name)
            (self._texts if plain else self._others).add(name)
        return exact_json.write(rest) if rest else None

    # ---- lists ----

    def _take_list(self, name: str, value: object, kept: "_List") -> None:
        if value is None:
            return
        table = self._table_of(name)
        if not isinstance(value, list):
            self._set_aside(None, exact_json.write(value), NO_LIST, table, name)
            return
        for element in value:
            if not isinstance(element, dict):
                self._set_aside(None, exact_json.write(element), NO_OBJECT, table, name)
            elif name in self._layout.results:
                self._take_result(name, element, kept)
            elif name in self._layout.histograms:
                self._take_histogram(name, element, kept)
            else:
                self._take_action(name, element, kept)

    def _table_of(self, metric: str) -> str:
        """The long table that the elements of a list metric are rows of."""
        tables = self._layout.tables
        table = tables.results if metric in self._layout.results else tables.actions
        return table.name if table else ""

    def _take_action(self, name: str, element: Json, kept: "_List") -> None:
        texts = self._texts_of(name, element, kept)
        kept.add(self._rows, texts, self._rest_of(name, element, kept.columns))

    def _texts_of(self, name: str, element: Json, kept: "_List") -> dict[str, str | None]:
        columns = kept.columns.items()
        return {part: self._text(column, element.get(part), kept.table, name) for part, column in columns}

    def _take_histogram(self, name: str, element: Json, kept: "_List") -> None:
        texts = self._texts_of(name, element, kept)
        sent = element.get(ELEMENT_VALUE)
        histogram = _numbers(sent)
        if sent is not None and histogram is None:
            self._set_aside("histogram", exact_json.write(sent), NO_NUMBERS, kept.table, name)
        kept.add(self._rows, texts, self._rest_of(name, element, {ELEMENT_VALUE, *kept.columns}), histogram)

    def _take_result(self, name: str, element: Json, kept: "_List") -> None:
        indicator = self._text("indicator", element.get("indicator"), kept.table, name)
        rest = self._unknown_of(name, element, {"indicator", "values"})
        for value in self._values(name, element.get("values"), kept.table):
            windows = self._windows(name, value.get("attribution_windows"), kept.table)
            text = self._text("value", value.get("value"), kept.table, name)
            inner = self._unknown_of(name, value, {"value", "attribution_windows"})
            extra = {**rest, "values": inner} if inner else rest
            texts = {"indicator": indicator, "attribution_windows": windows, "value": text}
            kept.add(self._rows, texts, exact_json.write(extra) if extra else None)

    def _values(self, metric: str, values: object, table: str) -> Iterator[Json]:
        """The values of a result; one empty value where it has none, so that the element keeps its row."""
        listed = values if isinstance(values, list) else [] if values is None else [values]
        for value in listed or [{}]:
            if value is not None and not isinstance(value, dict):
                self._set_aside("value", exact_json.write(value), NO_OBJECT, table, metric)
            yield value if isinstance(value, dict) else {}

    def _windows(self, metric: str, windows: object, table: str) -> str | None:
        """The windows of a value, joined by commas; a plain text is one window."""
        if isinstance(windows, list) and all(isinstance(window, str) for window in windows):
            return self._text("attribution_windows", ",".join(windows), table, metric)
        if windows is None or isinstance(windows, str):
            return self._text("attribution_windows", windows, table, metric)
        self._set_aside("attribution_windows", exact_json.write(windows), NO_WINDOWS, table, metric)
        return None

    def _rest_of(self, name: str, element: Json, known: Collection[str]) -> str | None:
        rest = self._unknown_of(name, element, known)
        return exact_json.write(rest) if rest else None

    def _unknown_of(self, name: str, element: Json, known: Collection[str]) -> Json:
        rest = {key: value for key, value in element.items() if key not in known and value is not None}
        if rest:
            self._unknown.update(f"{name}.{exact_json.whole(key)}" for key in rest)
        return rest


class _List:
    """The elements of one list metric as they grow, for the columns of their table."""

    def __init__(self, name: str, table: str, columns: Mapping[str, str]) -> None:
        self.name = name
        self.table = table
        self.columns = columns
        self.parents: list[int] = []
        self._texts: list[Mapping[str, str | None]] = []
        self._extra: list[str | None] = []
        self._histograms: list[list[float | None] | None] = []

    def add(
        self, row: int, texts: Mapping[str, str | None], extra: str | None, histogram: list[float | None] | None = None
    ) -> None:
        """One element of the list of `row`."""
        self.parents.append(row)
        self._texts.append(texts)
        self._extra.append(extra)
        self._histograms.append(histogram)

    def elements(self) -> Elements:
        """The elements as columns."""
        return Elements(
            self.name,
            pa.array(self.parents, pa.int64()),
            {part: pa.array([texts.get(part) for texts in self._texts], pa.string()) for part in self.columns},
            histogram=pa.array(self._histograms, pa.list_(pa.float64())),
            extra=pa.array(self._extra, pa.string()) if any(self._extra) else None,
        )


def _numbers(value: object) -> list[float | None] | None:
    """The numbers of a list, sent as numbers or as text; None if it is no such list."""
    if not isinstance(value, list) or not all(part is None or isinstance(part, str) for part in value):
        return None
    found = typed(pa.array(value, pa.string()), Kind.RATIO)
    return None if found.faults else found.values.to_pylist()
