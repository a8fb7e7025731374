"""Owns the rule of one writer per store: an OS lock on the state folder, which a killed process cannot leave behind."""

import fcntl
import itertools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import orjson

from pipeline.errors import Busy, Store

NAME = "lock"
LOOK_AGAIN_SECONDS = 0.5
GLANCES = 5
"""How often a writer looks before it gives up: `holder` takes the lock for an instant, and is no writer."""
GLANCE_SECONDS = 0.02


@contextmanager
def writing(state: Path, command: str, now: datetime, *, wait: bool = False) -> Iterator[None]:
    """Holds the store for writing.

    Raises:
        Busy: Another process holds it; the message says who, since when, on what.
        Store: The folder cannot be written.
    """
    path = state / NAME
    try:
        state.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise Store(f"state {state}: cannot be written: {error.strerror}") from error
    try:
        _take(handle, path, wait=wait)
        try:
            _sign(handle, command, now)
            yield
        finally:
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def holder(state: Path) -> str | None:
    """Who writes this store now, in words; None if nobody does."""
    try:
        handle = os.open(state / NAME, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _who(state / NAME)
    finally:
        os.close(handle)
    return None


def command_of(state: Path) -> str | None:
    """The command that holds this store now, such as `schedule`; None if nobody does."""
    if holder(state) is None:
        return None
    try:
        return str(orjson.loads((state / NAME).read_bytes())["command"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _take(handle: int, path: Path, *, wait: bool) -> None:
    for look in itertools.count(1):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if look >= GLANCES and not wait:
                raise Busy(f"store {path.parent}: {_who(path)} is writing it; wait for its end or add --wait") from None
            time.sleep(GLANCE_SECONDS if look < GLANCES else LOOK_AGAIN_SECONDS)
        else:
            return


def _sign(handle: int, command: str, now: datetime) -> None:
    data = orjson.dumps({"pid": os.getpid(), "command": command, "since": now.isoformat(timespec="seconds")})
    os.ftruncate(handle, 0)
    os.pwrite(handle, data, 0)


def _who(path: Path) -> str:
    try:
        found = orjson.loads(path.read_bytes())
        return f"`insights {found['command']}` (process {found['pid']}, since {found['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
