"""The door: every request to Graph goes out here, and everything that comes back passes `_listen`. Decides nothing.

What a fault means is decided by `faults`; whether a call may go, by `pace`. The door asks once and never waits.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from connectors.errors import Fault, Throttled, Transient
from connectors.graph import batch, usage
from connectors.graph.calls import ROWS_ONLY, Call, Target, request_of
from connectors.graph.credentials import Credentials
from connectors.graph.replies import Reply, decipher
from connectors.http.clock import Clock
from connectors.http.messages import Request, Response
from connectors.pace.governor import Deadline, Governor
from connectors.pace.quotas import Reading

Say = Callable[[str, Mapping[str, Any]], None]
Answer = Reply | Fault


class Sender(Protocol):
    """Who carries a request: `connectors.http.client.HttpClient`."""

    async def send(self, request: Request) -> Response:
        """The complete answer, or `Transport`."""
        ...


@dataclass(slots=True)
class Tally:
    """What went through the door. `calls` per kind, each part of a batch being one (graph-api.md 3.3 [seed 004]).

    `outcomes` per kind and what came of it: `ok`, or the name of the fault; also of calls that got no answer.
    """

    calls: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    throttled: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)

    def copy(self) -> "Tally":
        """As it is now."""
        return Tally(Counter(self.calls), self.requests, self.throttled, Counter(self.outcomes))

    def since(self, before: "Tally") -> "Tally":
        """What went through after `before`, an earlier copy."""
        return Tally(
            self.calls - before.calls,
            self.requests - before.requests,
            self.throttled - before.throttled,
            self.outcomes - before.outcomes,
        )


class Door:
    """One token's way in and out. `jitter()` gives numbers in [0, 1]; `say(event, fields)` hears what is worth it."""

    def __init__(
        self,
        http: Sender,
        governor: Governor,
        clock: Clock,
        credentials: Credentials,
        target: Target,
        say: Say,
        jitter: Callable[[], float],
        tally: Tally,
    ) -> None:
        self.tally = tally
        self.say = say
        self.jitter = jitter
        self._http = http
        self._governor = governor
        self._clock = clock
        self._credentials = credentials
        self._target = target
        self._versions_told: set[str] = set()

    async def ask(self, call: Call) -> Reply:
        """One call, once: its reply, or its fault raised."""
        try:
            response = await self._send(request_of(call, self._target, self._credentials))
        except Fault as fault:
            self._count(call, fault)
            raise
        return self._hear(response.status, response.headers, response.body, call)

    async def ask_many(self, calls: Sequence[Call]) -> list[Answer]:
        """Up to 50 calls in one request, once: their answers in order; the fault of the whole is raised."""
        drawn = [quota for call in calls for quota in call.quotas]
        self._governor.sent(drawn)
        try:
            response = await self._send(batch.pack(calls, self._target, self._credentials))
        finally:
            self._governor.left(drawn)
        self._listen(response.headers, None)
        try:
            parts = batch.unpack(response.status, response.headers, response.body, len(calls))
        except Fault as fault:
            self._note(fault, Call("batch", "POST", ""))
            raise
        return [self._part(part, call) for part, call in zip(parts, calls, strict=True)]

    def tell(self, event: str, call: Call, fault: Fault, **more: Any) -> None:
        """An event about a call and its fault."""
        self.say(event, {"kind": call.kind, "place": call.place, "account": call.account, **fault.fields(), **more})

    def _part(self, part: batch.Part | None, call: Call) -> Answer:
        if part is None:
            self.tally.calls[call.kind] += 1
            unfinished = Transient("not finished before the batch timed out", place=call.place)
            self._count(call, unfinished)
            return unfinished
        try:
            return self._hear(part.status, part.headers, part.body, call)
        except Fault as fault:
            return fault

    async def _send(self, request: Request) -> Response:
        self.tally.requests += 1
        return await self._http.send(request)

    def _hear(self, status: int, headers: Mapping[str, str], body: bytes, call: Call) -> Reply:
        """Everything that one answer teaches, then the reply or its fault."""
        self.tally.calls[call.kind] += 1
        readings = self._listen(headers, call.account)
        if call.kind not in ROWS_ONLY and call.kind != "file":
            body = self._credentials.masked(body)  # the `next` of an edge inside an object holds the token
        try:
            reply = decipher(status, headers, body, call, readings)
        except Fault as fault:
            self._note(fault, call)
            self._count(call, fault)
            raise
        self._count(call, None)
        self._governor.succeed(call.quotas, readings, self._clock.now())
        self._compare(reply.version)
        return reply

    def _count(self, call: Call, fault: Fault | None) -> None:
        self.tally.outcomes[call.kind, type(fault).__name__ if fault else "ok"] += 1

    def _listen(self, headers: Mapping[str, str], account: str | None) -> tuple[Reading, ...]:
        """Read the usage headers: of every response, good or bad, alone or in a batch (design, invariant 4)."""
        readings = tuple(usage.readings(headers, account))
        self._announce(self._governor.learn(readings, self._clock.now()), None)
        return readings

    def _note(self, fault: Fault, call: Call) -> None:
        """Clean a fault's text, and close what it says is closed."""
        fault.message = self._credentials.masked(fault.message.encode("utf-8", "replace")).decode()
        fault.args = (fault.message,)
        if isinstance(fault, Throttled):
            self.tally.throttled += 1
            self.tell("call.throttled", call, fault)
            now = self._clock.now()
            self._announce(self._governor.refuse(fault, now, self.jitter()), fault)

    def _announce(self, deadlines: Iterable[Deadline], fault: Fault | None) -> None:
        now = self._clock.now()
        for quota, until in deadlines:
            self.say(
                "quota.blocked",
                {
                    "quota": str(quota),
                    "account": quota.account,
                    "until": until.isoformat(),
                    "seconds": round((until - now).total_seconds(), 3),
                    "code": fault.code if fault else None,
                    "subcode": fault.subcode if fault else None,
                    "fbtrace_id": fault.fbtrace_id if fault else None,
                },
            )

    def _compare(self, version: str | None) -> None:
        """Say once when another version answered than was asked (1.1 [seed 004])."""
        if self._target.version and version not in {None, self._target.version, *self._versions_told}:
            self._versions_told.add(str(version))
            self.say("version.differs", {"asked": self._target.version, "answered": version})
