"""Owns what a command is about: the configured reports, tables, accounts and days, narrowed by its line. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from pipeline.account import Account
from pipeline.discovery import Whose
from pipeline.due_slices import Wanted
from pipeline.errors import Usage
from schemas.ad_objects import ObjectTable
from schemas.periods import Period, today_in
from schemas.reports import Report

FURTHEST_AHEAD = timedelta(hours=14)
"""No zone is further ahead of UTC: no account's today is later than this."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a command was told on its line: tables, accounts, days; everything when left out.

    `backfill`: a past range. `renew`: also what was last asked before this moment, final or not.
    """

    tables: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    only_failed: bool = False
    wait: bool = False
    backfill: bool = False
    renew: datetime | None = None

    @property
    def account_ids(self) -> tuple[str, ...]:
        """The accounts as digits."""
        return tuple(account.removeprefix("act_") for account in self.accounts)

    def chosen(self, owners: Sequence[str], *tables: str) -> tuple[str, ...]:
        """Of a family's owners those that the command is about, if it is about one of these tables of theirs."""
        if self.tables and not set(self.tables) & set(tables):
            return ()
        return tuple(owner for owner in owners if not self.accounts or owner in self.account_ids)


@dataclass(frozen=True, slots=True)
class Configured:
    """What the configuration asks for: of ads insights and ad objects, and which other tables and owners it names.

    `owners` are the first parts of the other families' scopes: businesses, apps, lines of business. `first_days` are
    the first days wanted, by the section that says so.
    """

    reports: tuple[Report, ...]
    objects: tuple[ObjectTable, ...]
    whose: Whose
    since: date
    lookback_days: int
    include_today: bool
    tables: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    first_days: Mapping[str, date] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """Every table, a report standing for all of its own."""
        reports = (report.name for report in self.reports)
        return {*reports, *(table.table.name for table in self.objects), *self.tables}


@dataclass(frozen=True, slots=True)
class Orders:
    """What one command is about; `everything` is what is configured apart from its line."""

    everything: Configured
    choice: Choice
    reports: tuple[Report, ...]
    objects: tuple[ObjectTable, ...]

    def filtered(self, accounts: Iterable[Account], unfound: Iterable[str] = ()) -> list[Account]:
        """The accounts that the command is about; `unfound` are those that fail on their own.

        Raises:
            Usage: `--account` names one that there is not.
        """
        there = list(accounts)
        _refuse_unknown(self.choice, [*(account.id for account in there), *unfound, *self.everything.owners])
        return [account for account in there if not self.choice.accounts or account.id in self.choice.account_ids]

    def wanted(self, account: Account, now: datetime) -> Wanted:
        """The days that are wanted of an account."""
        today = today_in(account.zone, now)
        since = self.choice.since or self.everything.since
        until = min(self.choice.until or today, today)
        return Wanted(
            days=Period.inclusive(since, max(since, until)),
            since=self.everything.since,
            lookback_days=self.everything.lookback_days,
            include_today=self.everything.include_today,
            insist=self.choice.backfill or self.choice.only_failed,
            only_failed=self.choice.only_failed,
            backfill=self.choice.backfill,
            renew=self.choice.renew,
        )


def orders(everything: Configured, choice: Choice, now: datetime) -> Orders:
    """What a command is about, refused where it names what is not configured, as far as that is known before asking.

    Raises:
        Usage: A table, an account or a day that is not there.
    """
    names = everything.names
    if not names:
        raise Usage("the configuration asks for no table: add a section [ads_insights] with its accounts")
    unknown = [table for table in choice.tables if table not in names]
    if unknown:
        raise Usage(f"--table {unknown[0]}: this is not configured; there are {', '.join(sorted(names))}")
    if not everything.whose.business_ids:
        accounts = [name for name in everything.whose.ad_accounts if name not in everything.whose.excluded]
        _refuse_unknown(choice, [*accounts, *everything.owners])
    _refuse_days(everything, choice, now)
    wanted = set(choice.tables) or names
    return Orders(
        everything,
        choice,
        tuple(report for report in everything.reports if report.name in wanted),
        tuple(table for table in everything.objects if table.table.name in wanted),
    )


def _refuse_days(everything: Configured, choice: Choice, now: datetime) -> None:
    latest = (now + FURTHEST_AHEAD).date()
    if choice.since and choice.since > latest:
        raise Usage(f"--since {choice.since} lies in the future; name a day that has been")
    section, first = min(everything.first_days.items(), key=lambda pair: pair[1], default=("", date.min))
    if choice.until and choice.since is None and choice.until < first:
        raise Usage(f"--until {choice.until} lies before [{section}] since = {first}; name an earlier --since too")


def _refuse_unknown(choice: Choice, there: Sequence[str]) -> None:
    unknown = [name for name in choice.account_ids if name not in there]
    if unknown:
        raise Usage(f"--account {unknown[0]}: this is not configured; there are {', '.join(sorted(there)) or 'none'}")
