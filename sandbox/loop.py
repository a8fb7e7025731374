"""Owns an event loop whose time passes only when nobody works: an hour of a sandbox and its client takes a moment.

Where the loop would sleep until its next timer, and no socket has bytes and no thread works, the time jumps to that
timer. A sandbox and a client that run in one such loop live in the same time, as exact as in a calculation.
"""

import array
import asyncio
import fcntl
import selectors
import termios
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime, timedelta
from typing import TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Args = TypeVarTuple("Args")
GRACE_SECONDS = 0.002
"""Real time in which bytes that are under way inside the machine may still arrive before the time jumps."""
THREADS_SECONDS = 0.05
MOST_LOOKS = 50
"""How often bytes in flight are waited for: those for somebody who reads no more never arrive."""


class _Selector(selectors.DefaultSelector):
    """Where the loop waits for sockets and timers."""

    def __init__(self, loop: "Loop") -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; where nothing is and nobody works, the time has passed."""
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        if self._loop.in_threads:
            return super().select(THREADS_SECONDS)
        ready = super().select(GRACE_SECONDS)
        for _ in range(MOST_LOOKS):
            if ready or not self._in_flight():
                break
            ready = super().select(GRACE_SECONDS)
        if not ready:
            self._loop.elapsed += timeout
        return ready

    def _in_flight(self) -> bool:
        """Tell whether a socket has sent bytes that its peer's end has not taken in: a busy machine delays them."""
        return any(_unsent(key.fd) for key in self.get_map().values())


def _unsent(descriptor: int) -> int:
    waiting = array.array("i", [0])
    try:
        fcntl.ioctl(descriptor, termios.TIOCOUTQ, waiting)
    except OSError:  # no stream of bytes, or not connected
        return 0
    return waiting[0]


class Loop(asyncio.SelectorEventLoop):
    """An event loop with a time of its own, in seconds since its birth."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.in_threads = 0
        super().__init__(_Selector(self))

    def time(self) -> float:
        """Return its own time."""
        return self.elapsed

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Args]], T], *args: *Args
    ) -> "asyncio.Future[T]":
        """Run in a thread; while one works, no time is skipped."""
        future = super().run_in_executor(executor, func, *args)
        self.in_threads += 1
        future.add_done_callback(self._out_of_thread)
        return future

    def _out_of_thread(self, _: object) -> None:
        self.in_threads -= 1


class LoopClock:
    """A client's clock on a loop's time, which began at a moment."""

    def __init__(self, loop: Loop, born: datetime) -> None:
        self._loop = loop
        self._born = born

    def now(self) -> datetime:
        """Return the moment."""
        return self._born + timedelta(seconds=self._loop.elapsed)

    def monotonic(self) -> float:
        """Return the seconds since the loop's birth."""
        return self._loop.elapsed

    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed."""
        await asyncio.sleep(max(0.0, seconds))
