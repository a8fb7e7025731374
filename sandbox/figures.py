"""Owns exact numbers: how they are read from a world file, divided and printed; no float ever enters."""

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

Number = int | Decimal

_SIX_PLACES = Decimal("0.000001")
_MICROS = Decimal(1_000_000)
_WIDE = Context(prec=60)


def number(raw: object) -> Decimal | None:
    """Read a number or a numeric text exactly; None for anything else."""
    if isinstance(raw, Decimal):
        return raw
    if isinstance(raw, bool) or not isinstance(raw, int | str | float):
        return None
    try:
        value = Decimal(str(raw))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def text(value: Number) -> str:
    """Print a number in full, as it was given: no exponent, no rounding."""
    return str(value) if isinstance(value, int) else format(value, "f")


def money(micros: int) -> Decimal:
    """Turn millionths into a decimal without trailing zeros."""
    return tidy(Decimal(micros) / _MICROS)


def tidy(value: Decimal) -> Decimal:
    """Drop trailing zeros; `text` prints what is left without an exponent."""
    return value.normalize(_WIDE)


def quotient(above: Number, below: Number, factor: int = 1) -> Decimal | None:
    """Return factor x above / below, rounded half-even to six places; None where nothing divides."""
    if not below or not above:
        return None
    exact = _WIDE.divide(_WIDE.multiply(factor, above), below)
    rounded = exact.quantize(_SIX_PLACES, ROUND_HALF_EVEN, _WIDE)
    return tidy(rounded) if rounded else None
