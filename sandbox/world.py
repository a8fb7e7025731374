"""Owns what exists: businesses, accounts and ad objects, found by id, by parent and by kind; facts come with it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.facts import FactSource

Data = dict[str, Any]

KINDS = ("campaign", "adset", "ad", "creative")
LEVELS = ("account", "campaign", "adset", "ad")
"""Insights levels from the highest to the lowest."""

HIDDEN = frozenset({"ARCHIVED", "DELETED"})
"""Statuses that list edges leave out unless asked for (graph-api.md 7.2)."""


@dataclass(frozen=True, slots=True)
class Node:
    """One object with its place in the tree and every field that it can show."""

    kind: str
    id: str
    data: Data
    account_id: str = ""
    campaign_id: str = ""
    adset_id: str = ""

    @property
    def status(self) -> str:
        """Return the effective status; creatives have only `status`."""
        return str(self.data.get("effective_status") or self.data.get("status") or "")

    def parent_id(self, kind: str) -> str:
        """Return the id of the object of `kind` that this one belongs to, itself included; '' if there is none."""
        if kind == self.kind:
            return self.account_id if kind == "account" else self.id
        return {"account": self.account_id, "campaign": self.campaign_id, "adset": self.adset_id}.get(kind, "")


@dataclass(frozen=True, slots=True)
class Business:
    """A business with the accounts that it owns and those of its clients."""

    id: str
    name: str
    owned: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()


@dataclass(slots=True)
class World:
    """Everything that can be asked for; account ids are digits, their nodes answer to `act_<digits>`."""

    businesses: dict[str, Business]
    accounts: dict[str, Node]
    nodes: dict[str, Node]
    facts: FactSource[Any]
    closed_breakdowns: dict[str, frozenset[str]] = field(default_factory=dict)
    """Opt-in breakdowns that an account has not opted in to, by account."""
    mutations: Sequence[Data] = ()
    """Changes to served rows that come with the world; see `scenario`."""
    _children: dict[tuple[str, str], list[Node]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in self.nodes.values():
            for parent in {node.account_id, node.campaign_id, node.adset_id} - {"", node.id}:
                self._children.setdefault((parent, node.kind), []).append(node)

    def edited(self, object_id: str, changes: Data | None) -> "World":
        """Return a world in which the object has other values, or is gone where `changes` is None."""
        node = self.find(object_id)
        if node is None:
            raise LookupError(object_id)
        new = None if changes is None else replace(node, data=node.data | changes)
        if node.kind == "account":
            accounts = _replaced(self.accounts, node.account_id, new)
            return replace(self, accounts=accounts, _children={})
        return replace(self, nodes=_replaced(self.nodes, node.id, new), _children={})

    def children(self, parent_id: str, kind: str) -> Sequence[Node]:
        """Return the objects of `kind` below an account (digits), campaign or ad set, in order of creation."""
        return self._children.get((parent_id, kind), ())

    def find(self, object_id: str) -> Node | None:
        """Return the object with that id; accounts are asked for with their prefix."""
        if object_id.startswith("act_"):
            return self.accounts.get(object_id[4:])
        return self.nodes.get(object_id)

    def under(self, node: Node, kind: str) -> Sequence[Node]:
        """Return the objects of `kind` at or below `node`."""
        if kind == node.kind:
            return (node,)
        return self.children(node.account_id if node.kind == "account" else node.id, kind)

    def zone(self, account_id: str) -> str:
        """Return the account's time zone name."""
        return str(self.accounts[account_id].data["timezone_name"])


def indexed(nodes: Iterable[Node]) -> dict[str, Node]:
    """Key objects by id."""
    return {node.id: node for node in nodes}


def _replaced(nodes: dict[str, Node], place: str, new: Node | None) -> dict[str, Node]:
    """Put `new` where the old one stood, so that the order of listings stays."""
    pairs = ((key, new if key == place else found) for key, found in nodes.items())
    return {key: found for key, found in pairs if found is not None}
