"""Owns reads of ad objects: nodes, edges with filters and cursors, and what `fields` shows (graph-api.md 7)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sandbox.calls import Call, Reply
from sandbox.faults import invalid, named, no_object
from sandbox.filtering import Condition, conditions
from sandbox.insights_calls import nested_insights
from sandbox.object_fields import NODE_TYPES, READABLE
from sandbox.paging import Address, opaque_cursor, paging, read_opaque
from sandbox.parameters import whole, words
from sandbox.row_book import encode
from sandbox.scenario import Do
from sandbox.selection import Selected, selected
from sandbox.state import State
from sandbox.world import HIDDEN, LEVELS, Business, Node

_DEFAULT_PAGE = 25
_LARGEST_PAGE, _LARGEST_HEAVY_PAGE = 500, 200
_HEAVY = frozenset({"targeting", "object_story_spec", "asset_feed_spec", "creative"})
_EDGES = {
    "account": {"campaigns": "campaign", "adsets": "adset", "ads": "ad", "adcreatives": "creative"},
    "campaign": {"adsets": "adset", "ads": "ad"},
    "adset": {"ads": "ad", "adcreatives": "creative"},
    "ad": {"adcreatives": "creative"},
    "business": {"owned_ad_accounts": "account", "client_ad_accounts": "account"},
    "user": {"adaccounts": "account", "businesses": "business"},
}
_STATUSES = frozenset(
    {
        "ACTIVE",
        "PAUSED",
        "DELETED",
        "ARCHIVED",
        "IN_PROCESS",
        "WITH_ISSUES",
        "CAMPAIGN_PAUSED",
        "ADSET_PAUSED",
        "PENDING_REVIEW",
        "DISAPPROVED",
        "PREAPPROVED",
        "PENDING_BILLING_INFO",
    }
)
_GRANTED = ("ads_read", "ads_management", "business_management", "read_insights")
_ME = Node("user", "990", {"id": "990", "name": "Sandbox System User"})
_DEFAULT_FIELDS = {"account": ("account_id", "id"), "business": ("id", "name"), "user": ("id", "name")}


class ObjectCalls:
    """Answers reads of objects."""

    def __init__(self, state: State) -> None:
        self._state = state

    def find(self, object_id: str) -> Node | None:
        """Return the node that an id names, businesses and `me` included."""
        if object_id in {"me", _ME.id}:
            return _ME
        business = self._state.world.businesses.get(object_id)
        return _business_node(business) if business else self._state.world.find(object_id)

    def node(self, call: Call, node: Node) -> Reply:
        """Answer one object in any status."""
        return Reply(200, encode(self._shown(call, node, selected(call.parameters))))

    def edge(self, call: Call, node: Node, edge: str, do: Do) -> Reply:
        """Answer a page of a list edge; a short page may still have `next`, the last one never has."""
        if (node.kind, edge) == ("user", "permissions"):
            return Reply(200, encode({"data": [{"permission": name, "status": "granted"} for name in _GRANTED]}))
        kind = _EDGES.get(node.kind, {}).get(edge)
        if kind is None:
            raise invalid(f"Tried accessing nonexisting field ({edge}) on node type ({NODE_TYPES[node.kind]})")
        return Reply(200, encode(self._page(call, node, (edge, kind), selected(call.parameters), do)))

    def _page(
        self, call: Call, node: Node, edge: tuple[str, str], wanted: tuple[Selected, ...], do: Do
    ) -> dict[str, Any]:
        limit = _limit(call, edge[1], wanted)
        found = self._listed(call, node, *edge)
        if do.get("empty_page"):
            return self._empty(call, found)
        start = _start(call, found, limit)
        part = found[start : start + limit]
        body: dict[str, Any] = {"data": [self._shown(call, item, wanted) for item in part]}
        if part:
            body["paging"] = self._paging(call, found, start, len(part), do)
        if "summary" in call.parameters:
            body["summary"] = {"total_count": len(found)}
        return body

    def _paging(self, call: Call, found: Sequence[Node], start: int, length: int, do: Do) -> dict[str, Any]:
        end = start + length
        before, after = opaque_cursor(found[start].id), opaque_cursor(found[end - 1].id)
        if do.get("repeat_cursor"):
            after = call.parameters.get("after", after)
        elif end < len(found):
            self._state.note_next(call, after)
        address = Address(call.url, call.parameters)
        return paging(address, before, after, earlier=start > 0, later=end < len(found))

    def _empty(self, call: Call, found: Sequence[Node]) -> dict[str, Any]:
        """Answer no objects and a `next` that leads to those left out here."""
        start = _start(call, found, 1)
        cursor = opaque_cursor(f"{found[start - 1].id if start else ''}~")
        self._state.note_next(call, cursor)
        address = Address(call.url, call.parameters)
        return {"data": [], "paging": paging(address, cursor, cursor, earlier=False, later=True)}

    def _listed(self, call: Call, node: Node, edge: str, kind: str) -> list[Node]:
        children = self._children(node, edge, kind)
        statuses = _statuses(call)
        wanted = conditions(call.parameters, kind) if kind in LEVELS else ()
        shows_hidden = statuses is not None or any(condition.on_status for condition in wanted)
        return [
            child
            for child in children
            if (shows_hidden or child.status not in HIDDEN)
            and (statuses is None or child.status in statuses)
            and self._accepted(child, wanted)
        ]

    def _accepted(self, child: Node, wanted: Iterable[Condition]) -> bool:
        world = self._state.world
        for condition in wanted:
            owner = world.accounts.get(child.account_id) if condition.level == "account" else None
            owner = owner or world.nodes.get(child.parent_id(condition.level))
            if condition.on_object and owner is not None and not condition.accepts_object(owner):
                return False
        return True

    def _children(self, node: Node, edge: str, kind: str) -> Sequence[Node]:
        world = self._state.world
        if node.kind == "user":
            return list(world.accounts.values()) if kind == "account" else _business_nodes(world.businesses.values())
        if node.kind == "business":
            business = world.businesses[node.id]
            ids = business.owned if edge == "owned_ad_accounts" else business.clients
            return [world.accounts[account_id] for account_id in ids]
        if kind == "creative" and node.kind != "account":
            ids = tuple(
                dict.fromkeys(ad.data["creative"]["id"] for ad in world.under(node, "ad") if "creative" in ad.data)
            )
            return [world.nodes[creative_id] for creative_id in ids if creative_id in world.nodes]
        return world.children(node.account_id if node.kind == "account" else node.id, kind)

    def _shown(self, call: Call, node: Node, wanted: tuple[Selected, ...]) -> dict[str, Any]:
        wanted = wanted or tuple(Selected(name) for name in _DEFAULT_FIELDS.get(node.kind, ("id",)))
        shown = {item.name: self._value(call, node, item) for item in wanted}
        shown["id"] = node.data["id"]
        return {name: value for name, value in shown.items() if value is not None}

    def _value(self, call: Call, node: Node, item: Selected) -> Any:
        if item.name == "insights" and node.kind in LEVELS:
            return nested_insights(self._state, _nested(call, node, item), node)
        kind = _EDGES.get(node.kind, {}).get(item.name)
        if kind is not None:
            return self._page(_nested(call, node, item), node, (item.name, kind), item.inner, {})
        if item.name not in READABLE[node.kind]:
            raise invalid(f"Tried accessing nonexisting field ({item.name}) on node type ({NODE_TYPES[node.kind]})")
        if item.name in self._state.scenario.refused_fields:
            raise named("200")
        value = node.data.get(item.name)
        if isinstance(value, dict) and item.inner and "id" in value:
            target = self.find(str(value["id"]))
            return value if target is None else self._shown(call, target, item.inner)
        return _inside(value, item.inner)

    def by_id(self, object_id: str) -> Node:
        """Return a node, or raise 100/33."""
        node = self.find(object_id)
        if node is None:
            raise no_object(object_id)
        return node


def _nested(call: Call, node: Node, item: Selected) -> Call:
    """Return the call that a nested edge stands for (graph-api.md 1.2)."""
    token = {name: call.parameters[name] for name in ("access_token", "appsecret_proof") if name in call.parameters}
    parameters = {**token, **item.arguments, "fields": ",".join(map(str, item.inner))}
    return replace(call, path=f"{node.data['id']}/{item.name}", parameters=parameters)


def _inside(value: Any, inner: tuple[Selected, ...]) -> Any:
    """Keep only the selected members of a structured value."""
    if not inner:
        return value
    if isinstance(value, list):
        return [_inside(element, inner) for element in value]
    if isinstance(value, dict):
        return {item.name: _inside(value[item.name], item.inner) for item in inner if item.name in value}
    return value


def _business_node(business: Business) -> Node:
    return Node("business", business.id, {"id": business.id, "name": business.name})


def _business_nodes(businesses: Iterable[Business]) -> list[Node]:
    return [_business_node(business) for business in businesses]


def _limit(call: Call, kind: str, wanted: tuple[Selected, ...]) -> int:
    limit = whole(call.parameters, "limit")
    limit = _DEFAULT_PAGE if limit is None else limit
    if limit < 1:
        raise invalid("Param limit must be greater than 0")
    heavy = kind == "creative" or any(item.name in _HEAVY for item in wanted)
    if limit > (_LARGEST_HEAVY_PAGE if heavy else _LARGEST_PAGE):
        raise named("1/reduce")
    return limit


def _statuses(call: Call) -> frozenset[str] | None:
    asked = words(call.parameters, "effective_status")
    for name in asked or ():
        if name not in _STATUSES:
            raise invalid(f"effective_status must be one of the following values: {', '.join(sorted(_STATUSES))}")
    return frozenset(asked) if asked else None


def _start(call: Call, found: Sequence[Node], limit: int) -> int:
    after, before = call.parameters.get("after"), call.parameters.get("before")
    positions = {node.id: index for index, node in enumerate(found)} if after or before else {}
    if after:
        known = read_opaque(after).removesuffix("~")
        return positions.get(known, len(found) - 1 if known else -1) + 1
    if before:
        return max(0, positions.get(read_opaque(before), 0) - limit)
    return 0
