"""Time as a value that is handed in: now, elapsed, sleep. No other module of the connectors asks the machine for it."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What pacing, retrying and the conductors need of time; seconds are the clock's own."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return when that much of this clock's time has passed; at once for nothing or less."""
        ...


class SystemClock:
    """The machine's time; `speed` seconds pass in each of its seconds, and with `born` it starts there."""

    def __init__(self, speed: float = 1.0, born: datetime | None = None) -> None:
        if not speed > 0:
            raise ValueError(f"a clock's speed must be above 0, not {speed}")
        self._speed = speed
        self._started = time.monotonic()
        self._born = datetime.now(UTC) if born is None and speed != 1 else born

    def now(self) -> datetime:
        """The present of this clock; the machine's own (and its corrections) unless speed or birth say otherwise."""
        if self._born is None:
            return datetime.now(UTC)
        return self._born.astimezone(UTC) + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Seconds of this clock since it was made."""
        return (time.monotonic() - self._started) * self._speed

    async def sleep(self, seconds: float) -> None:
        """Sleep that many of this clock's seconds."""
        await asyncio.sleep(max(0.0, seconds) / self._speed)

    def __repr__(self) -> str:
        return f"SystemClock(now={self.now().isoformat(timespec='seconds')}, speed={self._speed:g})"
