"""Owns which ad accounts there are and in which zone each lives: what is known is not asked again on the same day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.errors import Fault, Invalid
from connectors.graph.calls import Call
from connectors.graph.client import Graph
from connectors.graph.replies import Reply
from connectors.pace.quotas import drawn_by_objects
from pipeline.account import Account
from pipeline.ledger import Ledger
from schemas.events import Say

FIELDS = "id,account_id,name,currency,timezone_name"
NEEDS = ("account_id", "timezone_name")
EDGES = ("owned_ad_accounts", "client_ad_accounts")
ASK_AGAIN = timedelta(hours=12)
"""A business is asked for its accounts again after so long."""


@dataclass(slots=True)
class Discovered:
    """The accounts that are loaded, and those that could not be found, with the fault that says why.

    `vanished` are accounts that a business had and no longer shows.
    """

    accounts: list[Account] = field(default_factory=list)
    refused: dict[str, Fault] = field(default_factory=dict)
    businesses_refused: dict[str, Fault] = field(default_factory=dict)
    vanished: list[str] = field(default_factory=list)

    @property
    def unfound(self) -> tuple[str, ...]:
        """The accounts that fail on their own."""
        return (*self.refused, *self.vanished)


@dataclass(frozen=True, slots=True)
class Whose:
    """The accounts that are configured: by id, by business, and those left out."""

    ad_accounts: Sequence[str]
    business_ids: Sequence[str] = ()
    excluded: Sequence[str] = ()


async def discover(whose: Whose, ledger: Ledger, graph: Graph, now: datetime, say: Say) -> Discovered:
    """Every configured account with its zone, asking only for what the ledger does not know."""
    found = Discovered()
    wanted = dict.fromkeys(whose.ad_accounts)
    for business in whose.business_ids:
        wanted |= dict.fromkeys(await _accounts_of(business, ledger, graph, now, found))
    wanted = dict.fromkeys(account for account in wanted if account not in whose.excluded)
    await _learn([account for account in wanted if account not in ledger.accounts()], ledger, graph, now, found)
    found.vanished = [account for account in found.vanished if account not in {*whose.excluded, *wanted}]
    known = ledger.accounts()
    found.accounts = [account_of(known[account]) for account in wanted if account in known]
    say("discovery.done", accounts=len(found.accounts), refused=sorted(found.refused))
    return found


def known_accounts(whose: Whose, ledger: Ledger) -> list[Account]:
    """The configured accounts that the ledger knows; asks nobody."""
    wanted = dict.fromkeys(whose.ad_accounts)
    for business in whose.business_ids:
        wanted |= dict.fromkeys(ledger.business_accounts(business).present)
    known = ledger.accounts()
    return [account_of(known[name]) for name in wanted if name in known and name not in whose.excluded]


def account_of(row: object) -> Account:
    """An account as the ledger keeps it."""
    values = dict(row)  # type: ignore[call-overload]  # a ledger row is a mapping
    return Account(values["account_id"], values["time_zone"], values["currency"], values["name"])


async def _accounts_of(business: str, ledger: Ledger, graph: Graph, now: datetime, found: Discovered) -> Iterable[str]:
    known = ledger.business_accounts(business)
    if known.asked_at is not None and abs(now - known.asked_at) < ASK_AGAIN:
        found.vanished += known.vanished
        return known.present
    accounts: dict[str, None] = {}
    try:
        for edge in EDGES:
            call = Call("list", "GET", f"{business}/{edge}", {"fields": FIELDS}, None, drawn_by_objects(None), NEEDS)
            async for reply in graph.pages(call, 100):
                for row in reply.rows():
                    accounts[str(row["account_id"])] = None
                    _keep(row, ledger, now, found)
    except Fault as fault:
        found.businesses_refused[business] = fault
        return known.present
    ledger.save_business(business, accounts, now)
    found.vanished += ledger.business_accounts(business).vanished
    return accounts


async def _learn(accounts: Sequence[str], ledger: Ledger, graph: Graph, now: datetime, found: Discovered) -> None:
    """Asks for the zones of accounts that are new, fifty to a request; each refusal is its account's alone."""
    if not accounts:
        return
    calls = [
        Call("object", "GET", f"act_{account}", {"fields": FIELDS}, account, drawn_by_objects(account), NEEDS)
        for account in accounts
    ]
    for account, answer in zip(accounts, await graph.batch(calls, patient=True), strict=True):
        if isinstance(answer, Reply):
            _keep(answer.object(), ledger, now, found)
        else:
            found.refused[account] = answer


def _keep(row: dict[str, object], ledger: Ledger, now: datetime, found: Discovered) -> None:
    """An account in a zone that this machine does not know is refused: nobody could say which day it has."""
    account, zone = str(row["account_id"]), str(row["timezone_name"])
    if not _is_known(zone):
        message = f"the ad account's time zone {zone!r} is not known here: update the package tzdata"
        found.refused[account] = Invalid(message, place=f"GET act_{account}")
        return
    ledger.save_account(
        account,
        str(row.get("name") or ""),
        zone,
        str(row.get("currency") or ""),
        now,
    )


def _is_known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
