"""Owns one slice of ads insights that is too much for one question: asked in parts, put together, landed as one.

A part that is refused is split down the ladder (`connectors/ads_insights/ladder.py`); a part that cannot be had at all
is a hole, which the slice names, while the rest lands (design 3, invariants 6, 7 and 15).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import datetime

import orjson

from connectors.ads_insights.connector import AdsInsights
from connectors.ads_insights.ladder import Narrowing, Part, part_of, split, wanted_ids, with_ids
from connectors.ads_insights.questions import Question, ids_of
from connectors.base import Receiver
from connectors.errors import (
    Blocked,
    Fault,
    GaveUp,
    PermissionRefused,
    Resubmit,
    Throttled,
    TokenRefused,
    TooMuch,
    VersionDead,
)
from pipeline.part_buffer import PartBuffer, Piece, put_together
from pipeline.reading import Reading
from pipeline.slices import SliceWriter, Target
from schemas.events import Say
from schemas.reports import Filter

ENDING = (TokenRefused, PermissionRefused, Throttled, Blocked, VersionDead)
"""Faults that no part escapes: they fail the slice."""
MOST_IN_VAIN = 4
"""So many questions that were given up before the first part is read are an outage, not one object's fault."""
SHOWN_HOLES = 20
"""Holes that a slice's reason spells out; more are counted."""
HELD_ROWS = 20_000
"""Rows of one table that a part may hold in memory."""

PartReading = Reading[PartBuffer]
Candidates = Callable[[Question, str], Sequence[str]]
"""The ids of a level that have landed, for the part that a question asks."""


@dataclass(frozen=True, slots=True)
class Hole:
    """What could not be had of a slice, and why; `known` are the objects that are left where others are excluded."""

    narrowing: Narrowing
    fault: Fault
    known: str = ""

    def __str__(self) -> str:
        known = f" (which leaves {self.known})" if self.known else ""
        return f"{self.narrowing.in_words()}{known}: {self.fault.message}"


@dataclass(frozen=True, slots=True)
class PartRead:
    """A part that was read whole: what was asked, its rows, and when Meta was asked."""

    part: Part
    reading: PartReading
    buffer: PartBuffer
    as_of: datetime


@dataclass(slots=True)
class Found:
    """What all parts of a slice gave."""

    place: str
    read: list[PartRead] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)
    in_vain: int = 0

    @property
    def as_of(self) -> datetime:
        """When Meta was asked: of all parts the earliest."""
        return min(read.as_of for read in self.read)

    @property
    def leaves(self) -> list[Narrowing]:
        """How the slice was divided in the end."""
        return [*(read.part.narrowing for read in self.read), *(hole.narrowing for hole in self.holes)]

    @property
    def incomplete(self) -> Fault | None:
        """The holes as one fault, with the codes of the first; None if there is none."""
        if not self.holes:
            return None
        fault = self.holes[0].fault
        holes = self._holes_by_objects()
        spelt = [*map(str, holes[:SHOWN_HOLES])]
        spelt += [f"{len(holes) - SHOWN_HOLES} more"] if len(holes) > SHOWN_HOLES else []
        return GaveUp(f"left out: {'; '.join(spelt)}", last=fault, **{**fault.common(), "place": self.place})

    def _holes_by_objects(self) -> list[Hole]:
        """The holes, those in the fields of the same objects as one."""
        whole: dict[tuple[Filter, ...], Hole] = {}
        for hole in self.holes:
            filters, fields = hole.narrowing.filters, hole.narrowing.fields
            known = whole.get(filters)
            before = () if known is None or known.narrowing.fields is None else known.narrowing.fields
            together = None if fields is None else (*before, *fields)
            whole[filters] = replace(hole, narrowing=Narrowing(filters, together), fault=(known or hole).fault)
        return list(whole.values())

    def write(self, target: Target, writer: SliceWriter) -> None:
        """Puts the parts together in the writer of the slice.

        Raises:
            Inconsistent: A part holds a key twice.
        """
        groups: dict[Narrowing, list[Piece]] = {}
        for read in self.read:
            whole = Narrowing(read.part.narrowing.filters)
            groups.setdefault(whole, []).append(Piece(read.buffer, read.part.fields))
        for pieces in groups.values():
            put_together(pieces, target, writer)

    async def discard(self) -> None:
        """Forgets all rows."""
        for read in self.read:
            await read.reading.stop()


