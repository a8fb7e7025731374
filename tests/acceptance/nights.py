"""Runs `insights schedule` in jumping time: fast while it works, and at once at the next moment when it waits.

The sandbox keeps the time; the product's clock is so many seconds ahead of it. `EVENT NTH` kill the process there.
"""

import asyncio
import json
import os
import signal
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from config.settings import read
from connectors.http.clock import SystemClock
from pipeline.app import App
from pipeline.journal import Journal
from pipeline.schedule import Pulse, Schedule

GLANCE_SECONDS = 0.02


@dataclass
class JumpingClock:
    """The machine's time, faster, and pushed forward by a hand."""

    inner: SystemClock
    ahead: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        return self.inner.now() + self.ahead

    def monotonic(self) -> float:
        return self.inner.monotonic() + self.ahead.total_seconds()

    async def sleep(self, seconds: float) -> None:
        await self.inner.sleep(seconds)


@dataclass
class JumpingBell:
    """Whoever waits for it is there at once, and so is the sandbox; only beside a piece of a backfill time passes."""

    clock: JumpingClock
    url: str
    pulse: Pulse

    async def wait(self, until: datetime) -> None:
        if self.pulse.request is not None:
            await asyncio.sleep(GLANCE_SECONDS)
            return
        jump = max(until - self.clock.now(), timedelta())
        self.clock.ahead += jump
        asked(self.url, {"advance_seconds": jump.total_seconds()})


def asked(url: str, wish: Mapping[str, float] | None = None) -> datetime:
    """The sandbox's time, moved if that is wanted."""
    body = None if wish is None else json.dumps(wish).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/sandbox/clock", body)) as reply:
        return datetime.fromisoformat(json.load(reply)["now"])


class Killer:
    """A listener that kills the process at the n-th event of a name."""

    def __init__(self, event: str, nth: int) -> None:
        self.event, self.left = event, nth

    def __call__(self, event: str, _: Mapping[str, object]) -> None:
        self.left -= event == self.event
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


async def main(url: str, end: datetime, skew_seconds: float, *kill: str) -> None:
    settings = read(Path(os.environ["INSIGHTS_CONFIG"]), end.date())
    born = asked(url) + timedelta(seconds=skew_seconds)
    clock = JumpingClock(SystemClock(settings.pace.clock_speed, born))
    app = App(settings, clock, Journal([Killer(kill[0], int(kill[1]))] if kill else []), rehearsal=True)
    pulse = Pulse()
    async with app.at_work("schedule") as desk:
        schedule = Schedule(app, desk, JumpingBell(clock, url, pulse), app.teller(desk), pulse)
        app.journal.listen(schedule._hear)
        while asked(url) < end:
            await schedule.turn()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], datetime.fromisoformat(sys.argv[2]), float(sys.argv[3]), *sys.argv[4:]))
