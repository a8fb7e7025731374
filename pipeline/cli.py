"""Owns the command line: parses, calls `app`, prints. Progress and logs go to stderr, the answer to stdout.

Heavy libraries are imported by the commands that need them, because `insights --help` should answer at once.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from config.errors import Wrong
from connectors.errors import Fault, TokenRefused
from pipeline.errors import Busy, Refused, Unpublished
from pipeline.journal import Listener
from pipeline.options import INTERRUPTED, Chosen, Shared, chosen, run, shared

if TYPE_CHECKING:  # `app` pulls in every heavy library; commands import it when they run
    from pipeline.app import App
    from pipeline.orders import Choice

STOPPED = "interrupted; what has landed stays, run the same command again to go on"

GRACE_SECONDS = 8.0
"""What is not finished so long after SIGTERM is left as a kill would leave it: to be made up at the next start."""
FAILED, USAGE, TOKEN = 1, 2, 3


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="insights")
def insights() -> None:
    """Loads Meta's advertising reports into a Parquet lake and a DuckDB warehouse."""


@insights.command()
@shared
@click.option("--token-env", default="META_ACCESS_TOKEN", show_default=True, help="The variable that holds the token.")
@click.option("--base-url", default=None, help="Another server that speaks the Graph API, such as a sandbox.")
def init(given: Shared, token_env: str, base_url: str | None) -> None:
    """Write a first configuration from what the token can see; never overwrites one."""
    path = given.new_config()
    text = run(given.app_without_file({"access_token_env": token_env, "base_url": base_url}).first_configuration())
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    given.answer(lambda: {"written": str(path)}, lambda: f"{path} is written; look through it, then: insights check")


@insights.command()
@shared
def check(given: Shared) -> None:
    """Whether the token works, what it may do, which accounts it reaches; writes nothing."""
    found = run(given.app().check())
    given.answer(found.as_data, found.in_words)
    sys.exit(found.exit_code)


@insights.command()
@shared
@chosen
@click.option("--failed", is_flag=True, help="Only what failed.")
@click.option("--wait", is_flag=True, help="Wait for another process that writes this store.")
def load(given: Shared, told: Chosen, *, failed: bool, wait: bool) -> None:
    """Load everything that is due now; what the nightly job runs."""
    choice = told.choice(only_failed=failed, wait=wait)
    summary = run(given.app().load(choice))
    given.answer(summary.as_data, summary.in_words)
    sys.exit(summary.exit_code)


@insights.command()
@shared
@chosen
@click.option("--offline", is_flag=True, help="Ask nobody: the ledger only.")
def plan(given: Shared, told: Chosen, *, offline: bool) -> None:
    """What is due now and why, and how many calls it takes."""
    found = run(given.app().plan(told.choice(), offline=offline))
    given.answer(found.as_data, lambda: _plan_in_words(found.as_data()))


@insights.command()
@shared
@chosen
@click.option("--force", is_flag=True, help="Also what is final; one that was stopped goes on.")
@click.option("--wait", is_flag=True, help="Wait for another process that writes this store.")
def backfill(given: Shared, told: Chosen, *, force: bool, wait: bool) -> None:
    """Load a past range, newest first; run it again to go on where it was stopped."""
    if told.since is None or told.until is None:
        raise click.UsageError("name the range: --since D --until D, both days inclusive")
    choice, app = told.choice(wait=wait), given.app()
    try:
        summary = run(app.backfill(choice, force=force))
    except Busy:
        if not app.is_scheduled:
            raise
        sys.exit(_followed(given, app, choice, force=force))
    given.answer(summary.as_data, summary.in_words)
    sys.exit(summary.exit_code)


def _followed(given: Shared, app: "App", choice: "Choice", *, force: bool) -> int:
    """Lets `insights schedule` do it, and tells how far it is; the exit code."""
    from pipeline.following import asked_for, followed, in_words  # noqa: PLC0415 - heavy
    from pipeline.requests import EXIT_CODES  # noqa: PLC0415 - heavy

    number = asked_for(app.places, choice, app.clock.now(), force=force)
    try:
        request = run(followed(app.places, number, app.clock.now, _say))
    except (KeyboardInterrupt, asyncio.CancelledError):
        _say(f"request {number} is no longer followed, and goes on; the same command follows it again")
        return INTERRUPTED
    told = in_words(request, app.clock.now())
    given.answer(lambda: {"request": number, "outcome": request.outcome, **request.doing.as_data()}, lambda: told)
    return EXIT_CODES.get(request.outcome, FAILED)


