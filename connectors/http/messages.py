"""A request and a response, as values. Refuse to show what may hold a secret: headers, query and form."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Request:
    """One question over HTTP. A form is sent urlencoded, `json` as it stands; without either no body.

    `place` is what errors say of it where the address itself is a secret. `stall_seconds`: for answers too large to
    time as a whole, how long no byte may come.
    """

    method: str
    url: str = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_seconds: float | None = 60.0
    place: str = ""
    stall_seconds: float | None = None
    json: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """One complete answer: header names in lower case, repeated headers joined by a comma, body decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
