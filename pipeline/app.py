"""Assembly: the only file that takes settings apart and names concrete connectors. Read this first.

A load is: open the store, settle its tables, find the accounts, plan what is due, carry it out, publish.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from config import attribution
from config.settings import Settings, access_token, app_insights_token, app_secret, status_token, webhook_url
from connectors.ad_objects import AdObjects
from connectors.ads_insights.connector import BIGGEST_PAGE, AdsInsights
from connectors.ads_insights.life import Rhythm
from connectors.attribution.runs import Patience
from connectors.graph.calls import Target
from connectors.graph.client import Graph
from connectors.graph.credentials import Credentials
from connectors.http.client import HttpClient
from connectors.http.clock import Clock, SystemClock
from connectors.pace.gate import Gate
from connectors.pace.governor import Governor
from pipeline import catalogue, metrics, past
from pipeline.account import Account
from pipeline.alerts import Known, Promise, Trouble, troubles
from pipeline.app_insights_family import AppInsightsFamily
from pipeline.attribution_due import Wish
from pipeline.attribution_family import AttributionFamily
from pipeline.beside import beside, publishing, telling
from pipeline.book import LedgerBook, read_deadlines
from pipeline.brand_safety_steps import Wanted as BrandSafetyWanted
from pipeline.brand_safety_steps import brand_safety
from pipeline.catalogue import Owned
from pipeline.check import Checked, Need, accounts_of_token, businesses_of_token, probe, who_and_what
from pipeline.closing import close_objects
from pipeline.committer import Committer
from pipeline.deadline import Deadline
from pipeline.discovery import Discovered, Whose, discover, known_accounts
from pipeline.errors import Unpublished, Usage
from pipeline.family import Family, FamilyWork
from pipeline.findings import Findings
from pipeline.first_configuration import first_configuration
from pipeline.forget import forget_account, forget_table
from pipeline.insights_work import InsightsWork
from pipeline.journal import Journal
from pipeline.ledger import Ledger
from pipeline.line import Line
from pipeline.lock import command_of, writing
from pipeline.meta_rows import meta_tables
from pipeline.metrics import Measured
from pipeline.objects_work import ObjectsWork
from pipeline.orders import Choice, Configured, Orders, orders
from pipeline.plan import Plan
from pipeline.planning import Slices, planned
from pipeline.quota_readings import QuotaReadings
from pipeline.rebuild import Rebuilt, rebuild
from pipeline.refusals import Refusals
from pipeline.renewal import Renewal
from pipeline.retention import lose_retired, retire
from pipeline.run import carry_out
from pipeline.run_memory import RunMemory
from pipeline.sizes import Sizes
from pipeline.store import Places, Store, opened
from pipeline.summary import OK, Summary
from pipeline.telling import Teller, Webhook
from pipeline.timetable import Routine, routines
from pipeline.uninterrupted import uninterrupted
from pipeline.verify import verify
from pipeline.warehouse import Published
from pipeline.workshop import Workshop
from schemas.ad_objects import OBJECT_TABLES
from schemas.attribution import LISTS, ROWS
from schemas.columns import Table
from schemas.views import VIEWS
from schemas.work import Failure

THREADS = 2
"""The pool that inflates, decodes, writes and publishes: as many as the smallest machine has cores."""
WAREHOUSE = "warehouse"
FIRST_DAYS = timedelta(days=90)
"""How far back a first configuration reaches."""


@dataclass(frozen=True, slots=True)
class Work:
    """What one load is about, with every table as it is settled with its past."""

    wanted: Orders
    families: Sequence[Family]
    tables: Mapping[str, tuple[Table, ...]]


@dataclass(frozen=True, slots=True)
class Desk:
    """What a load works at: the open store, and what it asks with."""

    store: Store
    line: Line


@dataclass(frozen=True, slots=True)
class App:
    """One configured product at one moment. `rehearsal`: the moment was named with `--now`."""

    settings: Settings
    clock: Clock
    journal: Journal
    rehearsal: bool = False

    @classmethod
    def at(cls, settings: Settings, journal: Journal, now: datetime | None) -> "App":
        """The product now, or as if it were `now`."""
        return cls(settings, SystemClock(settings.pace.clock_speed, now), journal, rehearsal=now is not None)

    @property
    def places(self) -> Places:
        """Where the store lies."""
        return Places(self.settings.lake, self.settings.warehouse, self.settings.state)

    # ---- commands ----

    async def load(self, choice: Choice) -> Summary:
        """Loads everything that is due now.

        Raises:
            Refused: Nothing was sent; the message says what to do.
        """
        self._orders(choice, self._families(choice))
        async with self.at_work("load", wait=choice.wait) as desk:
            summary = await self.load_at(desk, choice, "load")
            await self._publish_after(desk, summary)
            await self.teller(desk).tell(self.clock.now())
        return summary

    async def backfill(self, choice: Choice, *, force: bool) -> Summary:
        """Loads a past range, newest first; `force`: also what is final. One that was stopped goes on.

        Raises:
            Refused: Nothing was sent; the message says what to do.
        """
        self._orders(choice, self._families(choice))
        async with self.at_work("backfill", wait=choice.wait) as desk:
            summary = await self.backfill_at(desk, choice, force=force)
            await self._publish_after(desk, summary)
            await self.teller(desk).tell(self.clock.now())
        return summary

    # ---- what a desk is for: one load, or many one after the other ----

    @asynccontextmanager
    async def at_work(self, command: str, *, wait: bool = False) -> AsyncIterator[Desk]:
        """The store held for writing, and a way to Graph.

        Raises:
            Refused: The store cannot be used, or there is no token; nothing was sent.
        """
        credentials, now = self._credentials(), self.clock.now()
        self._own_credentials()
        webhook_url(self.settings.alerts)
        with opened(self.places, command, now, self.journal, rehearsal=self.rehearsal, wait=wait) as store:
            async with self._line(store.ledger, credentials) as line:
                yield Desk(store, line)

    async def backfill_at(self, desk: Desk, choice: Choice, *, force: bool) -> Summary:
        """A backfill in an open store; publishes it no sooner than a long run does."""
        choice = replace(choice, backfill=True)
        renewal = Renewal(desk.store.ledger, choice)
        renew = renewal.begun(self.clock.now()) if force else None
        summary = await self.load_at(desk, replace(choice, renew=renew), "backfill")
        if force and summary.exit_code == OK:
            renewal.ended()
        return summary

    async def load_at(self, desk: Desk, choice: Choice, command: str) -> Summary:
        """Loads what is due into an open store. The token is read again: a file may hold a new one.

        Raises:
            Refused: Nothing was sent; the message says what to do.
        """
        families, started, store = self._families(choice), self.clock.now(), desk.store
        wanted = self._orders(choice, families)
        line = replace(desk.line, credentials=self._credentials())
        catalogue.refuse_other_grains(_owned(wanted, families), store.ledger)
        summary = Summary(f"{started:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}", command, started)
        store.ledger.begin_run(summary.run_id, command, started)
        with self.journal.about(run=summary.run_id):
            try:
                tables = catalogue.settle(_owned(wanted, families), store.ledger, store.lake)
                await self._load(store, line, Work(wanted, families, tables), summary)
            except Exception as error:
                summary.totals.failures.append(Failure("", "", "", str(self.journal.masked(_cause(error))), "look"))
                store.ledger.end_run(summary.run_id, "failed", summary.as_data(), self.clock.now())
                raise
            except BaseException:
                store.ledger.end_run(summary.run_id, "interrupted", {}, self.clock.now())
                raise
        summary.finished_at = self.clock.now()
        store.ledger.end_run(summary.run_id, summary.outcome, summary.as_data(), summary.finished_at)
        return summary

    async def plan(self, choice: Choice, *, offline: bool) -> Plan:
        """What is due now; asks at most for accounts and zones that are not known.

        Raises:
            Refused: The configuration or the store cannot be used.
        """
        families = self._families(choice)
        wanted = self._orders(choice, families)
        ledger = Ledger.read(self.places.ledger)
        if ledger is None:
            return await self._first_plan(wanted, families, offline=offline)
        with ledger:
            catalogue.refuse_other_grains(_owned(wanted, families), ledger)
            accounts = known_accounts(wanted.everything.whose, ledger)
            if not offline:
                accounts += await self._new_accounts(wanted.everything.whose, ledger)
            return planned(ledger, wanted.filtered(accounts), wanted, self.clock.now, families)

    async def check(self) -> Checked:
        """Whether the token works, what it may do, which accounts it reaches, what of the quotas is used.

        Raises:
            Fault: The token does not work, or nobody answers.
        """
        everything, checked = self._orders(Choice(), self._families(Choice())).everything, Checked()
        with self._passing_ledger() as ledger:
            async with self._line(ledger, self._credentials()) as line:
                graph = line.graph()
                await who_and_what(graph, self._needs(), checked)
                found = await discover(everything.whose, ledger, graph, self.clock.now(), self.journal)
                checked.refused |= {**found.refused, **found.businesses_refused}
                await probe(graph, found.accounts, checked)
        return checked

    async def first_configuration(self) -> str:
        """The configuration of everything that the token can see.

        Raises:
            Fault: The token does not work, or nobody answers.
            Usage: It sees no account.
        """
        with self._passing_ledger() as ledger:
            async with self._line(ledger, self._credentials()) as line:
                graph = line.graph()
                accounts, businesses = await accounts_of_token(graph), await businesses_of_token(graph)
        if not accounts:
            raise Usage("the token sees no ad account; add its user to one in the business settings, then try again")
        graph_section = self.settings.graph
        differs = {name: str(getattr(graph_section, name)) for name in sorted(graph_section.model_fields_set)}
        since = self.clock.now().date() - FIRST_DAYS
        return first_configuration(accounts, businesses, since, differs)

    def known_plan(self, choice: Choice, ledger: Ledger, known: Slices | None = None) -> Plan:
        """What is due now as far as the ledger alone tells; asks nobody, opens nothing. `known`: see `planned`.

        Raises:
            Usage: It names what is not configured.
        """
        families = self._families(choice)
        wanted = self._orders(choice, families)
        accounts = wanted.filtered(known_accounts(wanted.everything.whose, ledger))
        return planned(ledger, accounts, wanted, self.clock.now, families, known)

    async def publish(self, *, wait: bool = False) -> Published:
        """Makes up a failed publication.

        Raises:
            Refused: The store cannot be used.
            Unpublished: It failed again.
        """
        with self._born_store("publish", wait=wait) as store:
            return self.publish_at(store)

    def drop(self, table: str | None, account: str | None, *, wait: bool = False) -> Published:
        """Forgets a report or table, or an account, everywhere.

        Raises:
            Usage: The store knows neither.
        """
        with self._born_store("drop", wait=wait) as store:
            if table is not None:
                forget_table(store, table)
            if account is not None:
                forget_account(store, account.removeprefix("act_"))
            return self.publish_at(store)

    def rebuild(self, *, ledger: bool, wait: bool = False) -> Rebuilt:
        """Builds the warehouse whole from the lake; the ledger too where it cannot be used, or where `ledger` asks so.

        Raises:
            Refused: The lake is not ours, or newer, or busy; nothing was changed.
            Unpublished: The warehouse could not be written.
        """
        now = self.clock.now()
        if not self.places.lake.exists() and not self.places.ledger.exists():
            raise Usage(f"store {self.places.state}: nothing was loaded yet; run `insights load` first")
        with writing(self.places.state, "rebuild", now, wait=wait):
            return rebuild(self.places, now, self.journal, self.publish_at, asked=ledger, rehearsal=self.rehearsal)

    def verify(self) -> Findings:
        """Compares lake, ledger and warehouse; reads only.

        Raises:
            Newer: A newer program wrote the store.
        """
        return verify(self.places)

    @contextmanager
    def _born_store(self, command: str, *, wait: bool) -> Iterator[Store]:
        """The store of a command on what was loaded.

        Raises:
            Usage: Nothing was.
        """
        if not self.places.ledger.exists():
            raise Usage(f"store {self.places.state}: nothing was loaded yet; run `insights load` first")
        now = self.clock.now()
        with opened(self.places, command, now, self.journal, rehearsal=self.rehearsal, wait=wait) as store:
            yield store

    # ---- a load, step by step ----

    async def _load(self, store: Store, line: Line, work: Work, summary: Summary) -> None:
        """Finds the accounts, plans what is due, carries it out, closes what refers to objects nobody listed."""
        graph, wanted, waited = line.graph(), work.wanted, line.gate.seconds_waited
        found = await discover(wanted.everything.whose, store.ledger, graph, self.clock.now(), self.journal)
        accounts = wanted.filtered(found.accounts, found.unfound)
        plan = planned(store.ledger, accounts, wanted, self.clock.now, work.families)
        self.journal("plan.made", slices=plan.slices, calls=plan.calls, seconds=plan.seconds)
        refusals = Refusals()
        _record_unfound(found, wanted, refusals, summary)
        _abandon_old(store.ledger, self.clock.now())
        with ThreadPoolExecutor(THREADS, thread_name_prefix="insights") as pool:
            committer = Committer(store, pool, self.journal, summary.totals)
            deadline = Deadline.after(self.clock, self.settings.pace.give_up_after_minutes)
            shop = Workshop(committer, refusals, self.clock, pool, self.journal, work.tables, summary.run_id, deadline)
            sizes = Sizes(store.ledger, self.clock.now)
            asked = {(task.account.id, task.report.name) for task in plan.insights}
            book = LedgerBook(store.ledger, pool, self.clock, summary.run_id)
            asking = self._insights(graph, book, sizes.pages(asked), sizes.seconds(asked))
            insights = InsightsWork(shop, asking, wanted.everything.lookback_days, sizes)
            objects = ObjectsWork(shop, AdObjects(graph, self.clock, self.journal))
            memory = RunMemory.of(store.ledger, summary.run_id, line, summary.totals)
            async with memory.kept(plan.slices), beside(*self._beside(store, committer, plan)):
                await carry_out(plan, insights, objects, [FamilyWork(family, shop, line) for family in work.families])
                sizes.save_pages(asking.pages, BIGGEST_PAGE)
                sizes.save_seconds(asking.seconds)
                await deadline.meets(close_objects(objects, wanted, accounts, self.clock.now()))
        summary.family_refused = refusals.whole_families
        summary.count(memory.tally, line.gate.seconds_waited - waited, memory.waits)

    def _beside(self, store: Store, committer: Committer, plan: Plan) -> tuple[Coroutine[Any, Any, None], ...]:
        return (
            publishing(committer, lambda: self.publish_at(store), self.clock, self.journal),
            telling(lambda: len(committer.totals.outcomes), plan.slices, self.clock, self.journal),
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

    async def _publish_after(self, desk: Desk, summary: Summary) -> None:
        """Publishes when the run has ended in the ledger, so that the warehouse shows the run itself."""
        try:
            summary.published = await uninterrupted(asyncio.to_thread(self.publish_at, desk.store))
        except Unpublished as error:
            summary.totals.failures.append(Failure(WAREHOUSE, "", "", str(error), "insights publish"))
            ended = summary.finished_at or self.clock.now()
            desk.store.ledger.end_run(summary.run_id, summary.outcome, summary.as_data(), ended)

    def publish_at(self, store: Store) -> Published:
        """Publishes an open store, and remembers when, and up to which landing.

        Raises:
            Unpublished: As `publish`.
        """
        now = self.clock.now()
        past.publishing(store.ledger, now)
        retire(store.ledger, self.settings.storage.keep_days, now, self.journal)
        meta = meta_tables(store.ledger, self._lookback_days, version("insights"))
        try:
            done = store.warehouse.publish(meta, now, VIEWS)
        except Unpublished as error:
            past.unpublished(store.ledger, str(error))
            raise
        past.published(store.ledger, done.number)
        lose_retired(store.ledger, store.lake, now, self.journal)
        return done

    def routines(self, ledger: Ledger) -> list[Routine]:
        """What the standing process does again and again, by the accounts and zones that the ledger knows now."""
        families = self._families(Choice())
        configured = self._configured(families)
        own = [report.name for report in configured.reports] + [table.table.name for table in configured.objects]
        accounts = known_accounts(configured.whose, ledger)
        at = time.fromisoformat(self.settings.schedule.nightly_at)
        others = {family.name: [owned.name for owned in family.owned] for family in families}
        return routines(own, {account.id: account.zone for account in accounts}, others, at)

    # ---- what the process that stays tells of itself ----

    def troubles(self, ledger: Ledger) -> list[Trouble]:
        """What somebody should know, by what the ledger tells now."""
        known = Known.of(ledger, past.why_unpublished(ledger))
        return troubles(known, self._promise(ledger), self.clock.now())

    def teller(self, desk: Desk) -> Teller:
        """Who tells people.

        Raises:
            Wrong: A webhook is configured, and its address is not there.
        """
        url = webhook_url(self.settings.alerts)
        self.journal.hide(url)
        webhook = Webhook(desk.line.http, self.clock, url) if url else None
        ledger = desk.store.ledger
        return Teller(ledger, lambda: self.troubles(ledger), str(self.places.state), self.journal, webhook)

    def metrics(self, measured: Measured) -> str:
        """The text that is scraped; reads the ledger beside whoever writes it."""
        now = self.clock.now()
        with self.read() as ledger:
            of_store = metrics.of_store(ledger.states(), ledger.last_runs(), now)
        return metrics.rendered([*of_store, *metrics.of_process(measured, now)])

    @contextmanager
    def read(self) -> Iterator[Ledger]:
        """The ledger for reading.

        Raises:
            Usage: Nothing was loaded yet.
        """
        ledger = Ledger.read(self.places.ledger)
        if ledger is None:
            raise Usage(f"store {self.places.state}: nothing was loaded yet; run `insights load` first")
        with ledger:
            yield ledger

    @property
    def is_scheduled(self) -> bool:
        """Whether `insights schedule` holds the store now."""
        return command_of(self.places.state) == "schedule"

    @property
    def address(self) -> tuple[str, int]:
        """The host and port at which the process that stays listens."""
        return self.settings.schedule.status_host, self.settings.schedule.status_port

    # ---- settings taken apart ----

    @property
    def speed(self) -> float:
        """How many seconds of the clock pass in one of the machine's."""
        return self.settings.pace.clock_speed

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

    # ---- plans ----

    async def _first_plan(self, wanted: Orders, families: Sequence[Family], *, offline: bool) -> Plan:
        """A plan before the store is born: zones are asked for, unless offline, and kept nowhere."""
        if offline:
            raise Usage("there is no ledger yet, so nothing is known offline; leave --offline out")
        with self._passing_ledger() as ledger:
            accounts = await self._asked(wanted.everything.whose, ledger)
            return planned(ledger, wanted.filtered(accounts), wanted, self.clock.now, families)

    async def _new_accounts(self, whose: Whose, ledger: Ledger) -> list[Account]:
        """The accounts that were configured since the last load."""
        known = ledger.accounts()
        new = Whose(
            [name for name in whose.ad_accounts if name not in known and name not in whose.excluded],
            [name for name in whose.business_ids if ledger.business_accounts(name).asked_at is None],
            whose.excluded,
        )
        if not new.ad_accounts and not new.business_ids:
            return []
        with self._passing_ledger() as passing:
            there = {account.id for account in known_accounts(whose, ledger)}
            return [account for account in await self._asked(new, passing) if account.id not in there]

    @contextmanager
    def _passing_ledger(self) -> Iterator[Ledger]:
        """A ledger that is thrown away: a plan keeps nothing."""
        with TemporaryDirectory() as folder, Ledger.open(Path(folder) / "ledger", born=self.clock.now()) as ledger:
            yield ledger

    async def _asked(self, whose: Whose, ledger: Ledger) -> list[Account]:
        """Accounts with their zones as Meta shows them.

        Raises:
            Fault: None can be read.
        """
        async with self._line(ledger, self._credentials()) as line:
            found = await discover(whose, ledger, line.graph(), self.clock.now(), self.journal)
        refused = [*found.businesses_refused.values(), *found.refused.values()]
        if refused and not found.accounts:
            raise refused[0]
        return found.accounts


