"""Owns what the pages are made of: where the store lies, what is configured, what is due. Read-only; asks nobody."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from pipeline.errors import Store, Usage
from pipeline.ledger import Ledger
from pipeline.lock import holder
from pipeline.orders import Choice
from pipeline.plan import Plan
from pipeline.planning import Slices
from pipeline.store import Places

if TYPE_CHECKING:
    from pipeline.app import App


@dataclass(frozen=True, slots=True)
class Source:
    """A store as the pages see it.

    `plan` says what is due of what was chosen, given the slices that were read already, if any; it raises `Usage` where
    that is not configured. `accounts` are the ad accounts that are loaded, `daily` the configured reports with a slice
    a day; those of `delivery` have every spend once.
    """

    places: Places
    now: Callable[[], datetime]
    plan: Callable[[Ledger, Choice, Slices | None], Plan]
    accounts: Callable[[Ledger], Collection[str]]
    configured: frozenset[str]
    daily: frozenset[str] = frozenset()
    delivery: tuple[str, ...] = ()
    since: date | None = None
    lookback_days: int = 28
    target_utilisation: float = 85

    @classmethod
    def of(cls, app: "App") -> "Source":
        """The store of a configured product."""
        settings = app.settings
        daily = [report for report in settings.reports if report.time_increment == 1]
        return cls(
            places=app.places,
            now=app.clock.now,
            plan=lambda ledger, choice, known: app.known_plan(choice, ledger, known),
            accounts=app.loaded_accounts,
            configured=frozenset(app.configured_tables),
            daily=frozenset(report.name for report in daily),
            delivery=tuple(report.name for report in daily if not report.breakdowns and not report.filtering),
            since=settings.ads_insights.since if settings.ads_insights else None,
            lookback_days=settings.ads_insights.lookback_days if settings.ads_insights else 28,
            target_utilisation=settings.pace.target_utilisation,
        )

    @contextmanager
    def ledger(self) -> Iterator[Ledger | None]:
        """The ledger for reading; None where nothing was loaded yet.

        Raises:
            Store: It cannot be read, or no writer has opened it since it was made by an older version.
        """
        with Ledger.reading(self.places.ledger) as ledger:
            if ledger is not None and not ledger.counts_slices:
                raise Store(
                    f"ledger {self.places.ledger}: an older version wrote it; run any command that writes, such as "
                    f"`insights publish`, and look again"
                )
            yield ledger

    @property
    def writer(self) -> str | None:
        """Who writes the store now, in words."""
        return holder(self.places.state)

    def plan_of(self, ledger: Ledger, owner: str, table: str | None = None, known: Slices | None = None) -> Plan | None:
        """What is due of an owner of scopes (an ad account, a business, an app), of one table if given.

        None where it is no longer loaded. `known`: its slices, where they were read already.
        """
        try:
            return self.plan(ledger, Choice(tables=(table,) if table else (), accounts=(owner,)), known)
        except Usage:
            return None
