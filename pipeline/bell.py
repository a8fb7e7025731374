"""Owns the only use of APScheduler: it rings. What is to be done then is decided by `pipeline/timetable.py`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from connectors.http.clock import Clock

LOOK_SECONDS = 2
"""So often the bell rings anyway: for what others ask, and for clocks that jump or machines that slept."""
LONGEST = timedelta(days=1)


class Bell(Protocol):
    """Whatever can be waited for."""

    async def wait(self, until: datetime) -> None:
        """Returns at this moment of the clock, or sooner: whoever waits looks again."""


class AlarmClock:
    """A bell of the machine's time; `speed` seconds of the clock pass in each of its seconds."""

    def __init__(self, scheduler: AsyncIOScheduler, clock: Clock, speed: float) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._speed = speed
        self._rung = asyncio.Event()
        scheduler.add_job(self._ring, "interval", seconds=LOOK_SECONDS)

    async def wait(self, until: datetime) -> None:
        """See `Bell`."""
        self._rung.clear()
        ahead = min(max(until - self._clock.now(), timedelta()), LONGEST) / self._speed
        self._scheduler.add_job(
            self._ring, "date", run_date=datetime.now(UTC) + ahead, id="next", replace_existing=True
        )
        await self._rung.wait()

    async def _ring(self) -> None:
        self._rung.set()


@asynccontextmanager
async def alarm_clock(clock: Clock, speed: float) -> AsyncIterator[AlarmClock]:
    """A bell for as long as the block lasts."""
    defaults = {"coalesce": True, "misfire_grace_time": None}
    scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=defaults)
    bell = AlarmClock(scheduler, clock, speed)
    scheduler.start()
    try:
        yield bell
    finally:
        scheduler.shutdown(wait=False)
