"""Owns the waiting for report runs: everybody's runs are polled together, in batches, each when its time has come."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from connectors.ads_insights.life import Rhythm, Seen, Step
from connectors.ads_insights.questions import Question, Run, poll
from connectors.errors import Fault, GaveUp, NotReady, Resubmit, Throttled, Transient
from connectors.graph.client import Graph
from connectors.http.clock import Clock
from schemas.events import Say

TOGETHER_SECONDS = 0.5
"""Runs whose time comes within so much of each other are polled in one batch."""
RARELY = 10
"""A run past its deadline is looked at so many times more rarely than the rarest of the others (design 6)."""
HOPELESS = 6
"""So many deadlines after its submission even a run that is only listened to is given up."""


@dataclass(slots=True, eq=False)
class Waiting:
    """One run that somebody waits for."""

    run: Run
    question: Question
    done: "asyncio.Future[Seen]"
    since: float
    look_at: float
    percent: int = field(default=0)
    on_stuck: Callable[[], None] | None = None
    stuck: bool = False


class Poller:
    """`await poller.finished(run, question)`: the run's last state, as soon as it has one."""

    def __init__(self, graph: Graph, clock: Clock, rhythm: Rhythm, say: Say) -> None:
        self._graph = graph
        self._clock = clock
        self._rhythm = rhythm
        self._say = say
        self._waiting: list[Waiting] = []
        self.usual: dict[tuple[str, str], float] = {}
        """Seconds that the last run of an account and report took."""
        self._changed = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    async def finished(self, run: Run, question: Question, on_stuck: Callable[[], None] | None = None) -> Seen:
        """Waits for the end of a run; with `on_stuck`, called at its deadline, also far beyond that, looking rarely.

        Raises:
            Resubmit: The deadline passed, or nobody knows this run any more.
            Fault: The run cannot be polled.
        """
        now = self._clock.monotonic()
        usual = self.usual.get((question.account, question.report.name))
        waiting = Waiting(
            run,
            question,
            asyncio.get_running_loop().create_future(),
            now,
            now + self._rhythm.first(usual),
            on_stuck=on_stuck,
        )
        self._waiting.append(waiting)
        self._wake()
        try:
            return await waiting.done
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)

    def _wake(self) -> None:
        self._changed.set()
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._run())

    async def _run(self) -> None:
        """Lives while somebody waits; what ends it ends their waiting, because nobody else would."""
        try:
            await self._poll()
        except BaseException as error:
            for waiting in self._waiting:
                _fail(waiting, error)
            raise

    async def _poll(self) -> None:
        while self._waiting:
            self._changed.clear()
            now = self._clock.monotonic()
            soonest = min(waiting.look_at for waiting in self._waiting)
            if soonest > now:
                await self._sleep(soonest - now)
                continue
            ripe = [w for w in self._waiting if w.look_at <= now + TOGETHER_SECONDS and not w.done.done()]
            self._waiting = [w for w in self._waiting if not w.done.done()]
            if ripe:
                await self._look(ripe)

    async def _sleep(self, seconds: float) -> None:
        """Until the next is ripe, or a newcomer may be ripe sooner."""
        sleeper = asyncio.ensure_future(self._clock.sleep(seconds))
        changed = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({sleeper, changed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
            changed.cancel()

    async def _look(self, ripe: Sequence[Waiting]) -> None:
        self._say("report_run.polled", runs=len(ripe))
        try:
            answers = await self._graph.batch([poll(w.run, w.question.account) for w in ripe], once=True)
        except Fault as fault:
            answers = [fault] * len(ripe)
        for waiting, answer in zip(ripe, answers, strict=True):
            if isinstance(answer, Fault):
                self._failed(waiting, answer)
            else:
                self._seen(waiting, Seen.of(answer.object()))

    def _seen(self, waiting: Waiting, seen: Seen) -> None:
        age = self._clock.monotonic() - waiting.since
        if seen.percent != waiting.percent or seen.step is not Step.WAIT:
            self._say("report_run.seen", run=waiting.run.id, status=seen.status, percent=seen.percent)
        waiting.percent = seen.percent
        if seen.step is not Step.WAIT:
            if seen.step is Step.READ:
                self.usual[waiting.question.account, waiting.question.report.name] = seen.took or age
            _settle(waiting, seen)
        elif age > self._rhythm.deadline_seconds:
            self._past_deadline(waiting, age, f"stuck at {seen.percent} % of {seen.status!r}")
        else:
            waiting.look_at = self._clock.monotonic() + self._rhythm.next(age, seen.percent)

    def _past_deadline(self, waiting: Waiting, age: float, how: str) -> None:
        fault = f"report run {waiting.run.id} is {how}"
        if waiting.on_stuck is None:
            _fail(waiting, Resubmit(fault))
        elif age > HOPELESS * self._rhythm.deadline_seconds:
            _fail(waiting, GaveUp(fault))
        else:
            waiting.look_at = self._clock.monotonic() + RARELY * self._rhythm.max_seconds
            if not waiting.stuck:
                waiting.stuck = True
                self._say("report_run.stuck", run=waiting.run.id, percent=waiting.percent)
                waiting.on_stuck()

    def _failed(self, waiting: Waiting, fault: Fault) -> None:
        """A closed quota is waited for as long as it takes; any other poll without an answer, until the deadline."""
        age = self._clock.monotonic() - waiting.since
        if isinstance(fault, Throttled):
            waiting.look_at = self._clock.monotonic() + (fault.wait_seconds or self._rhythm.max_seconds)
        elif not isinstance(fault, NotReady | Transient | GaveUp):
            _fail(waiting, fault)
        elif age <= self._rhythm.deadline_seconds:
            waiting.look_at = self._clock.monotonic() + self._rhythm.next(age, waiting.percent)
        else:
            _fail(waiting, GaveUp.after(fault, "the report run could not be looked at before its deadline"))


def _settle(waiting: Waiting, seen: Seen) -> None:
    if not waiting.done.done():
        waiting.done.set_result(seen)


def _fail(waiting: Waiting, fault: BaseException) -> None:
    if not waiting.done.done():
        waiting.done.set_exception(fault)
