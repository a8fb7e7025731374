"""Owns worlds read from a JSON file: objects as they stand there, facts at whatever grain they have.

    {"businesses": [{"id": "900", "name": "...", "owned": ["111"], "clients": []}],
     "accounts":   [{"id": "111", "name": "...", "timezone_name": "Europe/London", "currency": "GBP"}],
     "campaigns":  [{"id": "1", "account_id": "111", "name": "...", "objective": "OUTCOME_SALES"}],
     "adsets":     [{"id": "2", "campaign_id": "1", ...}],
     "ads":        [{"id": "3", "adset_id": "2", "creative": {"id": "4"}, ...}],
     "creatives":  [{"id": "4", "account_id": "111", ...}],
     "facts":      [{"ad_id": "3", "date": "2026-11-01", "age": "25-34", "impressions": 10, "spend": "1.429999948",
                     "actions": [{"action_type": "lead", "value": 2, "7d_click": 2}]}],
     "mutations":  [{"ad_id": "3", "set": {"impressions": "n/a"}}]}

Every section may be missing. Objects may hold any field of theirs; `account_id`, `campaign_id`, `effective_status`
(ACTIVE) and the like follow from the tree where they are left out. A business without `owned` owns the accounts that
name it in `business`. In a fact, names of breakdowns are columns, lists of objects are list metrics, everything else is
a number. A row that comes from one fact prints its numbers exactly as given; sums are exact decimals; of de-duplicated
metrics the largest stands for the row; given ratios are dropped where facts are joined, and follow from the sums. A
breakdown that a fact lacks is "unknown". Facts never change with the moment of asking; there are none after its day.
`sandbox/example-world.json` is a small example.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox.breakdown_names import BREAKDOWNS
from sandbox.facts import Ask, Entry, Measures, Values, Windows
from sandbox.field_names import NUMERIC, UNIQUE
from sandbox.figures import Number, number
from sandbox.query import WINDOWS
from sandbox.world import Business, Data, Node, World, indexed

_RATIOS = frozenset(name for name in NUMERIC if name.startswith(("cost_per_", "cp", "ctr")) or name.endswith("_ctr"))
_PLACE = frozenset({"ad_id", "date"})


@dataclass(frozen=True, slots=True)
class FileFact:
    """One entry of `facts`, sorted into columns, numbers, lists and everything else."""

    columns: Mapping[str, str]
    scalars: Mapping[str, Decimal]
    lists: Mapping[str, Sequence[Entry]]
    verbatim: Mapping[str, Any]


class FileFacts:
    """A source of facts that answers what the file says."""

    def __init__(self, facts: Iterable[Mapping[str, Any]]) -> None:
        self._facts: dict[tuple[str, date], list[FileFact]] = defaultdict(list)
        self._days: dict[str, tuple[date, date]] = {}
        for fact in facts:
            ad_id, day = str(fact["ad_id"]), date.fromisoformat(fact["date"])
            self._facts[ad_id, day].append(_fact(fact))
            first, last = self._days.get(ad_id, (day, day))
            self._days[ad_id] = (min(first, day), max(last, day))

    def days(self, ad_id: str) -> tuple[date, date] | None:
        """Return the first and last day in the file."""
        return self._days.get(ad_id)

    def cells(self, ad_id: str, day: date, as_of: date, columns: tuple[str, ...]) -> Sequence[tuple[Values, FileFact]]:
        """Return the ad-day's facts with their values of the columns."""
        if day > as_of:
            return ()
        facts = self._facts.get((ad_id, day), ())
        return [(tuple(fact.columns.get(name, "unknown") for name in columns), fact) for fact in facts]

    def measures(self, cells: Sequence[FileFact], ask: Ask) -> Measures:
        """Sum facts up; a single one stays as it is."""
        names = dict.fromkeys(name for cell in cells for name in cell.lists)
        lists = {name: _joined([cell.lists.get(name, ()) for cell in cells], ask) for name in names}
        if len(cells) == 1:
            return Measures(cells[0].scalars, lists, cells[0].verbatim)
        return Measures(_sums(cells), lists)


def _fact(fact: Mapping[str, Any]) -> FileFact:
    columns = {name: str(value) for name, value in fact.items() if name in BREAKDOWNS}
    lists = {name: [_entry(item) for item in value] for name, value in fact.items() if _is_list_metric(value)}
    others = {name: value for name, value in fact.items() if name not in _PLACE | columns.keys() | lists.keys()}
    scalars = {name: plain for name, value in others.items() if (plain := number(value)) is not None}
    return FileFact(columns, scalars, lists, {name: value for name, value in others.items() if name not in scalars})


