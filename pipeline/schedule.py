"""Owns the process that stays: looks what is due, does it, waits. One load at a time; a failure ends only itself.

What is next is decided by `pipeline/timetable.py`; nothing of it is kept here: a killed process goes on where it was.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.app import App, Desk
from pipeline.bell import Bell
from pipeline.errors import Unpublished
from pipeline.orders import Choice
from pipeline.past import past_of
from pipeline.summary import Summary
from pipeline.timetable import PATIENCE, PUBLISH_EVERY, Routine, Step, loads, next_step
from pipeline.uninterrupted import uninterrupted

COMMAND = "schedule"
AfterEach = Callable[[Summary | None], "asyncio.Future[None] | None"]


@dataclass(slots=True)
class Pulse:
    """What a health check may know: when the process last looked, and what it does now."""

    looked_at: datetime | None = None
    doing: str = "starting"
    done: int = 0


@dataclass(frozen=True, slots=True)
class Schedule:
    """A process that stays, at its desk."""

    app: App
    desk: Desk
    bell: Bell
    pulse: Pulse = field(default_factory=Pulse)

    async def stay(self) -> None:
        """Goes on until it is cancelled."""
        while True:
            await self.turn()

    async def turn(self) -> None:
        """Does the one thing that is due, or waits until something may be."""
        now = self.app.clock.now()
        step = self._next(now)
        self.pulse.looked_at = now
        if step is None or step.at > now:
            self.pulse.doing = f"waiting until {step.at:%Y-%m-%d %H:%M} UTC" if step else "waiting"
            await self.bell.wait(step.at if step else now + PUBLISH_EVERY)
            return
        await self._do(step)
        self.pulse.done += 1

    def _next(self, now: datetime) -> Step | None:
        ledger = self.desk.store.ledger
        return next_step(self.app.routines(ledger), past_of(ledger), now)

    async def _do(self, step: Step) -> None:
        if step.routine is not None:
            await self._load(step.routine)
        else:
            await self._publish()

    async def _load(self, routine: Routine) -> None:
        self.pulse.doing = routine.name
        self.app.journal("schedule.load_begun", routine=routine.name, accounts=len(routine.accounts))
        try:
            choice = Choice(tables=routine.tables, accounts=routine.accounts)
            summary = await self.app.load_at(self.desk, choice, routine.name)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next routine has a right to its night
            self.app.journal("schedule.load_broke", routine=routine.name, because=_cause(error))
            return
        counts = summary.totals.slices
        failures = len(summary.totals.failures)
        self.app.journal("schedule.load_done", routine=routine.name, **counts, failures=failures)

    async def _publish(self) -> None:
        self.pulse.doing = "publishing"
        try:
            await uninterrupted(asyncio.to_thread(self.app.publish_at, self.desk.store))
        except Unpublished as error:
            self.app.journal("schedule.unpublished", because=str(error))

    async def overdue(self) -> None:
        """Returns when a routine has been due for longer than a piece of a request may keep it waiting."""
        ledger = self.desk.store.ledger
        while True:
            now = self.app.clock.now()
            first = min((s.at for s in loads(self.app.routines(ledger), past_of(ledger), now)), default=None)
            if first is not None and first + PATIENCE <= now:
                return
            await self.bell.wait(now + PUBLISH_EVERY if first is None else first + PATIENCE)


def _cause(error: BaseException) -> str:
    """What went wrong, also where tasks failed together."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
