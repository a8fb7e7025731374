"""Owns one Graph call from its path to its reply: target, scenario, credentials, quotas, answer, headers, log."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha1
from typing import Any, Protocol

from sandbox import credentials
from sandbox.calls import Call, Reply, Target
from sandbox.digest import draw
from sandbox.faults import Fault, GraphError, fault, invalid, named, no_object
from sandbox.insights_calls import InsightsCalls
from sandbox.object_calls import ObjectCalls
from sandbox.options import NEWEST_VERSION
from sandbox.quotas import INSIGHTS, MANAGEMENT, SAFETY
from sandbox.row_book import encode
from sandbox.runs import Run
from sandbox.scenario import Do
from sandbox.state import State
from sandbox.world import Node

_QUOTA_OF = {
    **dict.fromkeys(("submit", "poll", "page", "sync"), INSIGHTS),
    **dict.fromkeys(("safety_ranges", "safety_files", "safety_report"), SAFETY),
}
"""Which allowance a kind of call costs; ad management for every other."""

_OLD_PROTOCOL = 25
"""The last profile with ETags and `?ids=` (graph-api.md 1.9, 1.10)."""

_REFUSED = fault(403, 200, "(#200) Ad account owner has NOT grant ads_management or ads_read permission")
_FIXED_HEADERS = {
    "x-fb-rev": "1003526078",
    "x-fb-rlafr": "0",
    "Strict-Transport-Security": "max-age=15552000; preload",
    "Cache-Control": "private, no-cache, no-store, must-revalidate",
    "Pragma": "no-cache",
    "Expires": "Sat, 01 Jan 2000 00:00:00 GMT",
    "Access-Control-Allow-Origin": "*",
    "Vary": "Accept-Encoding",
}


class Family(Protocol):
    """A further family of calls (brand safety, app insights, ...) that the sandbox can be given."""

    def target(self, call: Call) -> Target | None:
        """Tell what a call aims at, or None when it is not this family's."""
        ...

    async def answer(self, call: Call, target: Target, do: Do) -> Reply:
        """Answer a call of this family; raise GraphError to fail."""
        ...


