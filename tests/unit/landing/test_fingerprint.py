"""The fingerprint of a slice's rows: blind to order and division, sensitive to every cell."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.lake import Fingerprint
from schemas.arrow import file_schema
from schemas.columns import ORIGIN, Column, Kind, Table


def _decimals(digits: int) -> st.SearchStrategy[Decimal]:
    most = 10 ** (digits - 6) - 1
    return st.decimals(-most, most, places=6, allow_nan=False, allow_infinity=False)


_INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001 - zone added where wanted
_FLOATS = st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0)
VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: st.text(max_size=6),
    Kind.COUNT: st.integers(-(2**63), 2**63 - 1),
    Kind.MONEY: _decimals(18),
    Kind.AMOUNT: _decimals(25),
    Kind.RATIO: _FLOATS,
    Kind.FLAG: st.booleans(),
    Kind.DAY: st.dates(date(1900, 1, 1), date(2100, 1, 1)),
    Kind.LOCAL_TIME: _INSTANTS,
    Kind.INSTANT: _INSTANTS.map(lambda at: at.replace(tzinfo=UTC)),
    Kind.JSON: st.sampled_from(["", "{}", '{"a":1}', "null", "[]"]),
    Kind.NUMBERS: st.lists(st.none() | st.sampled_from([0.0, 1.0, -1.5]), max_size=3),
}
TABLE = Table("t", "T", (*(Column(kind.name.lower(), kind, "") for kind in Kind), *ORIGIN), ("text",))
ROWS = st.lists(st.fixed_dictionaries({k.name.lower(): st.none() | VALUES[k] for k in Kind}), min_size=1, max_size=6)
BORN = datetime(2026, 11, 10, tzinfo=UTC)


def arrow(rows: list[dict[str, Any]], **origin: Any) -> pa.Table:
    return pa.Table.from_pylist([{**row, **origin} for row in rows], schema=file_schema(TABLE))


def of(*batches: pa.Table) -> str:
    sums = Fingerprint(TABLE)
    for batch in batches:
        sums.add(batch)
    return sums.text


@settings(max_examples=40, deadline=None)
@given(ROWS, st.randoms(use_true_random=False), st.integers(0, 6))
def test_order_division_and_origin_do_not_matter(rows: list[dict[str, Any]], chance: Any, at: int) -> None:
    """The same rows in another order, in other calls, read at another time by another run."""
    other = chance.sample(rows, len(rows))
    whole = of(arrow(rows, fetched_at=BORN, run_id="one"))
    assert whole == of(arrow(other[:at], run_id="two"), arrow(other[at:], fetched_at=BORN))


@settings(max_examples=100, deadline=None)
@given(ROWS, st.data())
def test_every_cell_matters(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    """Any cell of any kind changed to any other value, or to NULL, or from it."""
    row = data.draw(st.integers(0, len(rows) - 1))
    kind = data.draw(st.sampled_from(list(Kind)))
    name = kind.name.lower()
    value = data.draw(st.none() | VALUES[kind])
    assume(value != rows[row][name])
    changed = [{**found, name: value} if i == row else found for i, found in enumerate(rows)]
    assert of(arrow(rows)) != of(arrow(changed))


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("text", None, ""),
        ("count", None, 0),
        ("flag", None, False),
        ("money", Decimal("0.000001"), Decimal("0.000002")),
        ("amount", Decimal(0), None),
        ("numbers", None, []),
        ("numbers", [], [None]),
        ("numbers", [0.0], [0.0, 0.0]),
        ("json", None, "null"),
    ],
)
def test_what_looks_alike_is_told_apart(name: str, one: object, other: object) -> None:
    """NULL and '', NULL and 0, an empty list and none, one zero and two, the last decimal."""
    assert of(arrow([{name: one}])) != of(arrow([{name: other}]))


def test_a_row_twice_is_not_the_row_once() -> None:
    """Neither once nor not at all."""
    row = {"text": "a"}
    assert len({of(arrow([row] * n)) for n in range(4)}) == 4


def test_values_that_change_their_rows_or_columns_are_told_apart() -> None:
    """Two cells exchanged between rows, or between columns of one kind."""
    one = [{"text": "a", "count": 1}, {"text": "b", "count": 2}]
    other = [{"text": "a", "count": 2}, {"text": "b", "count": 1}]
    assert of(arrow(one)) != of(arrow(other))
    assert of(arrow([{"text": "a", "json": "b"}])) != of(arrow([{"text": "b", "json": "a"}]))


def test_texts_kept_as_dictionaries_are_the_same_texts() -> None:
    """How Arrow holds a column is not what it says."""
    plain = arrow([{"text": "a"}, {"text": None}, {"text": "a"}])
    at = plain.schema.get_field_index("text")
    assert of(plain) == of(plain.set_column(at, "text", plain["text"].dictionary_encode()))


def test_other_columns_are_another_fingerprint() -> None:
    """A column renamed to one of the same length is noticed although all its values are the same."""
    names = (("clicks", "visits"), ("clicks", "clicks"))
    found = set()
    for pair in names:
        table = Table("t", "T", (Column("id", Kind.TEXT, ""), Column(pair[1], Kind.COUNT, "")), ("id",))
        sums = Fingerprint(table)
        sums.add(pa.table({"id": ["1"], pair[1]: pa.array([1], pa.int64())}))
        found.add(sums.text)
    assert len(found) == 2
