"""Owns a load, step by step: find the accounts, plan what is due, carry it out, close, end the run, publish.

A store is opened once for one load or for many: `Desk` is what they work at.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from typing import Any

from connectors.ad_objects import AdObjects
from connectors.ads_insights.connector import BIGGEST_PAGE
from pipeline import catalogue, past
from pipeline.alerts import Known, Trouble, troubles
from pipeline.assembly import Assembly, owned_by
from pipeline.beside import beside, publishing, telling
from pipeline.book import LedgerBook
from pipeline.closing import close_objects
from pipeline.committer import Committer
from pipeline.deadline import Deadline
from pipeline.discovery import Discovered, discover
from pipeline.errors import Unpublished
from pipeline.family import Family, FamilyWork
from pipeline.insights_work import InsightsWork
from pipeline.isolation import own_fault
from pipeline.ledger import Ledger
from pipeline.line import Line
from pipeline.meta_rows import meta_tables
from pipeline.objects_work import ObjectsWork
from pipeline.orders import Choice, Orders
from pipeline.plan import Plan
from pipeline.planning import planned
from pipeline.refusals import Refusals
from pipeline.renewal import Renewal
from pipeline.retention import lose_retired, retire
from pipeline.run import carry_out
from pipeline.run_memory import RunMemory
from pipeline.sizes import Sizes
from pipeline.store import Store, opened
from pipeline.summary import OK, Summary
from pipeline.telling import Teller, Webhook
from pipeline.uninterrupted import uninterrupted
from pipeline.warehouse import Published
from pipeline.workshop import Workshop
from schemas.columns import Table
from schemas.views import VIEWS
from schemas.work import Failure

THREADS = 2
"""The pool that inflates, decodes, writes and publishes: as many as the smallest machine has cores."""
WAREHOUSE = "warehouse"


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
class Loading(Assembly):
    """What loads, with everything that was assembled for it."""

    @asynccontextmanager
    async def at_work(self, command: str, *, wait: bool = False) -> AsyncIterator[Desk]:
        """The store held for writing, and a way to Graph.

        Raises:
            Refused: The store cannot be used, or there is no token; nothing was sent.
        """
        credentials, now = self._credentials(), self.clock.now()
        self._own_credentials()
        self._webhook_url()
        with opened(self.places, command, now, self.journal, rehearsal=self.rehearsal, wait=wait) as store:
            async with self._line(store.ledger, credentials) as line:
                yield Desk(store, line)

    async def load_at(self, desk: Desk, choice: Choice, command: str) -> Summary:
        """Loads what is due into an open store. The token is read again: a file may hold a new one.

        Raises:
            Refused: Nothing was sent; the message says what to do.
        """
        families, started, store = self._families(choice), self.clock.now(), desk.store
        wanted = self._orders(choice, families)
        line = replace(desk.line, credentials=self._credentials())
        catalogue.refuse_other_grains(owned_by(wanted, families), store.ledger)
        summary = Summary(f"{started:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}", command, started)
        store.ledger.begin_run(summary.run_id, command, started)
        with self.journal.about(run=summary.run_id):
            try:
                tables = catalogue.settle(owned_by(wanted, families), store.ledger, store.lake)
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

    async def backfill_at(self, desk: Desk, choice: Choice, *, force: bool) -> Summary:
        """A backfill in an open store; publishes it no sooner than a long run does."""
        choice = replace(choice, backfill=True)
        renewal = Renewal(desk.store.ledger, choice)
        renew = renewal.begun(self.clock.now()) if force else None
        summary = await self.load_at(desk, replace(choice, renew=renew), "backfill")
        if force and summary.exit_code == OK:
            renewal.ended()
        return summary

    async def _load(self, store: Store, line: Line, work: Work, summary: Summary) -> None:
        """Finds the accounts, plans what is due, carries it out, closes what refers to objects nobody listed."""
        graph, wanted, waited = line.graph(), work.wanted, line.gate.seconds_waited
        found = await discover(wanted.everything.whose, store.ledger, graph, self.clock.now(), self.journal)
        accounts = wanted.filtered(found.accounts, found.unfound)
        plan = planned(store.ledger, accounts, wanted, self.clock.now, work.families)
        self.journal("plan.made", slices=plan.slices, calls=plan.calls, seconds=plan.seconds)
        for report, remark in plan.remarks:
            self.journal("report.remark", report=report, because=str(remark))
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
                await close_objects(objects, wanted, accounts, self.clock.now())
        summary.family_refused = refusals.whole_families
        summary.count(memory.tally, line.gate.seconds_waited - waited, memory.waits)

    def _beside(self, store: Store, committer: Committer, plan: Plan) -> tuple[Coroutine[Any, Any, None], ...]:
        return (
            publishing(committer, lambda: self.publish_at(store), self.clock, self.journal),
            telling(lambda: len(committer.totals.outcomes), plan.slices, self.clock, self.journal),
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
        try:
            retire(store.ledger, self.settings.storage.keep_days, now, self.journal)
            meta = meta_tables(store.ledger, self._lookback_days, version("insights"))
            done = store.warehouse.publish(meta, now, VIEWS)
        except Exception as error:
            why = error if isinstance(error, Unpublished) else self._stumbled(error)
            past.unpublished(store.ledger, str(why))
            raise why from error
        past.published(store.ledger, done.number)
        lose_retired(store.ledger, store.lake, now, self.journal)
        return done

    def _stumbled(self, error: Exception) -> Unpublished:
        """A mistake of our own on the way to a publication; see `isolation`."""
        why = own_fault(error, self.journal)
        return Unpublished(f"warehouse {self.places.warehouse}: not published ({why}); the slices are landed")

    def teller(self, desk: Desk) -> Teller:
        """Who tells people.

        Raises:
            Wrong: A webhook is configured, and its address is not there.
        """
        url = self._webhook_url()
        webhook = Webhook(desk.line.http, self.clock, url) if url else None
        ledger = desk.store.ledger
        return Teller(ledger, lambda: self.troubles(ledger), str(self.places.state), self.journal, webhook)

    def troubles(self, ledger: Ledger) -> list[Trouble]:
        """What somebody should know, by what the ledger tells now."""
        known = Known.of(ledger, past.why_unpublished(ledger))
        return troubles(known, self._promise(ledger), self.clock.now())


def _cause(error: BaseException) -> str:
    """What went wrong, also where tasks failed together."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


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