@insights.command()
@shared
@click.option("--wait", is_flag=True, help="Wait for another process that writes this store.")
def schedule(given: Shared, *, wait: bool) -> None:
    """Stay up: nightly loads in each account's own time zone, and the status page."""
    from pipeline.schedule import stay  # noqa: PLC0415 - heavy

    try:
        run(stay(given.app(bars=False), wait=wait), grace_seconds=GRACE_SECONDS)
    except (KeyboardInterrupt, asyncio.CancelledError):
        _say(STOPPED)
        sys.stderr.flush()
        os._exit(INTERRUPTED)  # all is closed; the interpreter's own end, among native threads, crashed once in tests


@insights.command()
@shared
def alerts(given: Shared) -> None:
    """What somebody should know: failures, lateness, quotas, the token; ends with 1 if there is anything."""
    app = given.app(bars=False)
    with app.read() as ledger:
        found = app.troubles(ledger)
    given.answer(
        lambda: {"troubles": [asdict(trouble) for trouble in found]},
        lambda: "\n".join(trouble.in_words for trouble in found) or "nothing to tell",
    )
    sys.exit(FAILED if found else 0)


@insights.command()
@shared
@chosen
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write it as one self-contained page.")
@click.option("--serve", is_flag=True, help="Serve it as pages, on [schedule] status_port, until interrupted.")
def status(given: Shared, told: Chosen, *, html: Path | None, serve: bool) -> None:
    """What is there, what is missing, how fresh."""
    choice = told.choice()
    if serve:
        _serve_status(given)
    elif html is not None:
        _write_status(given, choice, html)
    else:
        from pipeline.status import in_words, report  # noqa: PLC0415 - heavy

        found = report(given.app(), choice)
        given.answer(lambda: found, lambda: in_words(found))


def _write_status(given: Shared, choice: "Choice", html: Path) -> None:
    from pipeline.status_page.file import as_file  # noqa: PLC0415 - heavy
    from pipeline.status_page.source import Source  # noqa: PLC0415 - heavy

    text = as_file(Source.of(given.app()), choice)
    html.write_text(text, encoding="utf-8")
    given.answer(lambda: {"html": str(html), "bytes": len(text.encode())}, lambda: f"written to {html}")


def _serve_status(given: Shared) -> None:
    from pipeline.status_page.guard import Guard  # noqa: PLC0415 - heavy
    from pipeline.status_page.serving import serve  # noqa: PLC0415 - heavy
    from pipeline.status_page.source import Source  # noqa: PLC0415 - heavy

    app = given.app()
    schedule = app.settings.schedule
    guard = Guard(app.status_token)

    def said(url: str) -> None:
        given.answer(lambda: {"listening": url}, lambda: f"the status page is at {url} until interrupted (Ctrl-C)")
        sys.stdout.flush()

    try:
        run(serve(Source.of(app), guard, schedule.status_host, schedule.status_port, said))
    except (KeyboardInterrupt, asyncio.CancelledError):  # how it ends; nothing was left undone
        sys.exit(INTERRUPTED)


@insights.command()
@shared
@click.argument("sql")
def query(given: Shared, sql: str) -> None:
    """Run SQL on the warehouse, read-only."""
    from pipeline.query import as_data, as_text, ask  # noqa: PLC0415 - heavy

    answer = ask(given.settings().warehouse, sql)
    given.answer(lambda: as_data(answer), lambda: as_text(answer))


@insights.command()
@shared
@click.option("--wait", is_flag=True, help="Wait for another process that writes this store.")
def publish(given: Shared, *, wait: bool) -> None:
    """Make up a failed publication."""
    done = run(given.app().publish(wait=wait))
    given.answer(lambda: asdict(done), lambda: f"published up to landing {done.number}, {done.slices} slices applied")


@insights.command()
@shared
@click.option("--table", help="The report or table to forget; a report's name drops all its tables.")
@click.option("--account", help="The account to forget everywhere.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--wait", is_flag=True, help="Wait for another process that writes this store.")
def drop(given: Shared, *, table: str | None, account: str | None, yes: bool, wait: bool) -> None:
    """Forget a table or an account everywhere, after asking."""
    if (table is None) == (account is None):
        raise click.UsageError("name one thing to forget: --table T or --account A")
    what = f"table {table}" if table else f"account {account}"
    if not yes and not click.confirm(f"Forget {what} in lake, ledger and warehouse?", err=True):
        raise click.exceptions.Exit(USAGE)
    done = given.app().drop(table, account, wait=wait)
    given.answer(lambda: {"dropped": what, "published": asdict(done)}, lambda: f"{what} is forgotten")


