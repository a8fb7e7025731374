"""Owns how values become HTML: the templates, what they may call, and that everything is escaped. Reads the store."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.ledger import Ledger
from pipeline.status_page import words
from pipeline.status_page.account import read_account
from pipeline.status_page.calendar import WEEKDAYS
from pipeline.status_page.marks import LETTERS, MEANINGS, in_order
from pipeline.status_page.overview import Wish, read_overview
from pipeline.status_page.quotas import MINUTES, closed_now, of_the_day
from pipeline.status_page.runs import recent
from pipeline.status_page.slices import period_words, read_story, slice_address, slices_of_day
from pipeline.status_page.source import Source
from schemas.work import SliceId

WORDS = ("number", "amount", "day", "short_day", "moment", "duration", "ago", "counted", "tally", "address")


class Unknown(Exception):
    """There is no such page; the message says what the store does not know."""


@cache
def environment() -> Environment:
    """The templates; whatever they show is escaped, and a name that is missing is an error."""
    made = Environment(
        autoescape=True,
        loader=PackageLoader("pipeline.status_page"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update({name: getattr(words, name) for name in WORDS})
    made.globals.update(period_words=period_words, slice_address=slice_address, in_order=in_order)
    made.globals.update(LETTERS=LETTERS, MEANINGS=MEANINGS, WEEKDAYS=WEEKDAYS, MINUTES=MINUTES)
    return made


@cache
def static(name: str) -> str:
    """A file that pages name: `style.css` or `page.js`."""
    return (files("pipeline.status_page") / "static" / name).read_text(encoding="utf-8")


def as_it_is(href: str) -> str:
    """Where a link leads on a served page."""
    return href


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one store, each as a whole HTML document. `to` says where a link leads; '' for nowhere."""

    source: Source
    to: Callable[[str], str] = field(default=as_it_is)

    def overview(self, wish: Wish) -> str:
        """The first page.

        Raises:
            Store: The ledger cannot be read; of every page.
        """
        with self.source.ledger() as ledger:
            if ledger is None:
                return self._render("unborn.html", tab="overview")
            return self._render("overview.html", tab="overview", **self.overview_values(ledger, wish))

    def overview_values(self, ledger: Ledger, wish: Wish) -> dict[str, object]:
        """What the first page shows."""
        now = self.source.now()
        runs = recent(ledger, writing=self.source.writer is not None)
        closed = closed_now(ledger, now)
        running = [run for run in runs if run.is_running]
        return {
            "overview": read_overview(self.source, ledger, wish),
            "running": running,
            "closed": closed,
            "runs": runs,
        }

    def account(self, owner: str, table: str | None, since: date | None) -> str:
        """The page of one owner.

        Raises:
            Unknown: The store knows no such owner.
        """
        with self.source.ledger() as ledger:
            page = read_account(self.source, ledger, owner, table, since) if ledger else None
            if page is None:
                raise Unknown(f"the store knows no account {owner}")
            return self._render("account.html", tab="overview", page=page, table=table, whole=table is not None)

    def slice(self, slice_id: SliceId) -> str:
        """The story of one slice, also of one that was never asked for.

        Raises:
            Unknown: The store knows no such table.
        """
        with self.source.ledger() as ledger:
            if ledger is None or slice_id.table not in {*self.source.configured, *ledger.reports()}:
                raise Unknown(f"the store knows no table {slice_id.table}")
            story = read_story(self.source, ledger, slice_id)
            accounts = ledger.accounts()
            return self._render("slice.html", tab="overview", story=story, account=accounts.get(slice_id.scope))

    def day(self, at: date, table: str | None, scope: str | None) -> str:
        """The slices of one day."""
        with self.source.ledger() as ledger:
            found, more = slices_of_day(self.source, ledger, at, table, scope) if ledger else ([], False)
            marks = [row for row in ledger.standing_days(table) if row["day"] == at.isoformat()] if ledger else []
            whole = bool(table and scope)
            values = {"at": at, "table": table, "scope": scope, "found": found, "more": more}
            return self._render("day.html", tab="overview", counts=marks, whole=whole, **values)

    def runs(self) -> str:
        """What runs did, and what is left of one that goes on."""
        with self.source.ledger() as ledger:
            runs = recent(ledger, writing=self.source.writer is not None) if ledger else []
            return self._render("runs.html", tab="runs", runs=runs)

    def quotas(self) -> str:
        """Quotas as they are and as they were over the day."""
        with self.source.ledger() as ledger:
            lines, more = of_the_day(ledger, self.source.now()) if ledger else ([], 0)
            target = self.source.target_utilisation
            return self._render("quotas.html", tab="quotas", quotas=lines, more=more, target=target)

    def trouble(self, title: str, message: str) -> str:
        """A page that says why there is none."""
        return self._render("trouble.html", tab="", title=title, message=message)

    def _render(self, template: str, **values: object) -> str:
        return environment().get_template(template).render(now=self.source.now(), to=self.to, inline=False, **values)
