"""Owns what commands share: the options that they all take, the values that options are read into, how work is run.

Heavy libraries are imported by the commands that need them, because `insights --help` should answer at once.
"""

import asyncio
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline.errors import Usage
from pipeline.journal import Journal, Listener, stderr_log

if TYPE_CHECKING:  # `app` pulls in every heavy library; commands import it when they run
    from config.settings import Settings
    from pipeline.app import App
    from pipeline.orders import Choice

INTERRUPTED = 130
T = TypeVar("T")
Command = Callable[..., Any]


@dataclass(slots=True)
class Shared:
    """What every command was given."""

    config: Path | None
    as_json: bool
    now: datetime | None
    listeners: tuple[Listener, ...]

    def settings(self) -> "Settings":
        """The configuration."""
        from config.settings import read, where  # noqa: PLC0415 - heavy

        return read(where(self.config), (self.now or datetime.now(UTC)).date())

    def new_config(self) -> Path:
        """Where a configuration is to be written.

        Raises:
            Usage: There is one.
        """
        from config.settings import where  # noqa: PLC0415 - heavy

        path = where(self.config)
        if path.exists():
            raise Usage(f"{path}: there is a configuration already; move it away, or name another with --config")
        return path

    def app(self, *, bars: bool = True) -> "App":
        """The product as its configuration has it, its events on stderr: on a terminal as bars, unless not wanted."""
        return self._app(self.settings(), bars=bars)

    def app_without_file(self, graph: Mapping[str, str | None]) -> "App":
        """The product before there is a configuration, from settings of `[graph]` alone."""
        from config.settings import from_data  # noqa: PLC0415 - heavy

        told = {name: value for name, value in graph.items() if value is not None}
        return self._app(from_data({"graph": told}, "insights init", (self.now or datetime.now(UTC)).date()))

    def _app(self, settings: "Settings", *, bars: bool = True) -> "App":
        from pipeline.app import App  # noqa: PLC0415 - heavy

        journal = Journal(self.listeners)
        if bars and sys.stderr.isatty() and not self.as_json:
            from pipeline.progress import Progress  # noqa: PLC0415 - heavy

            journal.listen(Progress())
        else:
            journal.listen(stderr_log(as_json=self.as_json))
        return App.at(settings, journal, self.now)

    def answer(self, data: Callable[[], Any], words: Callable[[], str]) -> None:
        """Prints the answer: exactly one JSON document, or words."""
        if self.as_json:
            import orjson  # noqa: PLC0415 - heavy

            click.echo(orjson.dumps(data(), option=orjson.OPT_INDENT_2 | orjson.OPT_NAIVE_UTC).decode())
        else:
            click.echo(words())


class Day(click.ParamType[date]):
    """A day that exists, as YYYY-MM-DD."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The day."""
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day that exists; write it as 2026-09-01", param, ctx)


class Instant(click.ParamType[datetime]):
    """A moment with its offset, as 2026-11-23T04:00:00Z."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The moment."""
        try:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a moment; write it as 2026-11-23T04:00:00Z", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value!r} has no offset; write it as 2026-11-23T04:00:00Z", param, ctx)
        return moment


def shared(command: Command) -> Command:
    """The options that every command takes."""

    @click.option(
        "--config", type=click.Path(path_type=Path), help="The configuration. [default: config/insights.toml]"
    )
    @click.option("--json", "as_json", is_flag=True, help="Exactly one JSON document on stdout.")
    @click.option("--now", type=Instant(), envvar="INSIGHTS_NOW", help="Rehearse as if it were this moment.")
    @click.pass_context
    def wrapped(ctx: click.Context, /, **options: Any) -> None:
        listeners: tuple[Listener, ...] = ctx.find_root().obj or ()
        given = Shared(options.pop("config"), options.pop("as_json"), options.pop("now"), listeners)
        ctx.invoke(command, given, **options)

    wrapped.__name__ = command.__name__
    wrapped.__doc__ = command.__doc__
    for parameter in getattr(command, "__click_params__", []):
        wrapped.__click_params__.append(parameter)  # type: ignore[attr-defined]  # click keeps options there
    return wrapped


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a command is narrowed to: tables, accounts and days; everything where nothing is told."""

    tables: tuple[str, ...]
    accounts: tuple[str, ...]
    since: date | None
    until: date | None

    def choice(self, **more: Any) -> "Choice":
        """The same for the product, with what else the line told."""
        from pipeline.orders import Choice  # noqa: PLC0415 - heavy

        if self.since and self.until and self.since > self.until:
            raise click.UsageError(f"--since {self.since} lies after --until {self.until}; both days are inclusive")
        return Choice(self.tables, self.accounts, self.since, self.until, **more)


def chosen(command: Command) -> Command:
    """The options that narrow a command; it takes them as one `Chosen`."""

    @click.option("--table", "tables", multiple=True, help="Only this report or table.")
    @click.option("--account", "accounts", multiple=True, help="Only this ad account, with or without act_.")
    @click.option("--since", type=Day(), help="The first day, inclusive.")
    @click.option("--until", type=Day(), help="The last day, inclusive.")
    @functools.wraps(command)
    def wrapped(given: Shared, /, **options: Any) -> None:
        told = Chosen(*(options.pop(name) for name in ("tables", "accounts", "since", "until")))
        command(given, told, **options)

    return wrapped


def run(work: Coroutine[Any, Any, T], grace_seconds: float | None = None) -> T:
    """Runs a command's work; SIGTERM ends it as Ctrl-C does, leaving everything resumable.

    With `grace_seconds` whatever does not end in that time after either signal is cut off: a kill anywhere is made up.
    """

    async def stoppable() -> T:
        task = asyncio.ensure_future(work)
        stop = task.cancel if grace_seconds is None else lambda: _stop(task, grace_seconds)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
        if grace_seconds is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop)
        return await task

    return asyncio.run(stoppable())


def _stop(task: "asyncio.Future[Any]", grace_seconds: float) -> None:
    cut = threading.Timer(grace_seconds, os._exit, [INTERRUPTED])
    cut.daemon = True
    cut.start()
    task.cancel()
