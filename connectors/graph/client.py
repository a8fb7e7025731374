"""One token's way to Graph, with patience: a call, a listing, a batch. Acts; refuses to decide or to understand.

What a fault means is decided by `faults`, how long to wait by `http.retry`, whether a call may go by `pace`.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.errors import Fault, GaveUp, Throttled, TooMuch, Transient
from connectors.graph.batch import MOST, TIMED_OUT
from connectors.graph.calls import Call, Target
from connectors.graph.credentials import Credentials
from connectors.graph.door import Answer, Door, Say, Sender, Tally
from connectors.graph.effort import Effort, spent
from connectors.graph.pages import PageSize, Trail
from connectors.graph.replies import Reply
from connectors.http.clock import Clock
from connectors.http.retry import GiveUp, Policy
from connectors.pace.gate import Gate
from connectors.pace.quotas import Quota

Work = dict[int, Call]  # calls of a batch by their place in it


def _silent(_event: str, _fields: Mapping[str, Any]) -> None:
    return


class Graph:
    """Every call to Graph. Several tokens may share a gate; a `Graph` is one token's.

    `say(event, fields)` hears `call.retry_scheduled`, `call.throttled`, `quota.blocked`, `page.shrunk` and
    `version.differs`; `jitter()` gives numbers in [0, 1]; several may count into one `tally`.
    """

    def __init__(
        self,
        http: Sender,
        gate: Gate,
        clock: Clock,
        credentials: Credentials,
        target: Target,
        *,
        policy: Policy | None = None,
        say: Say = _silent,
        jitter: Callable[[], float] = random.random,
        tally: Tally | None = None,
    ) -> None:
        self._door = Door(http, gate.governor, clock, credentials, target, say, jitter, tally or Tally())
        self._gate = gate
        self._clock = clock
        self._policy = policy or Policy()

    @property
    def tally(self) -> Tally:
        """What went through so far."""
        return self._door.tally

    @property
    def seconds_waited(self) -> float:
        """Seconds in which at least one call stood before a closed quota; of all that share the gate."""
        return self._gate.seconds_waited

    # ---- one call ----

    async def call(self, call: Call, *, give_up: datetime | None = None) -> Reply:
        """The reply of one call.

        Transient faults are asked again by the policy, then `GaveUp` (or `TooMuch`, where the table says so). A
        throttle is waited for at the gate and uses up no attempt; `GaveUp` if its end lies after `give_up`. All else is
        raised as it is.
        """
        effort, quotas = Effort(self._policy), call.quotas
        throttle: Throttled | None = None
        while True:
            try:
                return await self._once(call, quotas, effort, give_up)
            except Throttled as fault:
                throttle = fault
                quotas |= fault.quotas  # also one that the call was not known to draw on
            except Transient as fault:
                await self._wait(call, effort, fault)
            except GaveUp as fault:
                raise (fault if throttle is None else GaveUp.after(throttle, fault.message)) from None

    async def _once(self, call: Call, quotas: frozenset[Quota], effort: Effort, give_up: datetime | None) -> Reply:
        async with self._gate.enter(quotas, give_up):
            started = self._clock.monotonic()
            try:
                return await self._door.ask(call)
            finally:
                effort.seconds += self._clock.monotonic() - started

    async def _wait(self, call: Call, effort: Effort, fault: Transient) -> None:
        effort.attempts += 1
        verdict = effort.judge(fault, self._door.jitter())
        if isinstance(verdict, GiveUp):
            raise spent(fault, verdict) from None
        self._door.tell("call.retry_scheduled", call, fault, attempt=effort.attempts, seconds=verdict.seconds)
        await self._clock.sleep(verdict.seconds)
        effort.seconds += verdict.seconds

    # ---- a listing ----

    async def pages(
        self,
        call: Call,
        limit: int | PageSize = 500,
        *,
        give_up: datetime | None = None,
    ) -> AsyncIterator[Reply]:
        """The pages of a listing, to the one that names no next, however empty they are.

        Too much data: the same cursor is asked again with half the `limit`; `TooMuch` when a single row is too much.
        A dead cursor is `RestartListing`: whoever asked throws the pages away. Hand in a `PageSize` to keep it.
        """
        size = PageSize(limit) if isinstance(limit, int) else limit
        trail = Trail(call.place)
        onward: dict[str, str] = {}
        while True:
            reply = await self._page(call.with_params(**onward), size, give_up)
            yield reply
            if not reply.paging.has_next:
                return
            onward = trail.follow(reply.paging)

    async def _page(self, call: Call, size: PageSize, give_up: datetime | None) -> Reply:
        while True:
            try:
                reply = await self.call(call.with_params(limit=size.now), give_up=give_up)
            except TooMuch as fault:
                if not fault.page_only:
                    raise
                if not size.shrink():
                    raise TooMuch(fault.message, **fault.common()) from None
                self._door.tell("page.shrunk", call, fault, limit=size.now)
            else:
                size.grow()
                return reply

    # ---- many calls in one request ----

    async def batch(
        self,
        calls: Sequence[Call],
        *,
        patient: bool = False,
        once: bool = False,
        give_up: datetime | None = None,
    ) -> list[Answer]:
        """The answers in the order of the calls, in as many requests as it takes; a part's fault is its answer.

        Parts that are unanswered or transiently failed are asked again by the policy, which all wait for; with `once`
        their fault is their answer. Parts whose own quota is closed are not sent: their answer is `Throttled` at once,
        so that one closed account holds up no other; with `patient` they are waited for, until `give_up`.
        """
        answers: dict[int, Answer] = {}
        effort = Effort(self._policy)
        everything = work = dict(enumerate(calls))
        while work:
            answers |= await self._round(work, effort, give_up)
            work = {} if once else await self._transient(work, answers, effort)
            if patient and not work:
                work = await self._throttled(everything, answers, give_up)
        return [answers[index] for index in everything]

    async def _round(self, work: Work, effort: Effort, give_up: datetime | None) -> dict[int, Answer]:
        """Ask everything once, 50 calls to a request, the requests side by side."""
        items = list(work.items())
        chunks = [dict(items[at : at + MOST]) for at in range(0, len(items), MOST)]
        spans: list[float] = []
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._chunk(chunk, spans, give_up)) for chunk in chunks]
        effort.seconds += max(spans, default=0.0)
        return {index: answer for task in tasks for index, answer in task.result().items()}

    async def _chunk(self, work: Work, spans: list[float], give_up: datetime | None) -> dict[int, Answer]:
        """One request; a fault of the whole is everybody's answer, and a batch that timed out is asked in halves."""
        shared = frozenset(quota for call in work.values() for quota in call.quotas if quota.scope == "app")
        try:
            async with self._gate.enter(shared, give_up):
                started = self._clock.monotonic()
                try:
                    return await self._exchange(work)
                finally:
                    spans.append(self._clock.monotonic() - started)
        except Fault as fault:
            if fault.code != TIMED_OUT or len(work) == 1:
                return dict.fromkeys(work, fault)
        items, half = list(work.items()), len(work) // 2
        return {
            **await self._chunk(dict(items[:half]), spans, give_up),
            **await self._chunk(dict(items[half:]), spans, give_up),
        }

    async def _exchange(self, work: Work) -> dict[int, Answer]:
        """Those that may go now, and for the others the throttle that they would have met."""
        now = self._clock.now()
        answers: dict[int, Answer] = {}
        beside: Counter[Quota] = Counter()  # of accounts: for the app's own quotas the whole request has been let in
        for index, call in work.items():
            own = [quota for quota in call.quotas if quota.scope == "account"]
            until = self._gate.governor.admit(call.quotas, now)
            if until is not None:
                wait = (until - now).total_seconds()
                closed = self._gate.governor.closed(call.quotas, now)
                answers[index] = Throttled("not sent", place=call.place, quotas=closed, wait_seconds=wait)
            elif not self._gate.governor.has_room(own, now, beside):
                answers[index] = Throttled("not sent beside the others", place=call.place, quotas=frozenset(own))
            else:
                beside.update(own)
        going = [index for index in work if index not in answers]
        if going:
            heard = await self._door.ask_many([work[index] for index in going])
            answers |= dict(zip(going, heard, strict=True))
        return answers

    async def _transient(self, work: Work, answers: dict[int, Answer], effort: Effort) -> Work:
        """Which parts to ask again, once the wait for them is over; the others among them have their last answer."""
        failed = {index: fault for index in work if isinstance(fault := answers[index], Transient)}
        if not failed:
            return {}
        effort.attempts += 1
        waits: dict[int, float] = {}
        for index, fault in failed.items():
            verdict = effort.judge(fault, self._door.jitter())
            if isinstance(verdict, GiveUp):
                answers[index] = spent(fault, verdict)
            else:
                waits[index] = seconds = verdict.seconds
                self._door.tell("call.retry_scheduled", work[index], fault, attempt=effort.attempts, seconds=seconds)
        seconds = max(waits.values(), default=0.0)
        await self._clock.sleep(seconds)
        effort.seconds += seconds
        return {index: work[index] for index in waits}

    async def _throttled(self, work: Work, answers: dict[int, Answer], give_up: datetime | None) -> Work:
        """The throttled parts, once the first of them may go; their last answer when that is too late."""
        held = {index: fault for index in work if isinstance(fault := answers[index], Throttled)}
        if not held:
            return {}
        now = self._clock.now()
        needed = {index: work[index].quotas | fault.quotas for index, fault in held.items()}
        first = min(needed, key=lambda index: self._gate.governor.admit(needed[index], now) or now)
        try:
            async with self._gate.enter(needed[first], give_up):
                return {index: work[index] for index in held}
        except GaveUp as late:
            answers |= {index: GaveUp.after(fault, late.message) for index, fault in held.items()}
            return {}
