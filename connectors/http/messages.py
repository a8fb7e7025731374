"""A request and a response, as values. Refuse to show what may hold a secret: headers, query and form."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Request:
    """One question over HTTP. A form is sent urlencoded, `json` as it stands; without either there is no body."""

    method: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_seconds: float = 60.0
    json: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """One complete answer: header names in lower case, repeated headers joined by a comma, body decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
