"""Assembly: the only file that takes settings apart and names concrete connectors. Read this first.

A load is: open the store, settle its tables, find the accounts, plan what is due, carry it out, publish.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from config.settings import Settings, access_token, app_secret
from connectors.ad_objects import AdObjects
from connectors.ads_insights.connector import BIGGEST_PAGE, AdsInsights
from connectors.ads_insights.life import Rhythm
from connectors.errors import TokenRefused
from connectors.graph.calls import Target
from connectors.graph.client import Graph
from connectors.graph.credentials import Credentials
from connectors.http.client import HttpClient
from connectors.http.clock import Clock, SystemClock
from connectors.pace.gate import Gate
from connectors.pace.governor import Governor
from pipeline import catalogue, closure
from pipeline.book import LedgerBook, read_deadlines
from pipeline.committer import Committer
from pipeline.discovery import Discovered, Whose, discover, known_accounts
from pipeline.errors import Unpublished, Usage
from pipeline.insights_work import InsightsWork
from pipeline.journal import Journal
from pipeline.ledger import Ledger
from pipeline.meta_rows import meta_tables
from pipeline.objects_work import ObjectsWork
from pipeline.plan import Account, ObjectsTask, Plan, Wanted, due_insights, due_objects
from pipeline.refusals import Refusals
from pipeline.run import carry_out
from pipeline.sizes import Sizes
from pipeline.store import Places, Store, opened
from pipeline.summary import Summary
from pipeline.warehouse import Published
from schemas.ad_objects import OBJECT_TABLES, ObjectTable
from schemas.columns import Table
from schemas.periods import Period, today_in
from schemas.reports import Report
from schemas.work import Failure, SliceId

THREADS = 2
"""The pool that inflates, decodes, writes and publishes: as many as the smallest machine has cores."""
FURTHEST_AHEAD = timedelta(hours=14)
"""No zone is further ahead of UTC: no account's today is later than this."""
IN_FULL = "objects.in_full"
WAREHOUSE = "warehouse"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a command was told on its line: tables, accounts, days; everything when left out."""

    tables: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    only_failed: bool = False
    insist: bool = False
    wait: bool = False

    @property
    def account_ids(self) -> tuple[str, ...]:
        """The accounts as digits."""
        return tuple(account.removeprefix("act_") for account in self.accounts)


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

    async def load(self, choice: Choice, command: str = "load") -> Summary:
        """Loads everything that is due now.

        Raises:
            Refused: Nothing was sent; the message says what to do.
        """
        credentials = self._credentials()
        reports, objects = self._chosen(choice)
        started = self.clock.now()
        with opened(self.places, command, started, self.journal, rehearsal=self.rehearsal, wait=choice.wait) as store:
            owned = [*map(catalogue.of_report, reports), *map(catalogue.of_objects, objects)]
            tables = catalogue.settle(owned, store.ledger, store.lake)
            summary = Summary(f"{started:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}", command, started)
            store.ledger.begin_run(summary.run_id, command, started)
            try:
                await self._load(store, credentials, choice, reports, objects, tables, summary)
            except BaseException:
                store.ledger.end_run(summary.run_id, "interrupted", {}, self.clock.now())
                raise
            await self._finish(store, summary)
        return summary

    async def plan(self, choice: Choice, *, offline: bool) -> Plan:
        """What is due now; asks at most for accounts and zones that are not known.

        Raises:
            Refused: The configuration or the store cannot be used.
        """
        reports, objects = self._chosen(choice)
        ledger = Ledger.read(self.places.ledger)
        if ledger is None:
            return await self._first_plan(choice, reports, objects, offline=offline)
        with ledger:
            owned = [*map(catalogue.of_report, reports), *map(catalogue.of_objects, objects)]
            catalogue.refuse_other_grains(owned, ledger)
            accounts = known_accounts(self._whose(), ledger)
            if not offline:
                accounts += await self._new_accounts(ledger)
            return self._planned(ledger, self._filtered(accounts, choice), choice, reports, objects)

    async def publish(self, *, wait: bool = False) -> Published:
        """Makes up a failed publication.

        Raises:
            Refused: The store cannot be used.
            Unpublished: It failed again.
        """
        now = self.clock.now()
        self._refuse_unborn()
        with opened(self.places, "publish", now, self.journal, rehearsal=self.rehearsal, wait=wait) as store:
            return self._publish(store)

    def drop(self, table: str | None, account: str | None, *, wait: bool = False) -> Published:
        """Forgets a report or table, or an account, everywhere.

        Raises:
            Usage: The store knows neither.
        """
        now = self.clock.now()
        self._refuse_unborn()
        with opened(self.places, "drop", now, self.journal, rehearsal=self.rehearsal, wait=wait) as store:
            if table is not None:
                _drop_table(store, table)
            if account is not None:
                _drop_account(store, account.removeprefix("act_"))
            return self._publish(store)

    # ---- a load, step by step ----

    async def _load(
        self,
        store: Store,
        credentials: Credentials,
        choice: Choice,
        reports: Sequence[Report],
        objects: Sequence[ObjectTable],
        tables: dict[str, tuple[Table, ...]],
        summary: Summary,
    ) -> None:
        with ThreadPoolExecutor(THREADS, thread_name_prefix="insights") as pool:
            async with self._graph(store.ledger, credentials) as graph:
                found = await discover(self._whose(), store.ledger, graph, self.clock.now(), self.journal)
                accounts = self._filtered(found.accounts, choice, found.unfound)
                plan = self._planned(store.ledger, accounts, choice, reports, objects)
                self.journal("plan.made", slices=plan.slices, tasks=len(plan.insights) + len(plan.objects))
                committer = Committer(store, pool, self.journal, summary.totals)
                refusals = Refusals()
                _record_unfound(found, refusals, summary)
                await self._carry_out(plan, graph, committer, refusals, reports, tables, summary)
                summary.token_refused = refusals.token is not None
                summary.api_calls = dict(graph.tally.calls)
                summary.throttled_responses = graph.tally.throttled
                summary.seconds_waited = graph.seconds_waited

    async def _carry_out(
        self,
        plan: Plan,
        graph: Graph,
        committer: Committer,
        refusals: Refusals,
        reports: Sequence[Report],
        tables: dict[str, tuple[Table, ...]],
        summary: Summary,
    ) -> None:
        runs = self.settings.report_runs
        rhythm = Rhythm(runs.poll_initial_seconds, runs.poll_max_seconds, runs.deadline_minutes * 60)
        ledger = committer.store.ledger
        book = LedgerBook(ledger, committer.pool, self.clock, summary.run_id)
        _abandon_old(ledger, self.clock.now())
        sizes = Sizes(ledger, self.clock.now)
        pages = sizes.pages((task.account.id, task.report.name) for task in plan.insights)
        asking = AdsInsights(graph, self.clock, rhythm, book, runs.max_in_flight_per_account, self.journal, pages)
        insights = InsightsWork(
            connector=asking,
            committer=committer,
            refusals=refusals,
            clock=self.clock,
            pool=committer.pool,
            say=self.journal,
            tables=tables,
            run_id=summary.run_id,
            lookback_days=self._lookback_days,
            sizes=sizes,
        )
        objects = ObjectsWork(
            connector=AdObjects(graph, self.clock, self.journal),
            committer=committer,
            refusals=refusals,
            clock=self.clock,
            pool=committer.pool,
            say=self.journal,
            tables=tables,
            run_id=summary.run_id,
            remember_in_full=lambda task, at: ledger.save_note(_in_full(task), at.isoformat()),
        )
        await carry_out(plan, insights, objects)
        sizes.save_pages(asking.pages, BIGGEST_PAGE)
        await self._close_objects(objects, reports, tables)

    async def _close_objects(
        self, work: ObjectsWork, reports: Sequence[Report], tables: dict[str, tuple[Table, ...]]
    ) -> None:
        """Every id in facts gets its row or its refusal; an account that may not be read is left for the next load."""
        store, now = work.committer.store, self.clock.now()
        listed = [name for name in OBJECT_TABLES if name in tables]
        every = set(self.settings.ad_objects.tables) if self.settings.ad_objects else set()
        for account in store.ledger.accounts().values() if listed else ():
            account_id, zone, number = account["account_id"], account["time_zone"], store.ledger.last_landing
            if work.refusals.of(account_id) is not None:
                continue
            gaps = closure.gaps_in_facts(store.ledger, store.lake, account_id, reports, listed, now)
            closed = [await work.close(gap, OBJECT_TABLES[gap.table], zone) for gap in gaps]
            if {"ads", "adcreatives"} <= set(listed):
                creatives = closure.gap_in_creatives(store.ledger, store.lake, account_id, now)
                if creatives is not None:
                    await work.close(creatives, OBJECT_TABLES["adcreatives"], zone)
            if all(closed) and every <= set(listed):
                closure.looked(store.ledger, account_id, number)

    async def _finish(self, store: Store, summary: Summary) -> None:
        """Ends the run in the ledger, then publishes, so that the warehouse shows the run itself."""
        summary.finished_at = self.clock.now()
        store.ledger.end_run(summary.run_id, summary.outcome, summary.as_data(), summary.finished_at)
        try:
            summary.published = await asyncio.to_thread(self._publish, store)
        except Unpublished as error:
            summary.totals.failures.append(Failure(WAREHOUSE, "", "", str(error), "insights publish"))
            store.ledger.end_run(summary.run_id, summary.outcome, summary.as_data(), summary.finished_at)

    def _publish(self, store: Store) -> Published:
        meta = meta_tables(store.ledger, self._lookback_days, version("insights"))
        return store.warehouse.publish(meta, self.clock.now())

    # ---- settings taken apart ----

    def _credentials(self) -> Credentials:
        credentials = Credentials(access_token(self.settings.graph), app_secret(self.settings.graph))
        self.journal.hide(*credentials.secrets())
        return credentials

    @asynccontextmanager
    async def _graph(self, ledger: Ledger, credentials: Credentials) -> AsyncIterator[Graph]:
        settings = self.settings
        governor = Governor(
            settings.pace.target_utilisation, lambda quota, until: ledger.save_deadline(str(quota), until)
        )
        governor.restore(read_deadlines(ledger.deadlines()))
        target = Target(
            settings.graph.base_url.rstrip("/"), settings.graph.version, settings.graph.request_timeout_seconds
        )
        async with HttpClient() as http:
            yield Graph(
                http,
                Gate(governor, self.clock),
                self.clock,
                credentials,
                target,
                say=lambda event, fields: self.journal(event, **fields),
            )

    @property
    def _lookback_days(self) -> int:
        return self.settings.ads_insights.lookback_days if self.settings.ads_insights else 28

    def _whose(self) -> Whose:
        insights = self.settings.ads_insights
        if insights is None:
            return Whose(())
        return Whose(insights.ad_accounts, insights.business_ids, insights.exclude_accounts)

    def _chosen(self, choice: Choice) -> tuple[tuple[Report, ...], tuple[ObjectTable, ...]]:
        """The reports and tables of objects that a command is about.

        Raises:
            Usage: `--table` names none that is configured, or no family is configured.
        """
        reports = self.settings.reports
        objects = self.settings.ad_objects
        tables = tuple(OBJECT_TABLES[name] for name in objects.tables) if objects and reports else ()
        names = {*(report.name for report in reports), *(table.table.name for table in tables)}
        if not names:
            raise Usage("the configuration asks for no table: add a section [ads_insights] with its accounts")
        unknown = [table for table in choice.tables if table not in names]
        if unknown:
            raise Usage(f"--table {unknown[0]}: this is not configured; there are {', '.join(sorted(names))}")
        self._refuse_strange(choice)
        wanted = set(choice.tables) or names
        return (
            tuple(report for report in reports if report.name in wanted),
            tuple(table for table in tables if table.table.name in wanted),
        )

    def _refuse_strange(self, choice: Choice) -> None:
        """Refuses accounts and days that are not configured, as far as that is known before anybody is asked.

        Raises:
            Usage: As said.
        """
        insights = self.settings.ads_insights
        if insights is None:
            return
        if not insights.business_ids:
            _refuse_unknown(choice, [name for name in insights.ad_accounts if name not in insights.exclude_accounts])
        since, latest = choice.since or insights.since, (self.clock.now() + FURTHEST_AHEAD).date()
        if choice.since and choice.since > latest:
            raise Usage(f"--since {choice.since} lies in the future; name a day that has been")
        if choice.until and choice.until < since:
            raise Usage(
                f"--until {choice.until} lies before [ads_insights] since = {since}; name an earlier --since too"
            )

    def _refuse_unborn(self) -> None:
        """Refuses a command on what was loaded where nothing was.

        Raises:
            Usage: As said.
        """
        if not self.places.ledger.exists():
            raise Usage(f"store {self.places.state}: nothing was loaded yet; run `insights load` first")

    def _filtered(self, accounts: Iterable[Account], choice: Choice, unfound: Iterable[str] = ()) -> list[Account]:
        """The accounts that a command is about; `unfound` are those that fail on their own.

        Raises:
            Usage: `--account` names one that there is not.
        """
        there = list(accounts)
        _refuse_unknown(choice, [*(account.id for account in there), *unfound])
        return [account for account in there if not choice.accounts or account.id in choice.account_ids]

    # ---- planning ----

    async def _first_plan(
        self, choice: Choice, reports: Sequence[Report], objects: Sequence[ObjectTable], *, offline: bool
    ) -> Plan:
        """A plan before the store is born: zones are asked for, unless offline, and kept nowhere."""
        if offline:
            raise Usage("there is no ledger yet, so nothing is known offline; leave --offline out")
        with self._passing_ledger() as ledger:
            accounts = await self._asked(self._whose(), ledger)
            return self._planned(ledger, self._filtered(accounts, choice), choice, reports, objects)

    async def _new_accounts(self, ledger: Ledger) -> list[Account]:
        """The accounts that were configured since the last load."""
        whose, known = self._whose(), ledger.accounts()
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
        async with self._graph(ledger, self._credentials()) as graph:
            found = await discover(whose, ledger, graph, self.clock.now(), self.journal)
        refused = [*found.businesses_refused.values(), *found.refused.values()]
        if refused and not found.accounts:
            raise refused[0]
        return found.accounts

    def _planned(
        self,
        ledger: Ledger,
        accounts: Sequence[Account],
        choice: Choice,
        reports: Sequence[Report],
        objects: Sequence[ObjectTable],
    ) -> Plan:
        now = self.clock.now()
        alive = ledger.adoptable(now)
        sizes = Sizes(ledger, self.clock.now)
        insights = [
            task
            for account in accounts
            for report in reports
            for task in due_insights(
                report,
                account,
                self._wanted(choice, account, now),
                ledger.slices_of(report.name, account.id),
                now,
                alive,
                sizes.of(report.name, account.id, report.definition_hash),
            )
        ]
        listings = [
            task
            for account in accounts
            for table in objects
            if (task := self._listing(ledger, table, account, now)) is not None
        ]
        return Plan(now, tuple(insights), tuple(listings))

    def _listing(self, ledger: Ledger, table: ObjectTable, account: Account, now: datetime) -> ObjectsTask | None:
        name = table.table.name
        noted = ledger.note(f"{IN_FULL}.{name}.{account.id}")
        in_full_at = datetime.fromisoformat(noted) if noted else None
        return due_objects(table, account, ledger.slice(SliceId(name, account.id, None)), in_full_at, now)

    def _wanted(self, choice: Choice, account: Account, now: datetime) -> Wanted:
        insights = self.settings.ads_insights
        if insights is None:
            raise AssertionError("reports stand in [ads_insights]")
        today = today_in(account.zone, now)
        since = choice.since or insights.since
        until = min(choice.until or today, today)
        days = Period.inclusive(since, max(since, until))
        return Wanted(
            days=days,
            since=insights.since,
            lookback_days=insights.lookback_days,
            include_today=insights.include_today,
            insist=choice.insist or choice.only_failed,
            only_failed=choice.only_failed,
        )


def _refuse_unknown(choice: Choice, there: Sequence[str]) -> None:
    unknown = [name for name in choice.account_ids if name not in there]
    if unknown:
        raise Usage(f"--account {unknown[0]}: this is not configured; there are {', '.join(sorted(there)) or 'none'}")


def _in_full(task: ObjectsTask) -> str:
    return f"{IN_FULL}.{task.table.table.name}.{task.account.id}"


def _abandon_old(ledger: Ledger, now: datetime) -> None:
    """Report runs of killed processes that are too old to be adopted: nobody waits for them any more."""
    for row in ledger.too_old(now):
        ledger.report_run_ended(row["report_run_id"], "abandoned", now, "its process was killed, and it grew too old")


def _record_unfound(found: Discovered, refusals: Refusals, summary: Summary) -> None:
    """Accounts and businesses that could not be found are failures of their own; the others are loaded."""
    for account, fault in {**found.refused, **found.businesses_refused}.items():
        refusals.learn(account, fault)
        codes = (fault.code, fault.subcode, fault.fbtrace_id)
        failure = Failure("ad_accounts", account, "", str(fault), fault.remedy)
        summary.totals.failures.append(replace(failure, code=codes[0], subcode=codes[1], fbtrace_id=codes[2]))
        if isinstance(fault, TokenRefused):
            refusals.token = fault
    for account in found.vanished:
        reason = "its business no longer shows this account; if that is meant, add it to exclude_accounts"
        summary.totals.failures.append(Failure("ad_accounts", account, "", reason, "configure"))


def _drop_table(store: Store, table: str) -> None:
    owned = {
        report: [t.name for owner, t in store.ledger.tables() if owner == report] for report in store.ledger.reports()
    }
    if table not in owned:
        raise Usage(f"--table {table}: the store knows no such table; there are {', '.join(sorted(owned)) or 'none'}")
    store.ledger.drop_report(table)
    for name in owned[table]:
        store.lake.drop(name)


def _drop_account(store: Store, account: str) -> None:
    files = [file for slice_id, file in store.ledger.files() if slice_id.scope.split("/")[0] == account]
    if not files and account not in store.ledger.accounts():
        raise Usage(f"--account {account}: the store knows no such account")
    store.ledger.drop_account(account)
    for file in files:
        (store.lake.root / file.path).unlink(missing_ok=True)
