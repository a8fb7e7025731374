"""Owns JSON without loss: numbers keep every digit, and structures are written back as they were read."""

import json
from collections.abc import Sequence
from typing import Any

import orjson

EARLIER = " (given before)"
"""What is added to a key that an object gives again: the last one counts, as in every reader, the others are kept."""
_AS_READ = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS


class Number(str):
    """A number of JSON, letter by letter as it was sent."""

    __slots__ = ()


def read(text: bytes | str) -> Any:
    """Decodes JSON; numbers become `Number`. What only JavaScript calls a number (`NaN`) becomes text.

    Raises:
        ValueError: The text is no JSON, or nested so deeply that nobody meant it.
    """
    try:
        return json.loads(text, parse_float=Number, parse_int=Number, parse_constant=str, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _with_earlier(pairs)


def _with_earlier(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in reversed(pairs):
        free = key
        while free in found:
            free += EARLIER
        found[free] = value
    return found


def write(value: Any) -> str:
    """Encodes what `read` decoded, keys sorted, so that equal structures are equal texts."""
    try:
        return orjson.dumps(_sound(value), default=_number, option=_AS_READ).decode()
    except (TypeError, RecursionError):  # beyond 254 levels, or beyond Python's stack
        return _level_by_level(value)


def _level_by_level(value: Any) -> str:
    """The same at any depth, whatever the stack bears."""
    done: list[str] = []
    open_: list[Any] = [value]
    while open_:
        part = open_.pop()
        if isinstance(part, _Written):
            done.append(part)
        elif isinstance(part, dict):
            members = ((_Written(","), _Written(write(key) + ":"), part[key]) for key in sorted(part, key=_sound))
            open_ += [_Written("}"), *reversed([one for each in members for one in each][1:]), _Written("{")]
        elif isinstance(part, list):
            open_ += [
                _Written("]"),
                *reversed([one for each in part for one in (_Written(","), each)][1:]),
                _Written("["),
            ]
        else:
            done.append(write(part))
    return "".join(done)


class _Written(str):
    """A part of the text that is written already."""

    __slots__ = ()


def scalar(value: Any) -> str | None:
    """A scalar as the text that a column reads; None for null.

    Raises:
        TypeError: The value is a structure.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    raise TypeError(f"a {type(value).__name__} where a scalar was expected")


def _number(value: object) -> orjson.Fragment:
    if isinstance(value, Number):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} is no JSON")


def _sound(value: Any) -> Any:
    """The same, every text of it whole."""
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, dict):
        return {_sound(key): _sound(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_sound(part) for part in value]
    return value


def whole(text: str) -> str:
    """The text without lone surrogates, which no UTF-8 can hold: each becomes U+FFFD."""
    return text if is_unicode(text) else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def is_unicode(text: str) -> bool:
    """Whether a decoded text can be written as UTF-8; JSON escapes can name half a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
