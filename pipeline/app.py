"""Owns the commands: what `insights load`, `plan`, `check` and their like do, each in a few lines.

How the pieces are put together stands in `pipeline/assembly.py`, how a load goes in `pipeline/loading.py`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from pipeline import catalogue, metrics
from pipeline.account import Account
from pipeline.assembly import owned_by
from pipeline.check import Checked, accounts_of_token, businesses_of_token, probe, who_and_what
from pipeline.discovery import Whose, discover, known_accounts
from pipeline.errors import Usage
from pipeline.family import Family
from pipeline.findings import Findings
from pipeline.first_configuration import first_configuration
from pipeline.forget import forget_account, forget_table
from pipeline.ledger import Ledger
from pipeline.loading import Loading
from pipeline.lock import command_of, writing
from pipeline.metrics import Measured
from pipeline.orders import Choice, Orders
from pipeline.plan import Plan
from pipeline.planning import Slices, planned
from pipeline.rebuild import Rebuilt, rebuild
from pipeline.store import Store, opened
from pipeline.summary import Summary
from pipeline.verify import verify
from pipeline.warehouse import Published

FIRST_DAYS = timedelta(days=90)
"""How far back a first configuration reaches."""


@dataclass(frozen=True, slots=True)
class App(Loading):
    """The product as its commands use it."""

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
            catalogue.refuse_other_grains(owned_by(wanted, families), ledger)
            accounts = known_accounts(wanted.everything.whose, ledger)
            if not offline:
                accounts += await self._new_accounts(wanted.everything.whose, ledger)
            return planned(ledger, wanted.filtered(accounts), wanted, self.clock.now, families)

    def known_plan(self, choice: Choice, ledger: Ledger, known: Slices | None = None) -> Plan:
        """What is due now as far as the ledger alone tells; asks nobody, opens nothing. `known`: see `planned`.

        Raises:
            Usage: It names what is not configured.
        """
        families = self._families(choice)
        wanted = self._orders(choice, families)
        accounts = wanted.filtered(known_accounts(wanted.everything.whose, ledger))
        return planned(ledger, accounts, wanted, self.clock.now, families, known)

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
