"""Owns the process that stays: looks what is due, does it, waits. One load at a time; a failure ends only itself.

What is next is decided by `pipeline/timetable.py`; nothing of it is kept here: a killed process goes on where it was.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pipeline.app import App
from pipeline.bell import Bell, alarm_clock
from pipeline.errors import Refused, Unpublished
from pipeline.loading import Desk
from pipeline.metrics import Measured
from pipeline.orders import Choice
from pipeline.past import past_of
from pipeline.requests import OUTCOMES, Request, read_request
from pipeline.serving import Operations, application
from pipeline.status_page.guard import Guard
from pipeline.status_page.serving import listening, refuse_unguarded
from pipeline.status_page.source import Source
from pipeline.summary import Summary
from pipeline.telling import Teller
from pipeline.timetable import PATIENCE, PUBLISH_EVERY, Routine, Step, loads, next_step
from pipeline.uninterrupted import uninterrupted

COMMAND = "schedule"
LOOK_FOR_TROUBLE = timedelta(minutes=10)
REST_SECONDS = 60.0
"""After something broke nothing is begun for so long: whatever it was, the process does not spin on it."""


@dataclass(slots=True)
class Pulse:
    """What a health check may know: when the process last looked, what it does now, how much it has done."""

    looked_at: datetime | None = None
    told_at: datetime | None = None
    doing: str = "starting"
    done: int = 0
    request: Request | None = None


async def stay(app: App, *, wait: bool) -> None:
    """Holds the store, loads what is due, and serves the status page, until it is cancelled.

    Raises:
        Refused: The store or the address cannot be used.
    """
    async with app.at_work(COMMAND, wait=wait) as desk, alarm_clock(app.clock, app.speed) as bell:
        schedule = Schedule(app, desk, bell, app.teller(desk))
        guard = Guard(app.status_token)
        refuse_unguarded(guard, app.address[0])
        async with listening(application(schedule.operations(), Source.of(app), guard), *app.address) as url:
            app.journal("schedule.began", url=url)
            await schedule.stay()


@dataclass(frozen=True, slots=True)
class Schedule:
    """A process that stays, at its desk."""

    app: App
    desk: Desk
    bell: Bell
    teller: Teller
    pulse: Pulse = field(default_factory=Pulse)

    async def stay(self) -> None:
        """Goes on until it is cancelled."""
        self.app.journal.listen(self._hear)
        while True:
            await self.turn()

    async def turn(self) -> None:
        """Does the one thing that is due, or waits until something may be."""
        now = self.app.clock.now()
        step = self._next(now)
        self.pulse.looked_at = now
        due = step is not None and step.at <= now
        if step is not None and due:
            await self._do(step)
            self.pulse.done += 1
        if due or self.pulse.told_at is None or abs(now - self.pulse.told_at) >= LOOK_FOR_TROUBLE:
            await self.teller.tell(now)
            self.pulse.told_at = now
        if not due:
            self.pulse.doing = f"waiting until {step.at:%Y-%m-%d %H:%M} UTC" if step else "waiting"
            await self.bell.wait(step.at if step else now + PUBLISH_EVERY)

    def _next(self, now: datetime) -> Step | None:
        ledger = self.desk.store.ledger
        return next_step(self.app.routines(ledger), past_of(ledger), now)

    async def _do(self, step: Step) -> None:
        if step.routine is not None:
            await self._load(step.routine)
        elif step.request is not None:
            await self._carry_on(step.request)
        else:
            await self._publish()

    # ---- what there is to do ----

    async def _load(self, routine: Routine) -> None:
        self.pulse.doing = routine.name
        self.app.journal("schedule.load_begun", routine=routine.name, accounts=len(routine.accounts))
        try:
            choice = Choice(tables=routine.tables, accounts=routine.accounts)
            summary = await self.app.load_at(self.desk, choice, routine.name)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next routine has a right to its night
            self.app.journal("schedule.load_broke", routine=routine.name, because=str(error))
            await self.app.clock.sleep(REST_SECONDS)
            return
        counts, failures = summary.totals.slices, len(summary.totals.failures)
        self.app.journal("schedule.load_done", routine=routine.name, **counts, failures=failures)

    async def _publish(self) -> None:
        self.pulse.doing = "publishing"
        try:
            await uninterrupted(asyncio.to_thread(self.app.publish_at, self.desk.store))
        except Unpublished as error:
            self.app.journal("schedule.unpublished", because=str(error))

    async def _carry_on(self, number: int) -> None:
        """One piece of a request; one that keeps a routine waiting too long is stopped, and taken up again later."""
        ledger = self.desk.store.ledger
        request = next(read_request(row) for row in ledger.requests() if row["id"] == number)
        piece = request.piece()
        if piece is None:
            ledger.end_request(number, OUTCOMES[request.doing.exit_code], self.app.clock.now())
            return
        begun = replace(request.doing, since=request.doing.since or self.app.clock.now())
        self.pulse.doing = f"request {number}: {piece.since} to {piece.until}"
        self.pulse.request = request = replace(request, doing=begun)
        ledger.request_is_at(number, begun.as_data())
        self.app.journal("request.piece_begun", request=number, since=str(piece.since), until=str(piece.until))
        try:
            summary = await self._unless_overdue(request, piece)
        except Refused as error:
            ledger.request_is_at(number, replace(begun, because=str(error)).as_data())
            ledger.end_request(number, "refused", self.app.clock.now())
        except Exception as error:  # noqa: BLE001 - it rests, and is tried again
            self.app.journal("request.piece_broke", request=number, because=str(error))
            await self.app.clock.sleep(REST_SECONDS)
        else:
            if summary is not None:
                ledger.request_is_at(number, request.after(piece, summary).as_data())
        finally:
            self.pulse.request = None

    async def _unless_overdue(self, request: Request, piece: Choice) -> Summary | None:
        """How a piece ended; None if a routine could wait for it no longer."""
        work = asyncio.ensure_future(self.app.backfill_at(self.desk, piece, force=request.force))
        alarm = asyncio.ensure_future(self._overdue())
        try:
            await asyncio.wait({work, alarm}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for future in (work, alarm):
                future.cancel()
            await asyncio.wait({work, alarm})
        if work.cancelled():
            self.app.journal("request.piece_stopped", request=request.number)
            return None
        return work.result()

    async def _overdue(self) -> None:
        """Returns when a routine has been due for longer than a piece of a request may keep it waiting."""
        ledger = self.desk.store.ledger
        while True:
            now = self.app.clock.now()
            first = min((s.at for s in loads(self.app.routines(ledger), past_of(ledger), now)), default=None)
            if first is not None and first + PATIENCE <= now:
                return
            await self.bell.wait(now + PUBLISH_EVERY if first is None else first + PATIENCE)

    def _hear(self, event: str, fields: Mapping[str, object]) -> None:
        """Writes down how far a piece is, for those who follow its request."""
        request, total = self.pulse.request, int(str(fields.get("total") or 0))
        if event == "run.progress" and request is not None and total:
            doing = replace(request.doing, piece_done=min(1.0, int(str(fields["done"])) / total))
            self.desk.store.ledger.request_is_at(request.number, doing.as_data())

    # ---- what it tells of itself ----

    def operations(self) -> Operations:
        """Its health and its metrics."""
        return Operations(self.health, self.measured, self.app.metrics)

    def health(self) -> Mapping[str, object]:
        """What it does. Reads the ledger: where that is not possible it is not ready."""
        with self.app.read() as ledger:
            landed = ledger.last_landing
        looked_at = self.pulse.looked_at.isoformat() if self.pulse.looked_at else None
        return {"doing": self.pulse.doing, "looked_at": looked_at, "steps_done": self.pulse.done, "landed": landed}

    def measured(self) -> Measured:
        """What it has counted and read so far."""
        line, now = self.desk.line, self.app.clock.now()
        return Measured(line.tally.copy(), line.gate.seconds_waited, line.gate.governor.levels(now))
