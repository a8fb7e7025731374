"""Owns when a run gives up: what has not ended by then is called off and stays due (`give_up_after_minutes`)."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.errors import GaveUp
from connectors.http.clock import Clock


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment by the run's own clock; None: as long as it takes."""

    clock: Clock
    until: datetime | None = None

    @classmethod
    def after(cls, clock: Clock, minutes: float) -> "Deadline":
        """So many minutes from now; 0 is never."""
        return cls(clock, clock.now() + timedelta(minutes=minutes) if minutes else None)

    @property
    def fault(self) -> GaveUp:
        """What is said of work that was called off."""
        return GaveUp("[pace] give_up_after_minutes is over")

    @property
    def passed(self) -> bool:
        """Whether it is too late to begin anything."""
        return self.until is not None and self.clock.now() >= self.until

    async def meets(self, work: Coroutine[Any, Any, None]) -> bool:
        """Whether the work ended in time, raising what it raised; otherwise it was called off and has stopped."""
        if self.until is None:
            await work
            return True
        if self.passed:
            work.close()
            return False
        doing = asyncio.ensure_future(work)
        bell = asyncio.ensure_future(self.clock.sleep((self.until - self.clock.now()).total_seconds()))
        try:
            await asyncio.wait({doing, bell}, return_when=asyncio.FIRST_COMPLETED)
            return await _ended(doing)
        finally:
            for future in (doing, bell):
                future.cancel()
            await asyncio.wait({doing, bell})


async def _ended(doing: "asyncio.Future[None]") -> bool:
    """Calls off what is still going; whether it had ended, or did so all the same."""
    doing.cancel()
    await asyncio.wait({doing})
    if doing.cancelled():
        return False
    doing.result()
    return True
