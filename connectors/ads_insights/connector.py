"""Owns one question from submission to its last row: asks, waits, reads, and asks again where that is the remedy."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Protocol

from connectors.ads_insights.life import Rhythm, Seen, Step
from connectors.ads_insights.poller import Poller
from connectors.ads_insights.questions import Question, Run, rows_of, run_id_of, submission, synchronous
from connectors.base import Answer, Receiver
from connectors.errors import (
    Fault,
    GaveUp,
    Missing,
    NotReady,
    RestartListing,
    Resubmit,
    Throttled,
    TooMuch,
)
from connectors.graph.client import Graph
from connectors.graph.faults import classify_run
from connectors.graph.pages import PageSize
from connectors.http.clock import Clock
from schemas.events import Say

BIGGEST_PAGE = 5000
"""Rows of a result page to begin with; halved on "reduce the amount of data", grown back (graph-api 1.7, 9)."""
SMALL_ROWS = 1000
"""A question that gave at most so many rows last time is asked synchronously: one call instead of three or more."""
MOST_TRIES = 4
MOST_DEADLINES = 2
"""So many deadlines after its first submission a question is submitted no more: its runs hang."""
RESUBMIT_SECONDS = (5.0, 60.0, 300.0)
"""Before a run is submitted again. -2/2490547 wants 5 to 30 minutes (graph-api 2.12 [docs: IEC])."""
NOT_READY_SECONDS = (2.0, 5.0, 15.0, 30.0, 60.0)
"""Rows of a completed run that are not there yet come within a minute or never [obs: o:py293]."""


class RunBook(Protocol):
    """Remembers report runs, so that a crash does not orphan them (design, invariant 9)."""

    async def submitted(self, run: Run, question: Question) -> None:
        """A run was accepted; returns when that is committed."""

    async def ended(self, run: Run, state: str, reason: str = "") -> None:
        """A run is no longer waited for."""


class AdsInsights:
    """Every account's questions share one poller; each account has a bound on its runs alive.

    `pages` is how many rows a result page held at best, `seconds` how long a run took, by account and report, where
    the past tells.
    """

    def __init__(
        self,
        graph: Graph,
        clock: Clock,
        rhythm: Rhythm,
        book: RunBook,
        most_alive: int,
        say: Say,
        pages: Mapping[tuple[str, str], int] | None = None,
        seconds: Mapping[tuple[str, str], float] | None = None,
    ) -> None:
        self._graph = graph
        self._clock = clock
        self._book = book
        self._say = say
        self._poller = Poller(graph, clock, rhythm, say)
        self._poller.usual |= seconds or {}
        self._patience = MOST_DEADLINES * rhythm.deadline_seconds
        self._alive: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(most_alive))
        self._sizes: dict[tuple[str, str], PageSize] = defaultdict(lambda: PageSize(BIGGEST_PAGE))
        for key, rows in (pages or {}).items():
            self._sizes[key].now = max(1, min(rows, BIGGEST_PAGE))

    @property
    def pages(self) -> dict[tuple[str, str], int]:
        """How many rows a result page may hold now, by account and report."""
        return {key: size.now for key, size in self._sizes.items()}

    @property
    def seconds(self) -> dict[tuple[str, str], float]:
        """How long the last run took, by account and report."""
        return dict(self._poller.usual)

    async def fetch(self, question: Question, receiver: Receiver, on_stuck: Callable[[], None] | None = None) -> Answer:
        """The whole answer to a question, page by page into the receiver.

        A report run past its deadline is submitted again; with `on_stuck`, which is called once, it is listened to on
        and no longer counts among the account's runs, so that its caller can ask less beside it (design 6).

        Raises:
            TooMuch: The question must be made smaller.
            Fault: It cannot be answered; the fault says what to do.
        """
        if _may_be_small(question):
            answer = await self._at_once(question, receiver)
            if answer is not None:
                return answer
        if question.report.mode == "sync":
            raise TooMuch("a synchronous answer has more than one page", place=question.place)
        place = _Place(self._alive[question.account], on_stuck)
        async with place:
            return await self._by_run(question, receiver, None if on_stuck is None else place.stuck)

    # ---- synchronously ----

    async def _at_once(self, question: Question, receiver: Receiver) -> Answer | None:
        """One page, or nothing: several pages are not a snapshot, because rows have no order and numbers refresh."""
        as_of = self._clock.now()
        try:
            reply = await self._graph.call(synchronous(question).with_params(limit=BIGGEST_PAGE))
        except TooMuch:
            if question.report.mode == "sync":
                raise
            return None
        if reply.paging.has_next:
            self._say("sync.more_than_a_page", question=question.place)
            return None
        self._say("page.read", question=question.place, page=0)
        receiver.begin()
        await receiver.take(reply.body)
        return Answer(as_of)

    # ---- by a report run ----

    async def _by_run(self, question: Question, receiver: Receiver, stuck: Callable[[], None] | None) -> Answer:
        last: Fault | None = None
        run = question.adopted
        until = self._clock.monotonic() + self._patience
        for attempt in range(MOST_TRIES):
            if last is not None and self._clock.monotonic() >= until:
                break
            if run is None:
                await self._pause(question, attempt, last)
                try:
                    run = await self._submit(question)
                except Resubmit as fault:
                    last = fault
                    continue
            try:
                return await self._carried(run, question, receiver, stuck)
            except (Resubmit, Missing) as fault:
                await self._book.ended(run, "failed", fault.message)
                last, run = fault, None
            except BaseException as fault:
                if isinstance(fault, Fault):
                    await self._book.ended(run, "failed", fault.message)
                raise
        raise GaveUp.after(last, "its report runs came to nothing") if last else GaveUp("no report run")

    async def _pause(self, question: Question, attempt: int, last: Fault | None) -> None:
        if last is not None:
            seconds = RESUBMIT_SECONDS[min(attempt, len(RESUBMIT_SECONDS)) - 1]
            self._say("report_run.submit_again", question=question.place, because=last.message, seconds=seconds)
            await self._clock.sleep(seconds)

    async def _submit(self, question: Question) -> Run:
        submitted_at = self._clock.now()
        reply = await self._graph.call(submission(question))
        run_id = run_id_of(reply.object())
        if run_id is None:
            raise Resubmit("a submission was answered without a report_run_id", place=question.place)
        run = Run(run_id, submitted_at)
        self._say("report_run.submitted", question=question.place, run=run.id)
        await self._book.submitted(run, question)
        return run

    async def _carried(
        self, run: Run, question: Question, receiver: Receiver, stuck: Callable[[], None] | None
    ) -> Answer:
        """A run from acceptance to its last row."""
        seen = await self._poller.finished(run, question, stuck)
        if seen.step is not Step.READ:
            raise _why(seen, question)
        for seconds in (*NOT_READY_SECONDS, None):
            try:
                await self._read(run, question, receiver)
                break
            except (NotReady, RestartListing) as fault:
                if seconds is None:
                    raise Resubmit(
                        f"the rows of a completed run never came: {fault.message}", **fault.common()
                    ) from fault
                await self._clock.sleep(seconds)
        await self._book.ended(run, "read")
        return Answer(run.submitted_at, run.id)

    async def _read(self, run: Run, question: Question, receiver: Receiver) -> None:
        receiver.begin()
        size = self._sizes[question.account, question.report.name]
        page = 0
        async for reply in self._graph.pages(rows_of(run, question.account), size):
            self._say("page.read", question=question.place, page=page)
            await receiver.take(reply.body)
            page += 1


class _Place:
    """A place among an account's runs alive; given back at the end, or once the run is stuck."""

    def __init__(self, places: asyncio.Semaphore, on_stuck: Callable[[], None] | None) -> None:
        self._places = places
        self._on_stuck = on_stuck
        self._held = False

    async def __aenter__(self) -> None:
        await self._places.acquire()
        self._held = True

    async def __aexit__(self, *_: object) -> None:
        self._give_back()

    def stuck(self) -> None:
        """The run is past its deadline."""
        self._give_back()
        if self._on_stuck is not None:
            self._on_stuck()

    def _give_back(self) -> None:
        if self._held:
            self._held = False
            self._places.release()


def _may_be_small(question: Question) -> bool:
    if question.adopted is not None or question.report.mode == "async":
        return False
    return question.report.mode == "sync" or (question.rows is not None and question.rows <= SMALL_ROWS)


def _why(seen: Seen, question: Question) -> Fault:
    """The fault of a run that ended without rows."""
    if seen.step is Step.SKIPPED:
        return Resubmit("the report run was skipped: it expired in Meta's queue", place=question.place)
    fault = classify_run(
        seen.error_code, seen.error_subcode, seen.error_message, place=question.place, account=question.account
    )
    if isinstance(fault, Throttled):
        return Resubmit(fault.message, **fault.common())
    return fault
