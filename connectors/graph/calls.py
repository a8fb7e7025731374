"""A call to Graph as a value, and its encoding into an HTTP request. Pure; the token goes into a header, never a URL.

Parameters: graph-api.md 1.2 [seed 004] [sdk]; authentication: 1.3 [seed 004].
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import quote

import orjson

from connectors.graph.credentials import Credentials
from connectors.http.messages import Request
from connectors.pace.quotas import Quota, drawn_by_app

Kind = Literal["submit", "poll", "page", "sync", "object", "list", "file", "batch"]
Param = str | int | float | bool | list[str] | list[int] | list[dict[str, object]] | dict[str, object] | tuple[str, ...]

PAGED: frozenset[Kind] = frozenset({"page", "sync", "list"})  # the answer has `data` and perhaps `paging`
OF_RUN: frozenset[Kind] = frozenset({"poll", "page"})  # the call speaks of a report run: its faults read differently
ROWS_ONLY: frozenset[Kind] = frozenset({"page", "sync"})  # insights rows: no nested edge, so no `next` inside a row


@dataclass(frozen=True, slots=True)
class Call:
    """One question to Graph.

    kind: `submit`, `poll`, `page` are the life of a report run, `sync` a synchronous insights answer, `object` a node,
        `list` an edge that pages, `file` an answer that is a redirect or bytes of its own, `batch` many in one.
    path: without version and without leading slash, `act_111/insights`.
    account: whose turn it takes, and whose usage headers it brings.
    quotas: what it draws on; see `pace.quotas`.
    needs: the members that the object, or every row of the list, must have: without them the answer is a lie.
    """

    kind: Kind
    method: Literal["GET", "POST", "DELETE"]
    path: str
    params: Mapping[str, Param] = field(default_factory=dict)
    account: str | None = None
    quotas: frozenset[Quota] = drawn_by_app()
    needs: tuple[str, ...] = ()

    def with_params(self, **more: Param) -> "Call":
        """The same call with these parameters added or replaced."""
        return replace(self, params={**self.params, **more})

    @property
    def place(self) -> str:
        """What an error says of it: method and path, no parameters."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Target:
    """Which Graph is asked, and how long it may take. `version` is '' for a host whose addresses have none."""

    base_url: str = "https://graph.facebook.com"
    version: str = "v25.0"
    timeout_seconds: float = 60.0

    def address(self, path: str) -> str:
        """The URL of a path: of Graph always with a version (graph-api.md 8, row 2 [docs: MV])."""
        return "/".join(filter(None, (self.base_url.rstrip("/"), self.version, quote(path.lstrip("/")))))


def encoded(params: Mapping[str, Param]) -> dict[str, str]:
    """Parameters as they travel: lists and objects as strict JSON text, booleans as `true` and `false` (1.2 [sdk])."""
    return {name: _text(value) for name, value in params.items()}


def request_of(call: Call, target: Target, credentials: Credentials) -> Request:
    """The HTTP request of a call: GET and DELETE carry parameters in the query, POST in a form."""
    params = {**encoded(call.params), **proof_of(credentials)}
    return Request(
        method=call.method,
        url=target.address(call.path),
        query={} if call.method == "POST" else params,
        form=params if call.method == "POST" else None,
        headers=headers_of(credentials),
        timeout_seconds=target.timeout_seconds,
    )


def headers_of(credentials: Credentials) -> dict[str, str]:
    """The header form of the token (1.3 [seed 004]): what stands in a URL ends up in the logs of every proxy."""
    return {"Authorization": f"Bearer {credentials.access_token}", "Accept": "application/json"}


def proof_of(credentials: Credentials) -> dict[str, str]:
    """The `appsecret_proof` parameter, where there is an app secret."""
    proof = credentials.proof()
    return {} if proof is None else {"appsecret_proof": proof}


def _text(value: Param) -> str:
    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode("utf-8")  # true, false, numbers and all nesting, in JSON's own strict spelling
