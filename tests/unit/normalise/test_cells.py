"""A column of text becomes a column of its kind: exactly, or NULL with the raw text and the reason."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.normalise import typed as cells
from pipeline.normalise.typed import Fault, typed
from schemas.arrow import TYPES
from schemas.columns import Kind

NUMERIC = (Kind.COUNT, Kind.MONEY, Kind.AMOUNT, Kind.RATIO)
ODD = st.text("0123456789+-.eExX nainf\t_٣", max_size=9)
PLAIN = st.integers(-(10**40), 10**40).map(str) | st.decimals(-(10**14), 10**14, places=7).map(str)
DAYS = st.dates().map(str) | st.text("0123456789-T", max_size=10) | st.sampled_from(["0000-01-01", "2026-02-30"])


def one(raw: str, kind: Kind, *, quotient: bool = False) -> tuple[object, str]:
    """The value of one cell and its reason."""
    found = typed(pa.array([raw], pa.string()), kind, quotient=quotient)
    assert [fault.raw for fault in found.faults] == [raw] * len(found.faults)
    return found.values[0].as_py(), "".join(fault.reason for fault in found.faults)


@pytest.mark.parametrize("kind", NUMERIC, ids=lambda kind: kind.name)
@settings(deadline=None)
@given(st.lists(st.none() | ODD | PLAIN, max_size=5), st.booleans(), st.integers(0, 2))
def test_whole_columns(kind: Kind, texts: list[str | None], quotient: bool, skipped: int) -> None:  # noqa: FBT001 - drawn
    """A column typed at once, also as part of a longer one, equals the same column typed cell by cell."""
    column = pa.array(texts, pa.string())[skipped:]
    quick = cells._quickly(column, kind, quotient=quotient)
    if quick is not None:
        slow = cells._cell_by_cell(column, kind, quotient=quotient)
        assert (slow.values.to_pylist(), slow.faults) == (quick.to_pylist(), [])


@pytest.mark.parametrize("kind", [Kind.MONEY, Kind.AMOUNT], ids=lambda kind: kind.name)
@settings(deadline=None)
@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=9), max_size=3), st.integers(0, 45))
def test_amounts_of_any_size(kind: Kind, numbers: list[Decimal], zeros: int) -> None:
    """However long they are: Arrow alone would take 5784806022461976340853709180049240 for another number."""
    texts = [f"{number:f}".replace(".", "") + "0" * zeros for number in numbers]
    texts += [f"{number:f}" for number in numbers] + ["5784806022461976340853709180049240", "0.1234567"]
    for quotient in (False, True):
        column = pa.array(texts[: 2 * len(numbers) + zeros % 3], pa.string())
        found, slow = typed(column, kind, quotient=quotient), cells._cell_by_cell(column, kind, quotient=quotient)
        assert (found.values.to_pylist(), found.faults) == (slow.values.to_pylist(), slow.faults)


@settings(deadline=None)
@given(st.lists(st.none() | DAYS, max_size=4))
def test_whole_columns_of_days(texts: list[str | None]) -> None:
    """Days typed at once equal days typed cell by cell."""
    column = pa.array(texts, pa.string())
    quick = cells._quickly(column, Kind.DAY, quotient=False)
    if quick is not None:
        slow = cells._cell_by_cell(column, Kind.DAY, quotient=False)
        assert (slow.values.to_pylist(), slow.faults) == (quick.to_pylist(), [])


@pytest.mark.parametrize("kind", NUMERIC, ids=lambda kind: kind.name)
def test_ordinary_columns_are_typed_at_once(kind: Kind) -> None:
    """Numbers as the API writes them never take the way cell by cell, nor does a part of a column beside an odd one."""
    texts = ["0", "-12", "9007199254740993"] if kind is Kind.COUNT else ["0", "-12.5", "1.349403"]
    assert cells._quickly(pa.array(texts), kind, quotient=False) is not None
    assert cells._quickly(pa.array(["0x1F", *texts, "+5"])[1:4], kind, quotient=False) is not None


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("9007199254740993", 9007199254740993),
        ("-9223372036854775808", -9223372036854775808),
        ("12.0", 12),
        ("1e3", 1000),
        ("007", 7),
    ],
)
def test_counts(raw: str, value: int) -> None:
    """Whole numbers are read exactly up to the bounds of BIGINT, however they are written."""
    assert one(raw, Kind.COUNT) == (value, "")


@pytest.mark.parametrize("raw", ["1.5", "", " 5", "5 ", "+5", "0x1F", "nan", "inf", "many", "1,000", "1_000", "٣"])
def test_no_counts(raw: str) -> None:
    """What is no whole number is NULL, never rounded and never 0."""
    assert one(raw, Kind.COUNT) == (None, "not a whole number")


@pytest.mark.parametrize("raw", ["9223372036854775808", "99999999999999999999", "1e400"])
def test_large_counts(raw: str) -> None:
    """A whole number beyond BIGINT is NULL and says so."""
    assert one(raw, Kind.COUNT) == (None, "does not fit BIGINT")


@pytest.mark.parametrize("kind", [Kind.MONEY, Kind.AMOUNT, Kind.RATIO], ids=lambda kind: kind.name)
@pytest.mark.parametrize("raw", ["", "-", "+5", ".5", "5.", "-.5", "0x1F", "nan", "NaN", "inf", "Infinity", "1 2", "٣"])
def test_no_numbers(raw: str, kind: Kind) -> None:
    """What JSON would not write as a number is none."""
    assert one(raw, kind) == (None, "not a number")


@pytest.mark.parametrize(
    ("raw", "value", "reason"),
    [
        ("42.170001", "42.170001", ""),
        ("1e3", "1000", ""),
        ("1e-6", "0.000001", ""),
        ("1.50000000", "1.5", ""),
        ("0.1234565", "0.123456", "rounded"),
        ("0.1234575", "0.123458", "rounded"),
        ("-0.0000005", "0", "rounded"),
        ("0.00000051", "0.000001", "rounded"),
        ("999999999999.999999", "999999999999.999999", ""),
    ],
)
def test_money(raw: str, value: str, reason: str) -> None:
    """Six decimals are exact; a seventh is rounded half-even, and that is told."""
    assert one(raw, Kind.MONEY) == (Decimal(value), reason)


@pytest.mark.parametrize(
    ("raw", "kind", "reason"),
    [
        ("1000000000000", Kind.MONEY, "does not fit DECIMAL(18,6)"),
        ("999999999999.9999999", Kind.MONEY, "does not fit DECIMAL(18,6)"),
        ("1" + "0" * 32, Kind.AMOUNT, "does not fit DECIMAL(38,6)"),
        ("1e999", Kind.AMOUNT, "does not fit DECIMAL(38,6)"),
        ("1e999", Kind.RATIO, "does not fit DOUBLE"),
        ("1" + "0" * 400, Kind.RATIO, "does not fit DOUBLE"),
    ],
)
def test_too_large(raw: str, kind: Kind, reason: str) -> None:
    """More integer digits than fit are NULL, with the raw text kept."""
    assert one(raw, kind) == (None, reason)


def test_most_digits() -> None:
    """Thirty-two integer digits and six decimals fit an amount."""
    raw = "12345678901234567890123456789012.123456"
    assert one(raw, Kind.AMOUNT) == (Decimal(raw), "")


@pytest.mark.parametrize("kind", [Kind.MONEY, Kind.AMOUNT], ids=lambda kind: kind.name)
def test_quotients(kind: Kind) -> None:
    """A quotient is rounded half-even without a word, but what does not fit is told of it too."""
    assert one("0.3219081234", kind, quotient=True) == (Decimal("0.321908"), "")
    assert one("0.1234565", kind, quotient=True) == (Decimal("0.123456"), "")
    assert one("0.12345650000000000000000001", kind, quotient=True) == (Decimal("0.123457"), "")
    assert one("1e40", kind, quotient=True) == (None, f"does not fit {kind.value}")


def test_only_the_odd_cell() -> None:
    """One odd cell leaves the others of its column as they are; absent is NULL, never 0 and never a fault."""
    found = typed(pa.array(["1", None, "x", "4"]), Kind.COUNT)
    assert found.values.to_pylist() == [1, None, None, 4]
    assert found.faults == [Fault(2, "x", "not a whole number")]


def test_nothing_at_all() -> None:
    """A column without a value is NULL in its kind's type."""
    for kind in Kind:
        found = typed(pa.nulls(2, pa.string()), kind)
        assert found.faults == []
        assert found.values.null_count == 2
        assert found.values.type == TYPES[kind]


