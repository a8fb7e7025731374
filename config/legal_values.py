"""Owns how a nested entry of the configuration is checked against what an API page describes. Knows no page.

A `Check` takes a place and a value and yields a sentence for everything that is wrong with it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.legality import nearest

Check = Callable[[str, Any], Iterator[str]]


def text(place: str, value: Any) -> Iterator[str]:
    """A text that says something."""
    if not isinstance(value, str) or not value.strip():
        yield f"{place} = {value!r}: write a text in quotes"


def an_id(place: str, value: Any) -> Iterator[str]:
    """An id: digits, in quotes, as it may be larger than a number."""
    if not isinstance(value, str) or not value.isascii() or not value.isdigit():
        yield f"{place} = {value!r}: write an id as digits in quotes"


def flag(place: str, value: Any) -> Iterator[str]:
    """A yes or no: true or false."""
    if not isinstance(value, bool):
        yield f"{place} = {value!r}: write true or false"


def mail(place: str, value: Any) -> Iterator[str]:
    """An address of a mail box."""
    if not isinstance(value, str) or "@" not in value.strip("@"):
        yield f"{place} = {value!r}: write a mail address"


def zone(place: str, value: Any) -> Iterator[str]:
    """A time zone by its name."""
    try:
        ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield f"{place} = {value!r}: there is no such time zone; write one such as 'America/Los_Angeles'"


def moment(place: str, value: Any) -> Iterator[str]:
    """A day or a moment, in TOML's own way or as an ISO 8601 text."""
    if isinstance(value, date):
        return
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        yield f"{place} = {value!r}: write a day or a moment that exists, such as 2026-09-01"


def whole(least: int, most: int) -> Check:
    """A whole number between two, both inclusive, also as text."""

    def check(place: str, value: Any) -> Iterator[str]:
        digits = isinstance(value, str) and value.isascii() and value.isdigit()
        number = int(value) if digits or (isinstance(value, int) and not isinstance(value, bool)) else None
        if number is None:
            yield f"{place} = {value!r}: write a whole number from {least} to {most}"
        elif not least <= number <= most:
            yield f"{place} = {value!r}: the nearest legal value is {max(least, min(number, most))}"

    return check


def one_of(*legal: str) -> Check:
    """One of some words."""

    def check(place: str, value: Any) -> Iterator[str]:
        if value not in legal:
            near = nearest(value, legal) if isinstance(value, str) else legal[0]
            yield f"{place} = {value!r}: should be {' or '.join(map(repr, legal))}; did you mean {near!r}?"

    return check


def list_of(check: Check, least: int = 0) -> Check:
    """A list whose elements are counted from 1."""

    def check_all(place: str, value: Any) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{place} = {value!r}: write a list in [ ]"
            return
        if len(value) < least:
            yield f"{place} = []: name one at least"
        for number, element in enumerate(value, 1):
            yield from check(f"{place} number {number}", element)

    return check_all


def table(members: Mapping[str, Check], needed: Sequence[str] = ()) -> Check:
    """A table of some members; unknown ones are refused with the nearest that is legal."""

    def check(place: str, value: Any) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield f"{place} = {value!r}: write a table in {{ }}"
            return
        misspelt = set()
        for name, part in value.items():
            if name in members:
                yield from members[name](f"{place} {name}", part)
            else:
                near = nearest(name, members)
                misspelt.add(near)
                yield f"{place} {name} is not a setting; did you mean {near}?"
        yield from (
            f"{place} {name} is missing; add it" for name in needed if name not in value and name not in misspelt
        )

    return check


def either(plain: Check, rich: Check) -> Check:
    """A table or a list, or something plain that stands for it."""

    def check(place: str, value: Any) -> Iterator[str]:
        yield from (rich if isinstance(value, Mapping | list) else plain)(place, value)

    return check