def _cause(error: BaseException) -> str:
    """What went wrong, also where tasks failed together."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


def _owned(wanted: Orders, families: Sequence[Family]) -> list[Owned]:
    return catalogue.of_all(wanted.reports, wanted.objects, [family.owned for family in families])


def _abandon_old(ledger: Ledger, now: datetime) -> None:
    """Report runs of killed processes that are too old to be adopted: nobody waits for them any more."""
    for row in ledger.too_old(now):
        ledger.report_run_ended(row["report_run_id"], "abandoned", now, "its process was killed, and it grew too old")


def _record_unfound(found: Discovered, wanted: Orders, refusals: Refusals, summary: Summary) -> None:
    """Accounts and businesses that could not be found are failures of their own; the others are loaded."""
    chosen = wanted.choice.account_ids
    for account, fault in {**found.refused, **found.businesses_refused}.items():
        refusals.learn(account, fault)
        codes = (fault.code, fault.subcode, fault.fbtrace_id)
        summary.totals.failures.append(Failure("ad_accounts", account, "", str(fault), fault.remedy, *codes))
    for account in (name for name in found.vanished if not chosen or name in chosen):
        reason = "its business no longer shows this account; if that is meant, add it to exclude_accounts"
        summary.totals.failures.append(Failure("ad_accounts", account, "", reason, "configure"))