@insights.command()
@shared
@click.option("--ledger", is_flag=True, help="Make the ledger anew too, from the files alone; the old one is kept.")
@click.option("--wait", is_flag=True, help="Wait for another process that writes this store.")
def rebuild(given: Shared, *, ledger: bool, wait: bool) -> None:
    """Build the warehouse whole from the lake; the ledger too where it is missing or damaged."""
    done = given.app().rebuild(ledger=ledger, wait=wait)
    given.answer(done.as_data, done.in_words)
    sys.exit(done.exit_code)


@insights.command()
@shared
def verify(given: Shared) -> None:
    """Compare lake, ledger and warehouse; says what is wrong and what to do next, and writes nothing."""
    found = given.app().verify()
    given.answer(found.as_data, found.in_words)
    sys.exit(found.exit_code)


@insights.command()
@click.option("--json", "as_json", is_flag=True, help="Exactly one JSON document on stdout.")
@click.option("--root", type=click.Path(path_type=Path), default=Path("data/demo"), show_default=True)
@click.pass_context
def demo(ctx: click.Context, *, as_json: bool, root: Path) -> None:
    """Load everything from a sandbox on this machine and answer questions from SQL; needs nothing."""
    from pipeline.demo import show  # noqa: PLC0415 - heavy

    listeners = ctx.find_root().obj or ()
    sys.exit(show(root, lambda arguments: main(arguments, listeners), as_json=as_json))


@insights.command(context_settings={"ignore_unknown_options": True, "help_option_names": []}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: Sequence[str]) -> None:
    """Run the sandbox Graph API by hand; `insights sandbox -h` shows its options."""
    from sandbox.main import main as serve  # noqa: PLC0415 - heavy

    given = ["--help" if argument == "-h" else argument for argument in arguments]
    serve(["--port", "8642", *given], prog_name="insights sandbox")


def _plan_in_words(found: dict[str, Any]) -> str:
    long = f", about {-(-found['seconds'] // 60)} min" if found["seconds"] else ""
    lines = [f"{found['slices']} slices are due at {found['now'][:16]} UTC, about {found['calls']} calls{long}"]
    wide = max([20, *(len(task["scope"]) for task in found["tasks"])])
    for task in found["tasks"]:
        days = f"{task['since']} to {task['until']}".replace("T00:00:00", "") if "since" in task else "all"
        adopted = f", adopts report run {task['adopted']}" if task.get("adopted") else ""
        size = _size_in_words(task)
        lines.append(
            f"  {task['table']:<30} {task['scope']:<{wide}} {days:<26} {', '.join(task['why'])}{size}{adopted}"
        )
    for left in found["left_out"]:
        days = f"{left['since']} to {left['until']}"
        lines.append(f"  {left['table']:<30} {left['scope']:<{wide}} {days:<26} not asked: {', '.join(left['why'])}")
    lines += [f"  note on {note['report']}: {note['remark']}" for note in found["remarks"]]
    return "\n".join(lines)


def _size_in_words(task: dict[str, Any]) -> str:
    """The learned size of a task, where it is less than everybody begins with."""
    if task.get("parts"):
        return f", each in {task['parts']} parts"
    from pipeline.sizes import LONGEST_DAYS  # noqa: PLC0415 - heavy

    days = task.get("days_per_run")
    return f", {days} days a run" if days is not None and days < LONGEST_DAYS else ""


def main(arguments: Sequence[str] | None = None, listeners: Sequence[Listener] = ()) -> None:
    """The console script. `listeners` hear every event besides stderr."""
    try:
        insights.main(arguments, standalone_mode=False, obj=tuple(listeners))
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(USAGE)
    except Wrong as error:
        _say(str(error))
        sys.exit(USAGE)
    except Refused as error:
        _say(str(error))
        sys.exit(error.exit_code)
    except Unpublished as error:
        _say(str(error))
        sys.exit(FAILED)
    except Fault as fault:
        _say(str(fault))
        sys.exit(TOKEN if isinstance(fault, TokenRefused) else FAILED)
    except (KeyboardInterrupt, asyncio.CancelledError, click.Abort):
        _say(STOPPED)
        sys.exit(INTERRUPTED)
    except Exception as error:
        from pipeline.ledger_file import of_the_machine  # noqa: PLC0415 - not for --help

        cause = of_the_machine(error)
        if cause is None:
            raise
        _say(_what_failed(cause))
        sys.exit(FAILED)


def _what_failed(cause: BaseException) -> str:
    import sqlite3  # noqa: PLC0415 - not for --help

    if type(cause) is sqlite3.DatabaseError:  # what its subclasses say, as of a full disk, passes; this does not
        return f"the ledger is damaged: {cause}; what has landed stays, run `insights rebuild`"
    return f"the machine failed: {cause}; what has landed stays, mend it and run the same command again"


def _say(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    main()
