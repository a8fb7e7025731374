"""Owns the seeded world: which accounts, campaigns, ad sets, ads and creatives a size and a seed bring."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sandbox.breakdown_names import OPT_IN
from sandbox.seeded_facts import Delivery, SeededFacts, spend_step
from sandbox.seeded_objects import Place, account, ad, adset, campaign, creative
from sandbox.world import Business, Node, World, indexed

_ACCOUNTS = (
    ("111", "America/Los_Angeles", "USD", "900"),
    ("222", "Asia/Kolkata", "INR", "900"),
    ("333", "Pacific/Auckland", "NZD", "901"),
    ("444", "America/Sao_Paulo", "BRL", "901"),
    ("555", "Europe/London", "GBP", "901"),
    ("666", "Asia/Tokyo", "JPY", "900"),
)
_BUSINESSES = {"900": "Example Outfitters", "901": 'Contoso "Media" 📣'}
_CLIENTS = {"900": ("333",)}
_NOT_OPTED_IN = {"333": OPT_IN}
_SIZES = {"small": (3, 12), "demo": (5, 60), "large": (5, 1000)}
_CAMPAIGN_STATUSES = ("ACTIVE", "PAUSED", "ARCHIVED", "DELETED", "WITH_ISSUES", "IN_PROCESS")
_AD_STATUSES = (
    "ACTIVE",
    "ACTIVE",
    "PENDING_REVIEW",
    "DISAPPROVED",
    "ARCHIVED",
    "DELETED",
    "PAUSED",
    "WITH_ISSUES",
    "ACTIVE",
    "PREAPPROVED",
    "PENDING_BILLING_INFO",
    "IN_PROCESS",
)
_ADSET_STATUSES = ("ACTIVE", "ACTIVE", "PAUSED", "ACTIVE", "ARCHIVED", "ACTIVE", "DELETED")
_OPEN_END = date(2100, 1, 1)
_NEVER_DELIVERED = {"PREAPPROVED"}
_STILL_DELIVERING = {"ACTIVE", "WITH_ISSUES"}


@dataclass(frozen=True, slots=True)
class Size:
    """How much of a world: accounts, and ads in each."""

    accounts: int
    ads: int
    varied: bool = False
    """True to give the accounts of a demo different numbers of ads."""


def size_named(name: str, accounts: int | None = None, ads: int | None = None) -> Size:
    """Return a named size, with either number replaced if given."""
    usual_accounts, usual_ads = _SIZES[name]
    return Size(accounts or usual_accounts, ads or usual_ads, varied=name == "demo" and ads is None)


def seeded_world(seed: int = 7, size: Size | None = None, *, forgetful: bool | None = None) -> World:
    """Build the world of a seed; `forgetful` lets one ad of account 222 lose breakdown keys (default: small only)."""
    size = size or size_named("small")
    accounts = [_account(index) for index in range(size.accounts)]
    forgetful = size.ads == _SIZES["small"][1] if forgetful is None else forgetful
    nodes: list[Node] = []
    deliveries: dict[str, Delivery] = {}
    for index, node in enumerate(accounts):
        ads = size.ads + (index * 37) % 90 if size.varied else size.ads
        below = _below(seed, node, index, ads)
        nodes += below
        deliveries |= _deliveries(seed, node, below, forgetful=forgetful and node.account_id == "222")
    return World(
        businesses=_businesses(accounts),
        accounts={node.account_id: node for node in accounts},
        nodes=indexed(nodes),
        facts=SeededFacts(seed, deliveries),
        closed_breakdowns={node.account_id: _NOT_OPTED_IN.get(node.account_id, frozenset()) for node in accounts},
    )


def _account(index: int) -> Node:
    known = _ACCOUNTS[index] if index < len(_ACCOUNTS) else (str(600_000 + index), "UTC", "USD", "900")
    account_id, zone, currency, business = known
    return account(account_id, f"Account {account_id}", zone, currency, (business, _BUSINESSES[business]))


def _businesses(accounts: list[Node]) -> dict[str, Business]:
    present = {node.account_id for node in accounts}
    return {
        business: Business(
            business,
            name,
            tuple(node.account_id for node in accounts if node.data["business"]["id"] == business),
            tuple(found for found in _CLIENTS.get(business, ()) if found in present),
        )
        for business, name in _BUSINESSES.items()
    }


def _id(account_index: int, kind: int, index: int) -> str:
    """Return 18 digits, above 2^53 as real ids are."""
    return f"1202{account_index + 1:04}{kind}{index * 13 + 7:09}"


def _below(seed: int, node: Node, number: int, ads: int) -> list[Node]:
    campaigns = [
        campaign(Place(seed, node, index), _id(number, 1, index), _campaign_status(index))
        for index in range(max(len(_CAMPAIGN_STATUSES), ads // 8))
    ]
    adsets = [
        adset(Place(seed, node, index), _id(number, 2, index), parent, _ADSET_STATUSES[index % len(_ADSET_STATUSES)])
        for index, parent in enumerate(_parents(campaigns, max(12, ads // 4)))
    ]
    creatives = [creative(Place(seed, node, index), _id(number, 4, index)) for index in range(max(6, ads * 2 // 3))]
    ad_nodes = [
        ad(
            Place(seed, node, index),
            _id(number, 3, index),
            parent,
            _AD_STATUSES[(index // 2 + number * 4) % len(_AD_STATUSES)],
            creatives[index % len(creatives)].id,
        )
        for index, parent in enumerate(_parents(adsets, ads))
    ]
    return [*campaigns, *adsets, *ad_nodes, *creatives]


def _campaign_status(index: int) -> str:
    return _CAMPAIGN_STATUSES[index] if index < len(_CAMPAIGN_STATUSES) else "ACTIVE"


def _parents(parents: list[Node], count: int) -> list[Node]:
    """Spread children: every second one under the first parent, the rest in turn."""
    return [parents[0] if index % 2 == 0 else parents[(index // 2) % len(parents)] for index in range(count)]


def _deliveries(seed: int, node: Node, below: list[Node], *, forgetful: bool) -> dict[str, Delivery]:
    objectives = {found.id: found.data["objective"] for found in below if found.kind == "campaign"}
    ads = [found for found in below if found.kind == "ad" and found.status not in _NEVER_DELIVERED]
    first_live = next((found.id for found in ads if found.status in _STILL_DELIVERING), "")
    return {
        found.id: Delivery(
            ad_id=found.id,
            account_id=node.account_id,
            objective=objectives[found.campaign_id],
            first=_day(found),
            last=_OPEN_END if found.status in _STILL_DELIVERING else _ended(seed, node, index),
            daily_impressions=400 + Place(seed, node, index).lot("size") % 9_000,
            spend_step=spend_step(node.data["currency"], index),
            forgets_breakdowns=forgetful and found.id == first_live,
        )
        for index, found in enumerate(ads)
    }


def _day(node: Node) -> date:
    return datetime.fromisoformat(node.data["created_time"]).date()


def _ended(seed: int, node: Node, index: int) -> date:
    return date(2026, 9, 25) + timedelta(days=Place(seed, node, index).lot("ended") % 50)
