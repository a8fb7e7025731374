"""The one place where an answer of Graph is first read: a `Reply`, or the fault it stands for. Pure.

The rows of a page are found here and not decoded: they are most of the bytes, and the lake wants them raw.
Envelope: graph-api.md 1.4, 1.5 [seed 004]; paging: 1.7 [seed 004].
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import orjson

from connectors.errors import Transport
from connectors.graph import faults
from connectors.graph.calls import OF_RUN, PAGED, Call
from connectors.graph.fault_table import RUN
from connectors.pace.quotas import Reading

OK = range(200, 300)
REDIRECT = range(300, 400)
UNSET = msgspec.UNSET

# What of a `next` address carries on; everything else in it are our own parameters and the token (1.7 [seed 004]).
ONWARD = frozenset({"after", "offset", "since", "until", "__paging_token", "__after_id", "page"})


@dataclass(frozen=True, slots=True)
class Paging:
    """Where the listing goes on. It ends when `has_next` is false and for no other reason.

    `onward`: the parameters that ask for the next page; `after` among them except on edges that page by time or offset.
    """

    has_next: bool = False
    onward: tuple[tuple[str, str], ...] = ()

    @property
    def after(self) -> str | None:
        """The cursor, where there is one."""
        return dict(self.onward).get("after")


@dataclass(frozen=True, slots=True)
class Reply:
    """A good answer.

    body: the JSON text of what was asked: the `data` array of a page, the whole object of anything else, the bytes of a
        file. Never a page's envelope: its `next` holds the token.
    usage: what the headers told, already learned by the governor when a caller sees it.
    location: where a file is to be fetched, without our token (6.4 [seed 003]).
    """

    body: bytes = field(repr=False)
    paging: Paging = Paging()
    usage: tuple[Reading, ...] = ()
    version: str | None = None
    trace_id: str | None = None
    summary: bytes | None = field(default=None, repr=False)
    location: str | None = field(default=None, repr=False)

    def rows(self) -> list[dict[str, Any]]:
        """The rows of a page, decoded now."""
        rows: list[dict[str, Any]] = orjson.loads(self.body)
        return rows

    def object(self) -> dict[str, Any]:
        """The object, decoded now."""
        node: dict[str, Any] = orjson.loads(self.body)
        return node


class _Cursors(msgspec.Struct):
    after: str | None = None


class _Paging(msgspec.Struct):
    cursors: _Cursors | None = None
    next: str | None = None


class _Envelope(msgspec.Struct):
    data: msgspec.Raw | msgspec.UnsetType = UNSET
    paging: msgspec.Raw | msgspec.UnsetType = UNSET
    summary: msgspec.Raw | msgspec.UnsetType = UNSET
    error: msgspec.Raw | msgspec.UnsetType = UNSET


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_PAGING = msgspec.json.Decoder(_Paging | None)


def decipher(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    call: Call,
    readings: tuple[Reading, ...] = (),
) -> Reply:
    """The reply that these three parts are, or the fault raised; header names in lower case.

    An `error` object decides before the status does: a 200 that carries one is a failure (1.5 [obs: o:airbyte]).
    """
    return replace(_read(status, headers, body, call), usage=readings)


def _read(status: int, headers: Mapping[str, str], body: bytes, call: Call) -> Reply:
    if call.kind == "file" and (status in OK or status in REDIRECT):
        return _file(status, headers, body, call)
    envelope = _envelope(body)
    if envelope is None:
        raise faults.degenerate(status, headers, body, place=call.place)
    error = _error(envelope)
    if error is not None:
        where = RUN if call.kind in OF_RUN else "any"
        raise faults.classify(status, error, headers, place=call.place, account=call.account, where=where)
    if status not in OK:
        raise faults.degenerate(status, headers, body, place=call.place)
    if call.kind in PAGED:
        return _page(status, headers, envelope, call)
    _refuse_lacking(call, body, status)
    return Reply(body, **_common(headers))


def _file(status: int, headers: Mapping[str, str], body: bytes, call: Call) -> Reply:
    location = headers.get("location")
    if status in REDIRECT and not location:
        raise _lie("a redirect without a place to go", status, call)
    if status in OK and body[:1] == b"{":
        envelope = _envelope(body)
        error = _error(envelope) if envelope is not None else None
        if error is not None:
            raise faults.classify(status, error, headers, place=call.place, account=call.account)
    return Reply(body, location=location, **_common(headers))


def _page(status: int, headers: Mapping[str, str], envelope: _Envelope, call: Call) -> Reply:
    if envelope.data is UNSET:
        raise _lie("a page without `data`", status, call)
    data = bytes(envelope.data)
    if not data.startswith(b"["):
        raise _lie("a page whose `data` is no list", status, call)
    _refuse_lacking(call, data, status)
    paging = paging_of(envelope.paging)
    if paging is None:
        raise _lie("a page whose `paging` cannot be read", status, call)
    summary = None if envelope.summary is UNSET else bytes(envelope.summary)
    return Reply(data, paging=paging, summary=summary, **_common(headers))


def paging_of(raw: msgspec.Raw | msgspec.UnsetType) -> Paging | None:
    """The paging of an envelope; an empty edge may have none (1.7 [inferred]). None when it is no paging at all.

    `next` is reduced to the parameters that lead on: the address itself holds the token.
    """
    if raw is UNSET or bytes(raw) == b"[]":  # an empty object of PHP
        return Paging()
    try:
        paging = _PAGING.decode(raw)
    except msgspec.DecodeError:
        return None
    if paging is None or paging.next is None:
        return Paging()
    onward = _onward(paging.next)
    if not onward and paging.cursors is not None and paging.cursors.after is not None:
        onward = (("after", paging.cursors.after),)
    return Paging(has_next=True, onward=onward)


def _onward(address: str) -> tuple[tuple[str, str], ...]:
    try:
        query = parse_qsl(urlsplit(address).query, keep_blank_values=True)
    except ValueError:
        return ()
    found = {name: value for name, value in query if name in ONWARD}
    if "after" in found:  # a cursor leads alone; `since` beside it is our own
        return (("after", found["after"]),)
    return tuple(sorted(found.items()))


def _envelope(body: bytes) -> _Envelope | None:
    """The outer object; None when this is not valid JSON in UTF-8 with an object outside."""
    try:
        if not body.isascii():
            body.decode("utf-8")  # what the envelope skips is not checked by its decoder
        return _ENVELOPE.decode(body)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        return None


def _error(envelope: _Envelope) -> dict[str, Any] | None:
    if envelope.error is UNSET:
        return None
    try:
        error = orjson.loads(bytes(envelope.error))
    except orjson.JSONDecodeError:
        return None
    return error if isinstance(error, dict) else None


def _common(headers: Mapping[str, str]) -> dict[str, Any]:
    return {
        "version": headers.get("facebook-api-version"),
        "trace_id": headers.get("x-fb-trace-id"),
    }


def _refuse_lacking(call: Call, body: bytes, status: int) -> None:
    """Raises what it is where an object, or a row of a list, is without what it must have."""
    if not call.needs:
        return
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:  # such as 1e999, which the envelope lets pass
        raise _lie(f"an answer that cannot be read ({error.msg})", status, call) from None
    for row in found if isinstance(found, list) else [found]:
        lacking = [name for name in call.needs if not isinstance(row, dict) or row.get(name) is None]
        if lacking:
            raise _lie(f"an answer without {', '.join(f'`{name}`' for name in lacking)}", status, call)


def _lie(message: str, status: int, call: Call) -> Transport:
    """A good status with a body that contradicts it: asking the same again may do (2.12 [obs: o:airbyte])."""
    return Transport(message, place=call.place, status=status)
