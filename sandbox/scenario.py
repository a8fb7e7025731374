r"""Owns scripted deviations: rules that match calls, are counted and used up, and mutations of served rows.

A scenario is a list of rules, or an object `{"rules": [...], "refused_accounts": ["222"], "refused_fields": ["owner"],
"overload": true, "world": {"mutations": [...]}, "brand_safety": {...}}`, the last as `brand_safety_scenario` says.
A rule is one of

    {"match": {"op": "submit", "account": "111", "path": "<regular expression>", "page": 0, "nth": 2},
     "times": 1, "do": {"fault": "80000"}}
    {"mutate": {"account": "111", "ad_id": "...", "date": "2026-11-20", "set": {"impressions": "n/a"},
                "append_action": {"action_type": "like", "value": "1"}, "duplicate": true}}

`times` is 1 when missing and unlimited when null; `nth` lets a rule wait for its nth matching call; the first rule that
matches and is not used up decides. `do` holds any of: fault (a name of `faults.CATALOGUE`), reply {status, headers,
body}, cut, hang, delay, run_status (with percent, error_code, error_subcode, error_message), run_stuck_at, null_part,
empty_page, repeat_cursor, lie_content_type. On `submit`, run_status is how the run will end; on `poll`, what it is now.
A body or value may hold a lone \udcff where an octet that is no UTF-8 shall go over the wire.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.brand_safety_scenario import SafetyScenario, read_safety
from sandbox.calls import Call, Target
from sandbox.faults import CATALOGUE
from sandbox.field_names import REQUESTABLE
from sandbox.world import Node

Do = Mapping[str, Any]
Row = dict[str, Any]

_DEEDS = frozenset(
    {
        "fault",
        "reply",
        "cut",
        "hang",
        "delay",
        "run_status",
        "percent",
        "error_code",
        "error_subcode",
        "error_message",
        "error_user_title",
        "error_user_msg",
        "run_stuck_at",
        "null_part",
        "empty_page",
        "repeat_cursor",
        "lie_content_type",
    }
)
_MATCHES = frozenset({"op", "account", "path", "page", "nth"})
_NOTHING: Do = {}


class ScenarioError(ValueError):
    """The scenario says something that the sandbox does not know."""


@dataclass(slots=True)
class Rule:
    """One deviation with how often it still fires."""

    match: Mapping[str, Any]
    do: Do
    times: int | None = 1
    seen: int = 0

    def fires(self, call: Call, target: Target, page: int) -> bool:
        """Count a matching call and tell whether the rule takes it."""
        if self.times == 0 or not self._matches(call, target, page):
            return False
        self.seen += 1
        if self.seen < self.match.get("nth", 1):
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def _matches(self, call: Call, target: Target, page: int) -> bool:
        op, account = self.match.get("op", "any"), self.match.get("account")
        return (
            op in {"any", target.op}
            and (account is None or str(account) == target.account)
            and (self.match.get("page") in {None, page})
            and re.search(self.match.get("path", ""), "/" + call.path) is not None
        )


@dataclass(frozen=True, slots=True)
class Mutation:
    """A change to the rows of one object or day; see the module."""

    where: Mapping[str, str]
    change: Mapping[str, Any]

    def applies(self, node: Node, row: Row) -> bool:
        """Tell whether the row of `node` is meant."""
        return all(_column(node, row, name) == value for name, value in self.where.items())

    def apply(self, row: Row, fields: Sequence[str]) -> Row:
        """Return the changed row; known fields appear only where they were asked for."""
        changed = dict(row)
        for name, value in self.change.get("set", {}).items():
            if name not in REQUESTABLE or name in fields or name in row:
                changed[name] = value
            if value is None:
                changed.pop(name, None)
        if "append_action" in self.change:
            self._append(changed, fields)
        return changed

    def _append(self, row: Row, fields: Sequence[str]) -> None:
        element = dict(self.change["append_action"])
        name = element.pop("list", "actions")
        if name in fields:
            row[name] = [*row.get(name, []), element]


def _column(node: Node, row: Row, name: str) -> str | None:
    if name == "account":
        return node.account_id
    if name == "date":
        return str(row.get("date_start"))
    if name.endswith("_id") and name[:-3] in {"ad", "adset", "campaign"}:
        return node.parent_id(name[:-3])
    return None if row.get(name) is None else str(row[name])


@dataclass(slots=True)
class Scenario:
    """Everything scripted; `version` moves with each change so that cached rows are not reused."""

    rules: list[Rule] = field(default_factory=list)
    mutations: list[Mutation] = field(default_factory=list)
    refused_accounts: frozenset[str] = frozenset()
    refused_fields: frozenset[str] = frozenset()
    overload: bool = False
    safety: SafetyScenario = field(default_factory=SafetyScenario)
    version: int = 0
    lasting: list[Mutation] = field(default_factory=list)
    """Mutations of the world itself, which no document replaces."""

    def load(self, document: Any) -> None:
        """Replace everything by a document; raises ScenarioError for what it cannot mean."""
        whole: dict[str, Any] = {"rules": document} if isinstance(document, list) else dict(document)
        rules = [rule for rule in whole.get("rules", []) if "mutate" not in rule]
        mutations = [rule["mutate"] for rule in whole.get("rules", []) if "mutate" in rule]
        mutations += whole.get("world", {}).get("mutations", [])
        self.rules = [_rule(rule) for rule in rules]
        self.mutations = [*self.lasting, *map(mutation, mutations)]
        self.refused_accounts = frozenset(map(str, whole.get("refused_accounts", ())))
        self.refused_fields = frozenset(whole.get("refused_fields", ()))
        self.overload = bool(whole.get("overload", False))
        self.safety = read_safety(whole.get("brand_safety", {}))
        self.version += 1

    def take(self, call: Call, target: Target, page: int) -> Do:
        """Return what the first firing rule orders for this call."""
        return next((rule.do for rule in self.rules if rule.fires(call, target, page)), _NOTHING)

    def mutate(self, node: Node, row: Row, fields: Sequence[str]) -> Sequence[Row]:
        """Apply every mutation that means this row."""
        rows = [row]
        for change in self.mutations:
            if change.applies(node, row):
                rows = [change.apply(found, fields) for found in rows]
                rows *= 2 if change.change.get("duplicate") else 1
        return rows

    def report(self) -> list[dict[str, Any]]:
        """Return the rules with what is left of them."""
        return [{"match": rule.match, "do": rule.do, "left": rule.times, "seen": rule.seen} for rule in self.rules]


def _rule(document: Mapping[str, Any]) -> Rule:
    match, do = document.get("match", {}), document.get("do", {})
    for name in [*(match.keys() - _MATCHES), *(do.keys() - _DEEDS)]:
        raise ScenarioError(f"a rule does not know {name!r}")
    if "fault" in do and do["fault"] not in CATALOGUE:
        raise ScenarioError(f"no fault is called {do['fault']!r}; there are {', '.join(sorted(CATALOGUE))}")
    return Rule(match, do, document.get("times", 1))


def mutation(document: Mapping[str, Any]) -> Mutation:
    """Read one mutation: `set`, `append_action` and `duplicate` change, every other member selects."""
    change = {name: value for name, value in document.items() if name in {"set", "append_action", "duplicate"}}
    where = {name: str(value).removeprefix("act_") for name, value in document.items() if name not in change}
    return Mutation(where, change)
