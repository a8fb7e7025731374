"""Owns JSON without loss: numbers keep every digit, and structures are written back as they were read."""

import json
from decimal import Decimal
from typing import Any

import orjson


def read(text: bytes | str) -> Any:
    """Decodes JSON; numbers become `Decimal` with every digit they had.

    Raises:
        ValueError: The text is no JSON.
    """
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def write(value: Any) -> str:
    """Encodes what `read` decoded, keys sorted, so that equal structures are equal texts."""
    return orjson.dumps(_sound(value), default=_number, option=orjson.OPT_SORT_KEYS).decode()


def scalar(value: Any) -> str | None:
    """A scalar as the text that a column reads; None for null.

    Raises:
        TypeError: The value is a structure.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"a {type(value).__name__} where a scalar was expected")


def _number(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} is no JSON")


def _sound(value: Any) -> Any:
    """The same without lone surrogates, which no UTF-8 can hold: each becomes U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode() if not is_unicode(value) else value
    if isinstance(value, dict):
        return {_sound(key): _sound(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_sound(part) for part in value]
    return value


def is_unicode(text: str) -> bool:
    """Whether a decoded text can be written as UTF-8; JSON escapes can name half a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
