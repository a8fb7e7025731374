"""Many calls in one request: packing them, and telling their answers apart. Pure.

graph-api.md 1.8 [seed 004]. Each part counts as one call and brings its own usage headers, so they are asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson

from connectors.errors import Transport
from connectors.graph import faults
from connectors.graph.calls import Call, Target, encoded, headers_of, proof_of
from connectors.graph.credentials import Credentials
from connectors.http.messages import Request

MOST = 50
PLACE = "POST batch"
TIMED_OUT = 960  # of the whole batch: ask it again in halves (1.6 [obs: o:airbyte])


@dataclass(frozen=True, slots=True)
class Part:
    """One part's answer, as if it had come alone: status, headers in lower case, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def pack(calls: Sequence[Call], target: Target, credentials: Credentials) -> Request:
    """One request for up to 50 calls. The token stands in the header, the proof at the top level only (1.3)."""
    if not 0 < len(calls) <= MOST:
        raise ValueError(f"a batch holds 1 to {MOST} calls, not {len(calls)}")
    operations = orjson.dumps([_operation(call, target.version) for call in calls]).decode()
    return Request(
        method="POST",
        url=target.address(""),
        form={"batch": operations, "include_headers": "true", **proof_of(credentials)},
        headers=headers_of(credentials),
        timeout_seconds=target.timeout_seconds,
    )


def _operation(call: Call, version: str) -> dict[str, str]:
    path = f"{version}/{call.path.lstrip('/')}"
    params = urlencode(encoded(call.params))
    if call.method == "POST":
        return {"method": call.method, "relative_url": path, "body": params}
    return {"method": call.method, "relative_url": f"{path}?{params}" if params else path}


def unpack(status: int, headers: Mapping[str, str], body: bytes, count: int) -> list[Part | None]:
    """The answers in the order of the calls; None for a part that was not finished in time.

    A plain error object instead of the list speaks for all: its fault is raised, as is that of a list that is none.
    """
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if isinstance(answer, dict) and isinstance(answer.get("error"), dict):
        raise faults.classify(status, answer["error"], headers, place=PLACE)
    if not isinstance(answer, list):
        raise faults.degenerate(status, headers, body, place=PLACE)
    if len(answer) != count:
        raise Transport(f"{len(answer)} answers to {count} calls", place=PLACE, status=status)
    return [_part(entry) for entry in answer]


def _part(entry: object) -> Part | None:
    """A part that is no part at all counts as unanswered: asking it again costs one call, guessing costs truth."""
    if not isinstance(entry, dict) or isinstance(entry.get("code"), bool) or not isinstance(entry.get("code"), int):
        return None
    body = entry.get("body")
    text = body if isinstance(body, str) else "" if body is None else orjson.dumps(body).decode()
    return Part(entry["code"], _headers(entry.get("headers")), text.encode("utf-8", "replace"))


def _headers(listed: Any) -> dict[str, str]:
    """A list of names and values; missing with `include_headers=false`."""
    headers: dict[str, str] = {}
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict) and isinstance(item.get("name"), str) and isinstance(item.get("value"), str):
            name = item["name"].lower()
            headers[name] = f"{headers[name]}, {item['value']}" if name in headers else item["value"]
    return headers
