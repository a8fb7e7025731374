"""Owns cursors and `paging` (graph-api.md 1.7): offsets for insights, opaque keys for edges, complete `next`."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sandbox.faults import named

_PADDING = "ZD"


def offset_cursor(offset: int, *, distinct: bool = False) -> str:
    """Write a zero-based row offset: base64 with each `=` as `ZD`; a distinct one reads the same, looks different."""
    text = f"{offset:+04}" if distinct else str(offset)
    return b64encode(text.encode()).decode().replace("=", _PADDING)


def read_offset(cursor: str) -> int:
    """Read an offset in either form, `MQZDZD` or `MQ==`; anything else is code 2642."""
    try:
        plain = cursor.replace(_PADDING, "=")
        return int(b64decode(plain, validate=True))
    except ValueError as error:
        raise named("2642") from error


def opaque_cursor(object_id: str) -> str:
    """Write an edge's cursor as a long opaque text."""
    return "QVFIU" + b64encode(f"cursor:{object_id}".encode()).decode().replace("=", _PADDING)


def read_opaque(cursor: str) -> str:
    """Read the object id of an edge's cursor; anything else is code 2642."""
    try:
        text = b64decode(cursor.removeprefix("QVFIU").replace(_PADDING, "="), validate=True).decode()
    except ValueError as error:
        raise named("2642") from error
    if not text.startswith("cursor:"):
        raise named("2642")
    return text.removeprefix("cursor:")


@dataclass(frozen=True, slots=True)
class Address:
    """What `next` repeats: the call's own address and parameters."""

    url: str
    parameters: Mapping[str, str]

    def at(self, **cursor: str) -> str:
        """Return the complete address with another cursor."""
        kept = {name: value for name, value in self.parameters.items() if name not in {"after", "before"}}
        return f"{self.url}?{urlencode(kept | cursor)}"


def paging(address: Address, before: str, after: str, *, earlier: bool, later: bool) -> dict[str, Any]:
    """Build `paging`; `next` stands there only while rows follow."""
    found: dict[str, Any] = {"cursors": {"before": before, "after": after}}
    if earlier:
        found["previous"] = address.at(before=before)
    if later:
        found["next"] = address.at(after=after)
    return found