def _is_list_metric(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, Mapping) and "values" not in item and not isinstance(item.get("value"), list) for item in value
    )


def _entry(item: Mapping[str, Any]) -> Entry:
    figures: Windows = {}
    for name, value in item.items():
        plain = number(value) if name == "value" or name in WINDOWS else None
        if plain is not None:
            figures[name] = plain
    return Entry({name: str(value) for name, value in item.items() if name not in figures}, figures)


def _sums(cells: Sequence[FileFact]) -> dict[str, Number]:
    found: dict[str, Number] = {}
    for cell in cells:
        for name, value in cell.scalars.items():
            if name in UNIQUE:
                found[name] = max(found.get(name, value), value)
            elif name not in _RATIOS:
                found[name] = found[name] + value if name in found else value
    return found


def _joined(lists: Sequence[Sequence[Entry]], ask: Ask) -> list[Entry]:
    """Join list metrics by the asked labels; one list whose labels were all asked for stays as it is."""
    entries = [entry for entries in lists for entry in entries]
    wanted = (
        {*ask.action_breakdowns, "action_type"}
        if "action_type" in ask.action_breakdowns
        else set(ask.action_breakdowns)
    )
    present = [found for found in lists if found]
    if len(present) == 1 and all(_asked(entry, wanted) for entry in entries):
        return entries
    joined: dict[tuple[tuple[str, str], ...], Windows] = {}
    for entry in entries:
        key = tuple((name, value) for name, value in entry.labels.items() if name in wanted)
        joined[key] = _plus(joined.get(key, {}), entry.windows)
    return [Entry(dict(key), figures) for key, figures in joined.items()]


def _asked(entry: Entry, wanted: set[str]) -> bool:
    return all(name in wanted or not name.startswith("action_") for name in entry.labels)


def _plus(known: Windows, more: Windows) -> Windows:
    return known | {name: known[name] + value if name in known else value for name, value in more.items()}


def read_world(path: Path) -> World:
    """Read a world from a JSON file; numbers keep every digit."""
    return build_world(json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal))


def build_world(document: Mapping[str, Any]) -> World:
    """Build a world from the document described above."""
    accounts = [_account(data) for data in document.get("accounts", ())]
    nodes: dict[str, Node] = {}
    for kind, section in (("campaign", "campaigns"), ("adset", "adsets"), ("ad", "ads"), ("creative", "creatives")):
        nodes |= indexed(_node(kind, data, nodes) for data in document.get(section, ()))
    return World(
        businesses={business.id: business for business in _businesses(document.get("businesses", ()), accounts)},
        accounts={node.account_id: node for node in accounts},
        nodes=nodes,
        facts=FileFacts(document.get("facts", ())),
        mutations=tuple(document.get("mutations", ())),
    )


def _account(given: Data) -> Node:
    digits = str(given.get("account_id") or given["id"]).removeprefix("act_")
    defaults = {"account_status": 1, "timezone_name": "UTC", "currency": "USD", "name": f"Account {digits}"}
    data = {**defaults, **_plain(given), "id": f"act_{digits}", "account_id": digits}
    return Node("account", data["id"], data, account_id=digits)


def _node(kind: str, given: Data, known: Mapping[str, Node]) -> Node:
    adset = known.get(str(given.get("adset_id", "")))
    campaign = known.get(str(given.get("campaign_id") or (adset.campaign_id if adset else "")))
    parent = adset or campaign
    places: dict[str, str] = {
        "account_id": str(given.get("account_id") or (parent.account_id if parent else "")).removeprefix("act_"),
        "campaign_id": campaign.id if campaign else "",
        "adset_id": adset.id if adset else "",
    }
    defaults: Data = {"status": "ACTIVE"}
    if kind != "creative":
        status = given.get("effective_status", given.get("status", "ACTIVE"))
        defaults |= {"status": status, "configured_status": status, "effective_status": status}
    data = {**defaults, **_plain(given), **{name: value for name, value in places.items() if value}}
    return Node(kind, str(given["id"]), data | {"id": str(given["id"])}, *places.values())


def _plain(value: Any) -> Any:
    """Turn exact decimals of object fields back into JSON numbers."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _businesses(given: Iterable[Data], accounts: Sequence[Node]) -> Iterable[Business]:
    for data in given:
        business = str(data["id"])
        named = [node.account_id for node in accounts if str(node.data.get("business", {}).get("id")) == business]
        owned = tuple(map(str, data.get("owned", named)))
        yield Business(business, str(data.get("name", business)), owned, tuple(map(str, data.get("clients", ()))))
