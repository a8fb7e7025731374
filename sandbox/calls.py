"""Owns what travels inside the server: a call, its reply, and the log of both."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """One Graph call, alone or a part of a batch."""

    method: str
    version: str
    """`v25.0`, or '' for an unversioned call."""
    path: str
    """Without the version and without slashes at its ends."""
    parameters: Mapping[str, str]
    host: str
    """Scheme and authority that the caller used."""
    token: str = ""
    token_in_url: bool = False
    token_as_parameter: bool = False
    if_none_match: str = ""
    part_of_batch: bool = False

    @property
    def url(self) -> str:
        """Return the address without its query."""
        return "/".join(part for part in (self.host, self.version, self.path) if part)


@dataclass(slots=True)
class Reply:
    """What goes back; the last fields are deviations that a scenario orders."""

    status: int
    body: bytes
    headers: Headers = field(default_factory=dict)
    code: int | None = None
    content_type: str = "application/json; charset=UTF-8"
    cut: int | None = None
    hang: float = 0.0
    delay: float = 0.0
    null_part: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """What a call aims at: its kind, the account concerned, and the object and edge of its path."""

    op: str
    """submit, poll, page, sync, object, list or batch; a further family has its own words."""
    account: str
    object_id: str
    edge: str = ""


@dataclass(frozen=True, slots=True)
class Logged:
    """One received call as the log shows it."""

    at: str
    op: str
    method: str
    path: str
    account: str
    status: int
    code: int | None
    part_of_batch: bool
    token_in_url: bool
    limit: str | None
    run_id: str | None = None


@dataclass(slots=True)
class CallLog:
    """Every call received since the last reset, in order of answering."""

    calls: list[Logged] = field(default_factory=list)

    def add(self, at: datetime, call: Call, target: Target, reply: Reply) -> None:
        """Note one call with its outcome."""
        self.calls.append(
            Logged(
                at=at.isoformat(),
                op=target.op,
                method=call.method,
                path="/" + call.path,
                account=target.account,
                status=reply.status,
                code=reply.code,
                part_of_batch=call.part_of_batch,
                token_in_url=call.token_in_url,
                limit=call.parameters.get("limit"),
                run_id=target.object_id if target.op in {"poll", "page"} else None,
            )
        )

    def report(self) -> dict[str, Any]:
        """Return the log and its counters as JSON."""
        return {
            "calls": [asdict(call) for call in self.calls],
            "total": len(self.calls),
            "by_op": Counter(call.op for call in self.calls),
            "by_account": Counter(call.account for call in self.calls if call.account),
            "by_code": Counter(str(call.code) for call in self.calls if call.code is not None),
            "by_status": Counter(str(call.status) for call in self.calls),
        }
