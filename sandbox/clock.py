"""Owns the sandbox's time: a start, a speed, and a hand that can move it."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


class SandboxClock:
    """Tells a moment that starts at `start` and passes `speed` times as fast as the machine's."""

    def __init__(
        self, start: datetime | None = None, speed: float = 1.0, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self.speed = speed
        self._ticks = ticks
        self._origin = ticks()
        self._start = start or datetime.now(UTC)

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return self._start + timedelta(seconds=(self._ticks() - self._origin) * self.speed)

    def move(self, moment: datetime) -> None:
        """Make `moment` the present; time passes on from there."""
        self._start = moment
        self._origin = self._ticks()

    def advance(self, seconds: float) -> None:
        """Jump by so many sandbox seconds."""
        self.move(self.now() + timedelta(seconds=seconds))


def parse_moment(text: str) -> datetime:
    """Read an ISO 8601 moment; one without an offset is UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def local_day(moment: datetime, zone: str) -> date:
    """Return the calendar day that `moment` belongs to in `zone`."""
    return moment.astimezone(ZoneInfo(zone)).date()


def graph_time(moment: datetime, zone: str) -> str:
    """Print a moment as node fields do: ISO 8601, numeric offset without a colon (graph-api.md 1.2)."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M:%S%z")
