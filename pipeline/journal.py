"""Owns where events go: to the log on stderr, to whoever listens, never with a secret in them.

`say` is synchronous: when it returns, every listener has heard. Progress bars listen; so do tests that kill the process
at a named step.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

Listener = Callable[[str, Mapping[str, object]], None]
MASK = "***"

QUIET = frozenset(
    """
    landing.begun landing.recorded landing.file_renamed landing.file_removed landing.renamed landing.landed
    hour.listed page.read part.fetched objects.page report_run.polled report_run.seen publish.replacing publish.replaced
    """.split()  # noqa: SIM905 - a list that reads as one
)
"""Events that are progress, not news: the log leaves them out."""


class Journal:
    """Says events; see `schemas.events.Say`."""

    def __init__(self, listeners: Iterable[Listener] = (), secrets: Iterable[str | None] = ()) -> None:
        self._listeners = list(listeners)
        self._secrets = [secret for secret in secrets if secret]
        self._about: dict[str, object] = {}

    @contextmanager
    def about(self, **fields: object) -> Iterator[None]:
        """Every event said meanwhile, from whatever thread, carries these fields: a process runs one load at a time."""
        before = self._about
        self._about = {**before, **fields}
        try:
            yield
        finally:
            self._about = before

    def hide(self, *secrets: str | None) -> None:
        """From now on these texts are masked wherever they would appear."""
        self._secrets += [secret for secret in secrets if secret and secret not in self._secrets]

    def listen(self, listener: Listener) -> None:
        """One more listener."""
        self._listeners.append(listener)

    def __call__(self, event: str, /, **fields: object) -> None:
        """Says one event."""
        safe = {name: self.masked(value) for name, value in {**fields, **self._about}.items()}
        for listener in self._listeners:
            listener(event, safe)

    def masked(self, value: object) -> object:
        """The value without secrets."""
        if not self._secrets or isinstance(value, int | float):
            return value
        if isinstance(value, str):
            for secret in self._secrets:
                value = value.replace(secret, MASK)
            return value
        text = str(value)
        return self.masked(text) if any(secret in text for secret in self._secrets) else value


def log_to(stream: TextIO, *, as_json: bool = False) -> Listener:
    """A listener that writes one line an event: readable, or JSON for machines."""
    import structlog  # noqa: PLC0415 - 70 ms that a command which says nothing need not spend

    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=0)
    )
    logger = structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=[structlog.processors.TimeStamper(fmt="iso", utc=True), renderer],
    )

    def listener(event: str, fields: Mapping[str, object]) -> None:
        if event not in QUIET:
            logger.msg(event, **fields)

    return listener


def stderr_log(*, as_json: bool = False) -> Listener:
    """The log on stderr."""
    return log_to(sys.stderr, as_json=as_json)
