"""Owns how a column of text becomes a column of its kind, and which cells do not fit: never 0, never dropped."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from schemas.arrow import TYPES
from schemas.columns import Kind

ROUNDED = "rounded"
_SIX = Decimal("0.000001")
_WIDE = Context(prec=80)
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?")
_PLAIN = b"0123456789.-"
_FINE = pa.decimal128(38, 18)
_LONGEST = {pa.decimal128(18, 6): 32, pa.decimal128(38, 6): 32, _FINE: 20}
"""Characters that Arrow surely reads rightly: it scales in 128 bits, and what overflows comes out as another number."""
_DIGITS = {Kind.MONEY: 18, Kind.AMOUNT: 38}
_FLAGS = {"true": True, "false": False, "1": True, "0": False}


@dataclass(frozen=True, slots=True)
class Fault:
    """One cell that is not as its kind wants it: its index, the raw text, the reason as `meta.quarantine` says it."""

    row: int
    raw: str
    reason: str


@dataclass(frozen=True, slots=True)
class Typed:
    """A typed column and the cells that are NULL, or rounded, because they did not fit."""

    values: pa.Array
    faults: list[Fault]


def typed(texts: pa.Array, kind: Kind, *, quotient: bool = False) -> Typed:
    """Types a column of text at once; only if that is refused, cell by cell.

    A `quotient` may be rounded to six decimals without a word; any other amount is reported as `rounded`.
    """
    if kind in {Kind.TEXT, Kind.JSON}:
        return Typed(texts, [])
    if texts.null_count == len(texts):
        return Typed(pa.nulls(len(texts), TYPES[kind]), [])
    quick = _quickly(texts, kind, quotient=quotient)
    return Typed(quick, []) if quick is not None else _cell_by_cell(texts, kind, quotient=quotient)


def _quickly(texts: pa.Array, kind: Kind, *, quotient: bool) -> pa.Array | None:
    """The whole column cast by Arrow, where Arrow is as strict as we are; None where it refuses or might not be."""
    if kind in {Kind.FLAG, Kind.INSTANT} or _may_deceive(texts, kind) or _may_overflow(texts, TYPES[kind]):
        return None
    try:
        values = pc.cast(texts, TYPES[kind])
    except pa.ArrowInvalid:
        return _rounded_quickly(texts, kind) if quotient and kind in _DIGITS else None
    finite = kind is not Kind.RATIO or pc.all(pc.is_finite(values)).as_py() is not False
    return values if finite else None


def _may_deceive(texts: pa.Array, kind: Kind) -> bool:
    """Whether a cell might be a value to Arrow and none to us: hexadecimal, a plus sign, `.5`, `5.`, the year 0.

    The bytes of all cells are looked at together; exponents pass for suspicious too, which costs time only.
    """
    if kind is Kind.DAY:
        return _any(pc.starts_with(texts, "0000"))
    data = texts.buffers()[2]
    if data is None:
        return False
    view = bytes(memoryview(data)[_first(texts) : _last(texts)])
    if view.translate(None, _PLAIN):
        return True
    return b"." in view and (b"-." in view or _any(pc.starts_with(texts, ".")) or _any(pc.ends_with(texts, ".")))


def _may_overflow(texts: pa.Array, to: pa.DataType) -> bool:
    return to in _LONGEST and (pc.max(pc.binary_length(texts)).as_py() or 0) > _LONGEST[to]


def _any(found: pa.Array) -> bool:
    return pc.any(found).as_py() is True


def _first(texts: pa.Array) -> int:
    return int.from_bytes(texts.buffers()[1][texts.offset * 4 : texts.offset * 4 + 4].to_pybytes(), "little")


def _last(texts: pa.Array) -> int:
    end = (texts.offset + len(texts)) * 4
    return int.from_bytes(texts.buffers()[1][end : end + 4].to_pybytes(), "little")


def _rounded_quickly(texts: pa.Array, kind: Kind) -> pa.Array | None:
    if _may_overflow(texts, _FINE):
        return None
    try:
        fine = pc.cast(texts, _FINE)
        return pc.cast(pc.round(fine, ndigits=6, round_mode="half_to_even"), TYPES[kind])
    except pa.ArrowInvalid:
        return None


def _cell_by_cell(texts: pa.Array, kind: Kind, *, quotient: bool) -> Typed:
    read = _READERS[kind]
    values: list[Any] = []
    faults: list[Fault] = []
    for row, raw in enumerate(texts.to_pylist()):
        value, reason = (None, "") if raw is None else read(raw)
        values.append(value)
        if reason and not (reason == ROUNDED and quotient):
            faults.append(Fault(row, raw, reason))
    return Typed(pa.array(values, TYPES[kind]), faults)


Read = tuple[Any, str]
"""A value and, unless it is exactly what was sent, the reason."""


def whole_number(raw: str) -> tuple[int | None, str]:
    """The whole number that a text means and no reason, or None and the reason why it means none."""
    return _count(raw)


def _count(raw: str) -> Read:
    """`12.0` is the whole number 12; `12.5` is none."""
    if not _DECIMAL.fullmatch(raw):
        return None, "not a whole number"
    value = Decimal(raw)
    if not -(2**63) <= value < 2**63:
        return None, "does not fit BIGINT"
    return (int(value), "") if value == value.to_integral_value() else (None, "not a whole number")


def _amount(digits: int) -> Callable[[str], Read]:
    def read(raw: str) -> Read:
        if not _DECIMAL.fullmatch(raw):
            return None, "not a number"
        exact = Decimal(raw)
        try:
            value = exact.quantize(_SIX, ROUND_HALF_EVEN, _WIDE)
        except InvalidOperation:
            return None, f"does not fit DECIMAL({digits},6)"
        if abs(value) >= Decimal(10) ** (digits - 6):
            return None, f"does not fit DECIMAL({digits},6)"
        return value, "" if value == exact else ROUNDED

    return read


def _ratio(raw: str) -> Read:
    if not _DECIMAL.fullmatch(raw):
        return None, "not a number"
    value = float(raw)
    return (value, "") if abs(value) != float("inf") else (None, "does not fit DOUBLE")


def _flag(raw: str) -> Read:
    return (_FLAGS[raw], "") if raw in _FLAGS else (None, "not true or false")


def _day(raw: str) -> Read:
    return (date.fromisoformat(raw), "") if is_day(raw) else (None, "not a day")


def is_day(raw: str) -> bool:
    """Whether the text is a day that exists, as `YYYY-MM-DD`."""
    try:
        return date.fromisoformat(raw).isoformat() == raw
    except ValueError:
        return False


def _instant(raw: str) -> Read:
    try:
        value = datetime.fromtimestamp(int(raw), UTC) if raw.isdecimal() else datetime.fromisoformat(raw)
        return (value.astimezone(UTC), "") if value.tzinfo else (None, "an instant without its offset")
    except (ValueError, OverflowError, OSError):
        return None, "not an instant"


_READERS: dict[Kind, Callable[[str], Read]] = {
    Kind.COUNT: _count,
    Kind.MONEY: _amount(18),
    Kind.AMOUNT: _amount(38),
    Kind.RATIO: _ratio,
    Kind.FLAG: _flag,
    Kind.DAY: _day,
    Kind.INSTANT: _instant,
}