@pytest.mark.parametrize(
    ("raw", "value"),
    [("true", True), ("false", False), ("1", True), ("0", False), ("yes", None), ("", None), ("True", None)],
)
def test_flags(raw: str, value: bool | None) -> None:  # noqa: FBT001 - a parameter of the table
    """True and false, as words or as 1 and 0; nothing else."""
    assert one(raw, Kind.FLAG) == (value, "" if value is not None else "not true or false")


@pytest.mark.parametrize("raw", ["2026-02-30", "2026-9-1", "20260901", "2026-W36-2", "0000-01-01", "today", ""])
def test_no_days(raw: str) -> None:
    """A day that does not exist, or is written otherwise, is NULL."""
    assert one(raw, Kind.DAY) == (None, "not a day")
    assert one("2026-02-28", Kind.DAY) == (date(2026, 2, 28), "")


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("2026-11-21T22:30:00-0700", datetime(2026, 11, 22, 5, 30, tzinfo=UTC)),
        ("2026-11-21T22:30:00+05:30", datetime(2026, 11, 21, 17, 0, tzinfo=UTC)),
        ("2026-11-21T22:30:00Z", datetime(2026, 11, 21, 22, 30, tzinfo=UTC)),
        ("1969-12-31T15:59:59-0800", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("1459788928", datetime(2016, 4, 4, 16, 55, 28, tzinfo=UTC)),
    ],
)
def test_instants(raw: str, value: datetime) -> None:
    """Instants carry their offset, with or without a colon, or are Unix seconds."""
    assert one(raw, Kind.INSTANT) == (value, "")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("2026-11-21T22:30:00", "an instant without its offset"),
        ("2026-13-21T22:30:00Z", "not an instant"),
        ("0001-01-01T00:00:00+0900", "not an instant"),
        ("99999999999999", "not an instant"),
        ("-1", "not an instant"),
        ("", "not an instant"),
    ],
)
def test_no_instants(raw: str, reason: str) -> None:
    """An instant without an offset is not guessed, and one that no calendar holds is none."""
    assert one(raw, Kind.INSTANT) == (None, reason)