@dataclass(frozen=True, slots=True)
class SliceInParts:
    """The way of one slice down the ladder. `open_reading` makes the receiver of a part's answer."""

    connector: AdsInsights
    question: Question
    open_reading: Callable[[], PartReading]
    candidates: Candidates
    pool: Executor
    say: Say
    found: Found

    async def ask(self, known: Sequence[Narrowing], refused: Fault | None) -> Found:
        """Everything that can be had, from the parts that worked before or, without any, from the whole down.

        Raises:
            Fault: One that ends everything, or nothing could be had; then the last one.
            Inconsistent: Rows contradict each other.
            OSError: The rows could not be kept.
        """
        try:
            if known:
                await _together([self._down(part_of(narrowing)) for narrowing in known])
            else:
                await self._divide(Part(), refused or TooMuch("the slice is too much for one question"))
        except BaseException:
            await self.found.discard()
            raise
        if not self.found.read:
            raise self.found.holes[-1].fault
        return self.found

    async def _down(self, part: Part) -> None:
        fault = await self._tried(part)
        if fault is not None:
            await self._divide(part, fault)

    async def _tried(self, part: Part) -> Fault | None:
        """Reads the part, or leaves it out; gives the fault of one that must be divided."""
        try:
            self.found.read.append(await self._read(self._question(part), part))
        except Fault as fault:
            if _ends_everything(fault) or self._is_outage(fault):
                raise
            if wants_less(fault):
                return fault
            self._leave_out(part, fault)
        return None

    def _is_outage(self, fault: Fault) -> bool:
        self.found.in_vain += isinstance(fault, GaveUp)
        return self.found.in_vain >= MOST_IN_VAIN and not self.found.read

    async def _divide(self, part: Part, fault: Fault) -> None:
        part = await self._knowing_ids(part)
        parts = split(part, self.question.report)
        if parts is None:
            self._leave_out(part, fault)
            return
        self.say("slice.divided", question=self._question(part).place, because=fault.message)
        if part.fields is None and parts[0].fields is not None:
            await self._divide_fields(part, parts, fault)
        else:
            await _together([self._down(child) for child in parts])

    async def _divide_fields(self, part: Part, parts: tuple[Part, Part], fault: Fault) -> None:
        """Where not even a single field is given, the fields are not what is too much: the part is left out whole."""
        refused = [(child, found) for child in parts if (found := await self._tried(child)) is not None]
        if len(refused) == len(parts) and not await self._gives_one_field(parts[0]):
            self._leave_out(part, fault)
            return
        await _together([self._divide(child, found) for child, found in refused])

    async def _gives_one_field(self, part: Part) -> bool:
        one = replace(part, fields=(part.fields or ())[:1])
        try:
            read = await self._read(self._question(one), one)
        except Fault as fault:
            if _ends_everything(fault):
                raise
            return False
        await read.reading.stop()
        return True

    def _leave_out(self, part: Part, fault: Fault) -> None:
        self.say("slice.hole", question=self._question(part).place, because=fault.message)
        self.found.holes.append(Hole(part.narrowing, fault, part.left_in_words()))

    def _question(self, part: Part) -> Question:
        whole = self.question
        return Question(whole.report, whole.account, whole.period, narrowing=part.narrowing)

    async def _read(self, question: Question, part: Part) -> PartRead:
        reading = self.open_reading()
        try:
            answer = await self.connector.fetch(question, reading)
            await reading.finish()
        except BaseException:
            await reading.stop()
            raise
        [buffer] = reading.writers.values()
        return PartRead(part, reading, buffer, answer.as_of)

    # ---- ids ----

    async def _knowing_ids(self, part: Part) -> Part:
        """The part with the ids that it must know to be split: those that landed, else those that Meta names."""
        report = self.question.report
        while (level := wanted_ids(part, report)) is not None:
            question = self._question(part)
            loop = asyncio.get_running_loop()
            landed = await loop.run_in_executor(self.pool, self.candidates, question, level)
            part = with_ids(part, report, landed, asked=False)
            if wanted_ids(part, report) == level:
                part = with_ids(part, report, await self._asked_ids(question, level), asked=True)
        return part

    async def _asked_ids(self, question: Question, level: str) -> Sequence[str]:
        """A part whose ids cannot be had either goes on to the next rung."""
        ids = _Ids(f"{level}_id")
        try:
            await self.connector.fetch(ids_of(question, level), ids)
        except Fault as fault:
            if _ends_everything(fault) or self._is_outage(fault):
                raise
            self.say("slice.ids_refused", question=question.place, level=level, because=fault.message)
            return ()
        return sorted(ids.found)


class _Ids(Receiver):
    """The receiver of a minimal report: the ids in one column."""

    def __init__(self, column: str) -> None:
        self._column = column
        self.found: set[str] = set()

    def begin(self) -> None:
        self.found = set()

    async def take(self, page: bytes) -> None:
        self.found |= {str(row[self._column]) for row in orjson.loads(page) if self._column in row}


def wants_less(fault: Exception) -> bool:
    """Whether a smaller question may be answered where this one was not."""
    if isinstance(fault, GaveUp) and isinstance(fault.last, Resubmit):
        return fault.last.then_split
    return isinstance(fault, TooMuch)


def _ends_everything(fault: Fault) -> bool:
    last = fault.last if isinstance(fault, GaveUp) and fault.last is not None else fault
    return isinstance(last, ENDING)


async def _together(coroutines: Sequence[Awaitable[None]]) -> None:
    """All at once; the first fault ends the others and is raised as itself."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
