"""Owns the status page as one file: everything in it, links within it, no server and no other file behind it."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import parse_qs, urlsplit

from pipeline.ledger import Ledger
from pipeline.orders import Choice
from pipeline.status import refuse_unknown
from pipeline.status_page.account import AccountPage, read_account
from pipeline.status_page.overview import Wish, read_overview
from pipeline.status_page.pages import environment, static
from pipeline.status_page.quotas import closed_now, of_the_day
from pipeline.status_page.runs import recent
from pipeline.status_page.source import Source

MOST_ACCOUNTS = 20
"""Accounts whose calendars are in the file, unless some are named."""
DAYS = 120
"""Days that they go back, unless `--since` says otherwise."""


@dataclass(frozen=True, slots=True)
class Within:
    """Where links lead inside the file: to the accounts and slices that are in it, else nowhere."""

    accounts: frozenset[str]
    slices: frozenset[str]

    def __call__(self, href: str) -> str:
        """The place in the file, as `#name`; '' if what the link names is not in it."""
        parts = urlsplit(href)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "account" and query.get("id") in self.accounts:
            section = f"-{parts.fragment}" if parts.fragment else ""
            return f"#account-{query['id']}{section}"
        if parts.path == "slice" and href in self.slices:
            return f"#{name_of_slice(href)}"
        return {"runs": "#runs", "quotas": "#quotas", "./": "#main"}.get(href, "")


def name_of_slice(href: str) -> str:
    """The name of a slice's row: short, and free of what a name may not hold."""
    return "s" + hashlib.blake2b(href.encode(), digest_size=8).hexdigest()


def as_file(source: Source, choice: Choice) -> str:
    """The page as one HTML document, of the tables, accounts and days that were chosen.

    Raises:
        Usage: The store knows no such table or account.
        Store: The ledger cannot be read.
    """
    with source.ledger() as ledger:
        if ledger is None:
            return _render(source, overview=None)
        refuse_unknown(choice, source.configured, ledger)
        return _of_store(source, ledger, choice)


def _of_store(source: Source, ledger: Ledger, choice: Choice) -> str:
    table = choice.tables[0] if len(choice.tables) == 1 else None
    overview = read_overview(source, ledger, Wish(table=table))
    owners = list(choice.account_ids) or list(dict.fromkeys(_owners(ledger)))
    shown = owners if choice.accounts else owners[:MOST_ACCOUNTS]
    since = choice.since or (source.now() - timedelta(days=DAYS)).date()
    found = [_account(source, ledger, owner, choice, since) for owner in shown]
    accounts = [page for page in found if page is not None]
    slices = frozenset(spot.href for page in accounts for section in page.sections for spot in section.spots)
    runs = recent(ledger, writing=source.writer is not None)
    quotas, more = of_the_day(ledger, source.now())
    return _render(
        source,
        Within(frozenset(page.id for page in accounts), slices),
        overview=overview,
        accounts=accounts,
        left_out=len(owners) - len(shown) if not choice.accounts else 0,
        runs=runs,
        running=[run for run in runs if run.is_running],
        quotas=quotas,
        more=more,
        closed=closed_now(ledger, source.now()),
        target=source.target_utilisation,
    )


def _owners(ledger: Ledger) -> list[str]:
    return [row["scope"].partition("/")[0] for row in sorted(ledger.standing(), key=lambda row: str(row["scope"]))]


def _account(source: Source, ledger: Ledger, owner: str, choice: Choice, since: date) -> AccountPage | None:
    """The page of an account, narrowed to what was chosen."""
    page = read_account(source, ledger, owner, None, since)
    return page and page.narrowed(choice.tables, since, choice.until)


def _render(source: Source, to: Within | None = None, **values: object) -> str:
    style, script = static("style.css"), static("page.js")
    return (
        environment()
        .get_template("file.html")
        .render(
            now=source.now(),
            to=to or Within(frozenset(), frozenset()),
            inline=True,
            whole=False,
            style=style,
            script=script,
            style_hash=_hash(style),
            script_hash=_hash(script),
            **values,
        )
    )


def _hash(text: str) -> str:
    """What the Content-Security-Policy names a text of the page by."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
