"""Assembly: the only file that takes settings apart and names concrete connectors. Read this first.

What is assembled here is used by `pipeline/loading.py`, which loads, and by `pipeline/app.py`, the commands.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from config import attribution
from config.settings import Settings, access_token, app_insights_token, app_secret, status_token, webhook_url
from connectors.ads_insights.connector import AdsInsights
from connectors.ads_insights.life import Rhythm
from connectors.attribution.runs import Patience
from connectors.graph.calls import Target
from connectors.graph.client import Graph
from connectors.graph.credentials import Credentials
from connectors.http.client import HttpClient
from connectors.http.clock import Clock, SystemClock
from connectors.pace.gate import Gate
from connectors.pace.governor import Governor
from pipeline import catalogue
from pipeline.alerts import Promise
from pipeline.app_insights_family import AppInsightsFamily
from pipeline.attribution_due import Wish
from pipeline.attribution_family import AttributionFamily
from pipeline.book import LedgerBook, read_deadlines
from pipeline.brand_safety_steps import Wanted as BrandSafetyWanted
from pipeline.brand_safety_steps import brand_safety
from pipeline.catalogue import Owned
from pipeline.check import Need
from pipeline.discovery import Whose, known_accounts
from pipeline.family import Family
from pipeline.journal import Journal
from pipeline.ledger import Ledger
from pipeline.line import Line
from pipeline.orders import Choice, Configured, Orders, orders
from pipeline.quota_readings import QuotaReadings
from pipeline.store import Places
from pipeline.timetable import Routine, routines
from schemas.ad_objects import OBJECT_TABLES
from schemas.attribution import LISTS, ROWS


@dataclass(frozen=True, slots=True)
class Assembly:
    """One configured product at one moment. `rehearsal`: the moment was named with `--now`."""

    settings: Settings
    clock: Clock
    journal: Journal
    rehearsal: bool = False

    @classmethod
    def at(cls, settings: Settings, journal: Journal, now: datetime | None) -> Self:
        """The product now, or as if it were `now`."""
        return cls(settings, SystemClock(settings.pace.clock_speed, now), journal, rehearsal=now is not None)

    @property
    def places(self) -> Places:
        """Where the store lies."""
        return Places(self.settings.lake, self.settings.warehouse, self.settings.state)

    def _credentials(self) -> Credentials:
        credentials = Credentials(access_token(self.settings.graph), app_secret(self.settings.graph))
        self.journal.hide(*credentials.secrets())
        return credentials

    def _own_credentials(self) -> dict[str, Credentials]:
        """The credentials of families that have their own."""
        found = {"app_insights": app_insights_token(self.settings.app_insights)}
        own = {name: Credentials(*secrets) for name, secrets in found.items() if secrets is not None}
        self.journal.hide(*(secret for credentials in own.values() for secret in credentials.secrets()))
        return own

    @asynccontextmanager
    async def _line(self, ledger: Ledger, credentials: Credentials) -> AsyncIterator[Line]:
        settings, readings = self.settings, QuotaReadings()
        governor = Governor(
            settings.pace.target_utilisation, lambda quota, until: ledger.save_deadline(str(quota), until), readings
        )
        governor.restore(read_deadlines(ledger.deadlines(), self.clock.now()))
        target = Target(
            settings.graph.base_url.rstrip("/"), settings.graph.version, settings.graph.request_timeout_seconds
        )
        async with HttpClient() as http:
            gate, own = Gate(governor, self.clock), self._own_credentials()
            yield Line(http, gate, self.clock, credentials, target, self.journal, own, readings=readings)

    def _webhook_url(self) -> str | None:
        """Where troubles are told, hidden from the log; None for nowhere.

        Raises:
            Wrong: One is configured and is not there.
        """
        url = webhook_url(self.settings.alerts)
        self.journal.hide(url)
        return url

    @property
    def status_token(self) -> str | None:
        """The token that the status page demands, hidden from the log; None for none.

        Raises:
            Wrong: One is configured and is not there.
        """
        token = status_token(self.settings.schedule)
        self.journal.hide(token)
        return token

    @property
    def address(self) -> tuple[str, int]:
        """The host and port at which the process that stays listens."""
        return self.settings.schedule.status_host, self.settings.schedule.status_port

    @property
    def speed(self) -> float:
        """How many seconds of the clock pass in one of the machine's."""
        return self.settings.pace.clock_speed

    @property
    def _lookback_days(self) -> int:
        return self.settings.ads_insights.lookback_days if self.settings.ads_insights else 28

    def _families(self, choice: Choice) -> tuple[Family, ...]:
        """The configured families besides ads insights and ad objects, narrowed to what a command is about."""
        found = (self._app_insights(choice), self._attribution(choice), self._brand_safety(choice))
        return tuple(family for family in found if family is not None)

    def _app_insights(self, choice: Choice) -> Family | None:
        section = self.settings.app_insights
        if section is None:
            return None
        return AppInsightsFamily(tuple(section.app_ids), self.settings.app_metrics, section.since, choice)

    def _attribution(self, choice: Choice) -> Family | None:
        section, waiting = self.settings.attribution, self.settings.report_runs
        if section is None:
            return None
        owners, tables = tuple(section.line_of_business_ids), (*(one.table.name for one in LISTS), ROWS)
        return AttributionFamily(
            owners=owners,
            lines=tuple(line for line in owners if not choice.accounts or line in choice.account_ids),
            tables=frozenset(tables if not choice.tables else set(tables) & set(choice.tables)),
            reports=attribution.reports_of(owners, section.reports),
            filters=attribution.filters_of(section.filters),
            wish=Wish(choice.backfill or choice.only_failed, choice.only_failed, choice.renew),
            patience=Patience(waiting.poll_initial_seconds, waiting.poll_max_seconds, waiting.deadline_minutes * 60),
            most_at_once=waiting.max_in_flight_per_account,
        )

    def _brand_safety(self, choice: Choice) -> Family | None:
        section = self.settings.brand_safety
        if section is None:
            return None
        wanted = BrandSafetyWanted(section.business_ids, section.ad_sets, section.placements, section.content)
        return brand_safety(wanted, self.settings.graph.files_url, choice)

    def _orders(self, choice: Choice, families: Sequence[Family]) -> Orders:
        """What a command is about.

        Raises:
            Usage: It names what is not configured, or nothing is configured.
        """
        return orders(self._configured(families), choice, self.clock.now())

    def _configured(self, families: Sequence[Family]) -> Configured:
        insights, objects = self.settings.ads_insights, self.settings.ad_objects
        return Configured(
            reports=self.settings.reports,
            objects=tuple(OBJECT_TABLES[name] for name in objects.tables) if objects and insights else (),
            whose=Whose(insights.ad_accounts, insights.business_ids, insights.exclude_accounts)
            if insights
            else Whose(()),
            since=insights.since if insights else self.clock.now().date(),
            lookback_days=self._lookback_days,
            include_today=insights.include_today if insights else False,
            tables=tuple(owned.name for family in families for owned in family.owned),
            owners=tuple(owner for family in families for owner in family.owners),
            first_days=self.settings.first_days,
        )

    @property
    def configured_tables(self) -> set[str]:
        """The tables that the configuration asks for, a report standing for all of its own."""
        return self._configured(self._families(Choice())).names

    def _needs(self) -> list[Need]:
        """The permissions that the configured sections need."""
        settings = self.settings
        needs = [Need("ads_read", "[ads_insights]")] if settings.ads_insights else []
        if settings.ads_insights and settings.ads_insights.business_ids:
            needs.append(Need("business_management", "[ads_insights] business_ids"))
        if settings.app_insights and settings.app_insights.access_token_env is None:
            needs.append(Need("read_insights", "[app_insights]"))
        return needs

    def loaded_accounts(self, ledger: Ledger) -> set[str]:
        """The ad accounts that the next load is about, as far as the ledger knows them."""
        return {account.id for account in known_accounts(self._configured(()).whose, ledger)}

    def routines(self, ledger: Ledger) -> list[Routine]:
        """What the standing process does again and again, by the accounts and zones that the ledger knows now."""
        families = self._families(Choice())
        configured = self._configured(families)
        own = [report.name for report in configured.reports] + [table.table.name for table in configured.objects]
        accounts = known_accounts(configured.whose, ledger)
        at = time.fromisoformat(self.settings.schedule.nightly_at)
        others = {family.name: [owned.name for owned in family.owned] for family in families}
        return routines(own, {account.id: account.zone for account in accounts}, others, at)

    def _promise(self, ledger: Ledger) -> Promise:
        alerts, configured = self.settings.alerts, self._configured(self._families(Choice()))
        return Promise(
            tables=frozenset(configured.names),
            daily=frozenset(configured.names) - frozenset(configured.tables),
            accounts=frozenset(self.loaded_accounts(ledger)),
            hours=alerts.late_after_hours,
            of_table=alerts.promises,
            quota_closed=timedelta(minutes=alerts.quota_closed_minutes),
            token_expires=alerts.token_expires,
            token_warning=timedelta(days=alerts.token_warning_days),
        )

    def _insights(
        self,
        graph: Graph,
        book: LedgerBook,
        pages: Mapping[tuple[str, str], int],
        seconds: Mapping[tuple[str, str], float],
    ) -> AdsInsights:
        runs = self.settings.report_runs
        rhythm = Rhythm(runs.poll_initial_seconds, runs.poll_max_seconds, runs.deadline_minutes * 60)
        return AdsInsights(
            graph, self.clock, rhythm, book, runs.max_in_flight_per_account, self.journal, pages, seconds
        )

    @contextmanager
    def _passing_ledger(self) -> Iterator[Ledger]:
        """A ledger that is thrown away: a plan keeps nothing."""
        with TemporaryDirectory() as folder, Ledger.open(Path(folder) / "ledger", born=self.clock.now()) as ledger:
            yield ledger


def owned_by(wanted: Orders, families: Sequence[Family]) -> list[Owned]:
    """Every table that a command is about, with what the families own."""
    return catalogue.of_all(wanted.reports, wanted.objects, [family.owned for family in families])
