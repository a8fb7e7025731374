"""Owns how numbers, days, instants and durations are written on the page. Pure; English, as everything here is."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from urllib.parse import urlencode

from pipeline.status_page.marks import Mark, in_order

MINUTE, HOUR, DAY = 60, 3600, 86400
SECONDS_MATTER = 10 * MINUTE


def number(value: Decimal | int) -> str:
    """A count or an amount with thousands apart: `1,234,567`."""
    return f"{value:,}"


def amount(value: Decimal) -> str:
    """Money with two decimals at least, never rounded: `1,234.50`, `0.001`."""
    plain = value.normalize()
    decimals = max(2, -int(plain.as_tuple().exponent))
    return f"{plain:,.{decimals}f}"


@lru_cache(maxsize=10_000)
def day(value: date) -> str:
    """A day: `Wed 25 Nov 2026`."""
    return f"{value:%a} {value.day} {value:%b %Y}"


def short_day(value: date) -> str:
    """A day where the year is plain: `25 Nov`."""
    return f"{value.day} {value:%b}"


def moment(value: datetime) -> str:
    """An instant: `25 Nov 2026 03:41 UTC`."""
    at = value.astimezone(UTC)
    return f"{at.day} {at:%b %Y %H:%M} UTC"


def duration(seconds: float) -> str:
    """A span of time as exactly as it matters: `42 s`, `5 min 10 s`, `25 min`, `2 h 05 min`, `3 d 4 h`."""
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        exact = whole % MINUTE and whole < SECONDS_MATTER
        return f"{whole // MINUTE} min {whole % MINUTE} s" if exact else f"{whole // MINUTE} min"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE:02} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def ago(value: datetime, now: datetime) -> str:
    """How long ago an instant was: `2 h 05 min ago`; `just now` within a minute and for what a clock puts ahead."""
    seconds = (now - value).total_seconds()
    return "just now" if seconds < MINUTE else f"{duration(seconds)} ago"


def counted(value: int, one: str, many: str | None = None) -> str:
    """A count with its noun: `1 slice`, `2 slices`."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def tally(counts: Mapping[Mark, int]) -> str:
    """How many slices have which mark: `365 final, 28 landed, 1 failed`."""
    return ", ".join(f"{count:,} {mark}" for mark, count in in_order(counts)) or "nothing yet"


def address(page: str, /, **query: str | None) -> str:
    """A relative address of a page; what is None or empty is left out."""
    given = {name: value for name, value in query.items() if value}
    return f"{page}?{urlencode(given)}" if given else page
