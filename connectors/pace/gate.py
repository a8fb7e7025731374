"""The waiting: calls stand here until the governor admits them. Refuses to decide about quotas.

Fair: accounts take turns, and inside an account each set of quotas has a queue of its own, so that neither a large
account nor a closed quota holds up anything else. Bounded: so many under way per account, so many over all.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from connectors.errors import GaveUp
from connectors.http.clock import Clock
from connectors.pace.governor import Governor
from connectors.pace.quotas import Quota, lane

Quotas = frozenset[Quota]


@dataclass(slots=True)
class Waiter:
    """One call at the gate."""

    quotas: Quotas
    give_up: datetime | None
    turn: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Gate:
    """`async with gate.enter(quotas):` holds one place from admission until the answer is understood."""

    def __init__(self, governor: Governor, clock: Clock, per_account: int = 8, overall: int = 32) -> None:
        self.governor = governor
        self._clock = clock
        self._per_account = per_account
        self._overall = overall
        self._under_way: Counter[str] = Counter()
        self._lanes: dict[str, dict[Quotas, deque[Waiter]]] = {}  # in the order of their next turns
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at: datetime | None = None
        self._closed_since: float | None = None
        self._seconds_waited = 0.0
        self._stood_since: dict[Quota, float] = {}
        self._stood: dict[Quota, float] = {}

    @property
    def seconds_waited(self) -> float:
        """Seconds of the clock in which at least one call stood before a closed quota."""
        running = 0.0 if self._closed_since is None else self._clock.monotonic() - self._closed_since
        return self._seconds_waited + running

    @property
    def waits(self) -> dict[str, float]:
        """Seconds of the clock in which at least one call stood before each closed quota, the longest first."""
        now = self._clock.monotonic()
        running = {quota: now - since for quota, since in self._stood_since.items()}
        found = {quota: self._stood.get(quota, 0.0) + running.get(quota, 0.0) for quota in {*self._stood, *running}}
        return {str(quota): found[quota] for quota in sorted(found, key=lambda quota: (-found[quota], str(quota)))}

    @asynccontextmanager
    async def enter(self, quotas: Quotas, give_up: datetime | None = None) -> AsyncIterator[None]:
        """Wait until admitted; `GaveUp` as soon as it is known that this is not before `give_up`."""
        await self._admitted(Waiter(quotas, give_up))
        try:
            yield
        finally:
            self._leave(quotas)

    def review(self) -> None:
        """Look again at everybody who waits: a deadline was learned, a place became free, or time has passed."""
        now = self._clock.now()
        while self._total() < self._overall and self._serve_one(now):
            pass
        self._set_alarm(self._earliest(now))

    def __repr__(self) -> str:
        waiting = {name: sum(len(queue) for queue in queues.values()) for name, queues in self._lanes.items()}
        return f"Gate(under way {dict(+self._under_way)}, waiting {waiting}, next look {self._alarm_at})"

    # ---- one call's passage ----

    async def _admitted(self, waiter: Waiter) -> None:
        queues = self._lanes.setdefault(lane(waiter.quotas), {})
        queues.setdefault(waiter.quotas, deque()).append(waiter)
        self.review()
        try:
            await waiter.turn
        except asyncio.CancelledError:
            if waiter.turn.done() and not waiter.turn.cancelled() and waiter.turn.exception() is None:
                self._leave(waiter.quotas)  # it was let in and cancelled in the same moment
            else:
                self._forget(waiter)
            raise

    def _leave(self, quotas: Quotas) -> None:
        self._under_way[lane(quotas)] -= 1
        self.governor.left(quotas)
        self.review()

    def _forget(self, waiter: Waiter) -> None:
        queue = self._lanes.get(lane(waiter.quotas), {}).get(waiter.quotas, deque())
        if waiter in queue:
            queue.remove(waiter)
        self._sweep(lane(waiter.quotas))
        self.review()

    # ---- whose turn it is ----

    def _serve_one(self, now: datetime) -> bool:
        """Let one call in, of the first account in the round that has one; its account goes to the end of the round."""
        for name, queues in list(self._lanes.items()):
            if self._under_way[name] >= self._per_account:
                continue
            for quotas, queue in queues.items():
                while queue and queue[0].turn.done():
                    queue.popleft()  # cancelled, and not yet resumed to say so
                if queue and self.governor.admit(quotas, now) is None and self.governor.has_room(quotas, now):
                    self._let_in(name, quotas, queue.popleft())
                    return True
        return False

    def _let_in(self, name: str, quotas: Quotas, waiter: Waiter) -> None:
        queues = self._lanes.pop(name)
        queues[quotas] = queues.pop(quotas)  # its queues take turns as well
        self._lanes[name] = queues
        self._sweep(name)
        self._under_way[name] += 1
        self.governor.sent(quotas)
        waiter.turn.set_result(None)

    def _sweep(self, name: str) -> None:
        queues = self._lanes.get(name, {})
        for quotas in [quotas for quotas, queue in queues.items() if not queue]:
            del queues[quotas]
        if not queues:
            self._lanes.pop(name, None)

    def _total(self) -> int:
        return self._under_way.total()

    # ---- when to look again ----

    def _queues(self) -> Iterator[tuple[Quotas, deque[Waiter]]]:
        for queues in list(self._lanes.values()):
            yield from list(queues.items())

    def _earliest(self, now: datetime) -> datetime | None:
        """The next moment at which a closed queue opens; who cannot wait that long is sent away."""
        opening: list[datetime] = []
        closed: set[Quota] = set()
        for quotas, queue in self._queues():
            until = self.governor.admit(quotas, now)
            if until is not None:
                self._send_away(quotas, queue, until)
                if queue:
                    opening.append(until)
                    closed |= self.governor.closed(quotas, now)
        self._count_by_quota(closed)
        return min(opening, default=None)

    def _send_away(self, quotas: Quotas, queue: deque[Waiter], until: datetime) -> None:
        hopeless = [waiter for waiter in queue if waiter.give_up is not None and waiter.give_up < until]
        hopeless = [waiter for waiter in hopeless if not waiter.turn.done()]
        for waiter in hopeless:
            queue.remove(waiter)
            closed = ", ".join(sorted(str(quota) for quota in quotas))
            waiter.turn.set_exception(GaveUp(f"a quota is closed until {until.isoformat()}, too late", place=closed))
        if hopeless:
            self._sweep(lane(quotas))

    def _set_alarm(self, moment: datetime | None) -> None:
        """One sleeper for all who wait; it lives only while somebody does, so nobody has to close the gate."""
        self._count_waiting(closed=moment is not None)
        if moment == self._alarm_at and (moment is None or self._alarm is not None):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = moment
        self._alarm = None if moment is None else asyncio.create_task(self._ring(moment))

    async def _ring(self, moment: datetime) -> None:
        while (seconds := (moment - self._clock.now()).total_seconds()) > 0:
            await self._clock.sleep(seconds)
        self._alarm, self._alarm_at = None, None
        self.review()

    def _count_waiting(self, *, closed: bool) -> None:
        if closed and self._closed_since is None:
            self._closed_since = self._clock.monotonic()
        if not closed and self._closed_since is not None:
            self._seconds_waited += self._clock.monotonic() - self._closed_since
            self._closed_since = None

    def _count_by_quota(self, closed: set[Quota]) -> None:
        now = self._clock.monotonic()
        for quota in self._stood_since.keys() - closed:
            self._stood[quota] = self._stood.get(quota, 0.0) + now - self._stood_since.pop(quota)
        for quota in closed - self._stood_since.keys():
            self._stood_since[quota] = now