class Graph:
    """Answers calls on one state."""

    def __init__(self, state: State, families: Sequence[Family] = ()) -> None:
        self.state = state
        self.families = families
        self.insights = InsightsCalls(state)
        self.objects = ObjectCalls(state)
        self._answered = 0

    async def handle(self, call: Call) -> Reply:
        """Answer one call; whatever happens it is counted, dressed in headers and logged."""
        target = self.target(call)
        do = self.state.scenario.take(call, target, self.state.page_of(call))
        trace = self.trace()
        try:
            reply = await self._answer(call, target, do)
        except GraphError as error:
            reply = failed(error.fault, trace)
        self.dress(call, target, reply, trace)
        _deviate(reply, do, self.state.clock.speed)
        self.state.log.add(self.state.clock.now(), call, target, reply)
        return reply

    def target(self, call: Call) -> Target:
        """Tell from path and method what a call aims at."""
        found = self._of_family(call)
        if found is not None:
            return found[1]
        object_id, _, edge = call.path.partition("/")
        run = self.state.runs.known.get(object_id)
        if run is not None:
            return Target("page" if edge == "insights" else "poll", run.account_id, object_id, edge)
        node = self.objects.find(object_id)
        account = node.account_id if node else object_id.removeprefix("act_") if object_id.startswith("act_") else ""
        if edge == "insights":
            return Target("submit" if call.method == "POST" else "sync", account, object_id, edge)
        return Target("list" if edge else "object", account, object_id, edge)

    def _of_family(self, call: Call) -> tuple[Family, Target] | None:
        targets = ((family, family.target(call)) for family in self.families)
        return next(((family, target) for family, target in targets if target is not None), None)

    async def _answer(self, call: Call, target: Target, do: Do) -> Reply:
        self._admit(call, target)
        if "fault" in do:
            raise named(do["fault"])
        if "reply" in do:
            return _scripted(do["reply"])
        return await self._route(call, target, do)

    def _admit(self, call: Call, target: Target) -> None:
        """Check in Graph's order: token, version, permission, quota."""
        options, scenario = self.state.options, self.state.scenario
        credentials.authenticate(call, options)
        credentials.check_version(call, options, marketing=bool(target.account) or target.edge == "insights")
        if "date_format" in call.parameters and options.profile > _OLD_PROTOCOL:
            raise invalid("The date_format parameter is no longer supported")
        self.state.quotas.overload = scenario.overload
        kind = _QUOTA_OF.get(target.op, MANAGEMENT)
        known = target.account if target.account in self.state.world.accounts else ""
        self.state.quotas.admit(known, kind, self.state.clock.now(), write=target.op == "submit")
        if target.account in scenario.refused_accounts:
            raise GraphError(_REFUSED)

    async def _route(self, call: Call, target: Target, do: Do) -> Reply:
        family = self._of_family(call)
        if family is not None:
            return await family[0].answer(call, target, do)
        if call.path == "" and "ids" in call.parameters:
            return self._several(call)
        run = self.state.runs.known.get(target.object_id)
        if run is not None:
            return await self._of_run(call, target, run, do)
        if call.method not in {"GET", "POST"} or (call.method == "POST" and target.op != "submit"):
            raise GraphError(fault(400, 100, f"Unsupported {call.method.lower()} request", 33))
        node = self.objects.by_id(target.object_id)
        if target.edge == "insights":
            return await self._of_insights(call, target, node, do)
        if target.edge:
            return self.objects.edge(call, node, target.edge, do)
        return self.objects.node(call, node)

    async def _of_run(self, call: Call, target: Target, run: Run, do: Do) -> Reply:
        if target.edge not in {"", "insights"}:
            raise no_object(call.path)
        return await (self.insights.page if target.op == "page" else self.insights.poll)(call, run, do)

    async def _of_insights(self, call: Call, target: Target, node: Node, do: Do) -> Reply:
        if node.kind not in {"account", "campaign", "adset", "ad"}:
            raise no_object(node.id)
        return await (self.insights.submit if target.op == "submit" else self.insights.sync)(call, node, do)

    def _several(self, call: Call) -> Reply:
        """Answer `?ids=`, which v26 removed."""
        if self.state.options.profile > _OLD_PROTOCOL:
            raise GraphError(fault(400, 100, "(#100) The ids parameter is no longer supported"))
        ids = [text.strip(' "') for text in call.parameters["ids"].strip("[]").split(",")]
        for found in ids:
            self.state.quotas.admit(self.objects.by_id(found).account_id, MANAGEMENT, self.state.clock.now())
        bodies = {found: self.objects.node(call, self.objects.by_id(found)).body for found in ids}
        return Reply(200, b"{" + b",".join(encode(found) + b":" + body for found, body in bodies.items()) + b"}")

    def dress(self, call: Call, target: Target, reply: Reply, trace: str) -> None:
        """Give a reply the headers of 1.4 and the usage of the quotas that it belongs to."""
        number = credentials.version_number(call.version) or self.state.options.profile
        kind = _QUOTA_OF.get(target.op, MANAGEMENT)
        known = target.account if target.account in self.state.world.accounts else ""
        reply.headers = {
            **_FIXED_HEADERS,
            "facebook-api-version": f"v{min(number, NEWEST_VERSION)}.0",
            "x-fb-request-id": trace[::-1],
            "x-fb-trace-id": trace,
            "X-FB-Debug": trace * 5,
            **self.state.quotas.headers(known, kind, self.state.clock.now()),
            **reply.headers,
        }
        if reply.status == 200 and target.op in {"object", "list"} and self.state.options.profile <= _OLD_PROTOCOL:  # noqa: PLR2004
            _tag(call, reply)

    def trace(self) -> str:
        """Return the next trace id: 11 characters that follow from the seed and the number of the answer."""
        self._answered += 1
        number = draw(self.state.options.seed, "trace", self._answered)
        return urlsafe_b64encode(number.to_bytes(8, "big")).decode().rstrip("=")[:11]


def failed(found: Fault, trace: str) -> Reply:
    """Build the error envelope (graph-api.md 1.5); degenerate bodies carry no trace."""
    error: dict[str, Any] = dict(found.error) if found.bare else {**found.error, "fbtrace_id": trace}
    words = error["message"].encode("ascii", "replace").decode().replace("\n", " ").replace('"', "'")
    headers = {} if found.bare else {"WWW-Authenticate": f'OAuth "Facebook Platform" "invalid_request" "{words}"'}
    return Reply(found.status, encode({"error": error}), headers, code=error.get("code"))


def _tag(call: Call, reply: Reply) -> None:
    tag = f'"{sha1(reply.body).hexdigest()}"'
    reply.headers["ETag"] = tag
    if call.if_none_match == tag:
        reply.status, reply.body = 304, b""


def _scripted(document: Do) -> Reply:
    headers = {str(name): str(value) for name, value in document.get("headers", {}).items()}
    body = str(document.get("body", "")).encode("utf-8", "surrogateescape")
    kind = headers.pop("Content-Type", headers.pop("content-type", "application/json; charset=UTF-8"))
    return Reply(int(document.get("status", 200)), body, headers, content_type=kind)


def _deviate(reply: Reply, do: Do, speed: float) -> None:
    """Mark what the transport must do; hang and delay are given in sandbox seconds."""
    reply.cut = do.get("cut")
    reply.hang = float(do.get("hang", 0)) / speed
    reply.delay = float(do.get("delay", 0)) / speed
    reply.null_part = bool(do.get("null_part"))
    if do.get("lie_content_type"):
        reply.content_type = "text/html; charset=UTF-8"
