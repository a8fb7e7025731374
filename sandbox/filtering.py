"""Owns `filtering` (graph-api.md 2.9): reading the conditions and applying them to objects and to rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.faults import invalid
from sandbox.field_names import NUMERIC, ROW_COLUMNS
from sandbox.figures import number
from sandbox.parameters import Parameters, structure
from sandbox.world import LEVELS, Node

_ATTRIBUTES = {
    "id",
    "name",
    "effective_status",
    "status",
    "objective",
    "buying_type",
    "optimization_goal",
    "updated_time",
    "created_time",
    "delivery_info",
    "configured_status",
}
_LISTS = {"IN", "NOT_IN", "IN_RANGE", "NOT_IN_RANGE", "ANY", "ALL", "NONE", "CONTAINS_ANY", "NOT_CONTAINS_ANY"}
_NUMERIC = {"GREATER_THAN", "GREATER_THAN_OR_EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL", "IN_RANGE", "NOT_IN_RANGE"}
_RANGE = 2

Test = Callable[[Any, Any], bool]
_TESTS: dict[str, Test] = {
    "EQUAL": lambda have, want: have == want,
    "NOT_EQUAL": lambda have, want: have != want,
    "IN": lambda have, want: have in want,
    "ANY": lambda have, want: have in want,
    "NOT_IN": lambda have, want: have not in want,
    "NONE": lambda have, want: have not in want,
    "GREATER_THAN": lambda have, want: have > want,
    "AFTER": lambda have, want: have > want,
    "GREATER_THAN_OR_EQUAL": lambda have, want: have >= want,
    "ON_OR_AFTER": lambda have, want: have >= want,
    "LESS_THAN": lambda have, want: have < want,
    "BEFORE": lambda have, want: have < want,
    "LESS_THAN_OR_EQUAL": lambda have, want: have <= want,
    "ON_OR_BEFORE": lambda have, want: have <= want,
    "IN_RANGE": lambda have, want: want[0] <= have <= want[1],
    "NOT_IN_RANGE": lambda have, want: not want[0] <= have <= want[1],
    "CONTAIN": lambda have, want: want.lower() in have.lower(),
    "NOT_CONTAIN": lambda have, want: want.lower() not in have.lower(),
    "CONTAINS_ANY": lambda have, want: any(word.lower() in have.lower() for word in want),
    "NOT_CONTAINS_ANY": lambda have, want: not any(word.lower() in have.lower() for word in want),
    "STARTS_WITH": lambda have, want: have.lower().startswith(want.lower()),
    "ENDS_WITH": lambda have, want: have.lower().endswith(want.lower()),
}
_SUMMARY_BLIND = {"STARTS_WITH", "CONTAIN"}


@dataclass(frozen=True, slots=True)
class Condition:
    """One entry of `filtering`; `level` is '' for a metric or a breakdown column without a prefix."""

    level: str
    attribute: str
    operator: str
    value: Any

    @property
    def on_object(self) -> bool:
        """Tell whether objects decide, not the row's own numbers."""
        return bool(self.level) and self.attribute in _ATTRIBUTES

    @property
    def on_status(self) -> bool:
        """Tell whether it names statuses, which shows archived and deleted objects."""
        return self.attribute in {"effective_status", "delivery_info", "status", "configured_status"}

    @property
    def changes_summary(self) -> bool:
        """Tell whether totals follow it: STARTS_WITH and CONTAIN do not change the summary."""
        return self.operator not in _SUMMARY_BLIND

    def accepts_object(self, node: Node) -> bool:
        """Judge an object of the condition's level."""
        have = node.data.get(self.attribute)
        if self.attribute == "delivery_info":
            return self._test(node.status.lower(), _lowered(self.value))
        if self.attribute.endswith("_time"):
            have = datetime.fromisoformat(have).timestamp() if have else 0
            return self._test(have, _moment(self.value))
        return self._test(str(have or ""), _texts(self.value))

    def accepts_row(self, row: Mapping[str, Any]) -> bool:
        """Judge a printed row; an absent metric is 0 and an absent column is ''."""
        have = row.get(self.attribute, "")
        if self.attribute in NUMERIC:
            return self._test(number(have) or 0, _numbers(self.value))
        return self._test(str(have), _texts(self.value))

    def _test(self, have: Any, want: Any) -> bool:
        return _TESTS[self.operator](have, want)


def conditions(parameters: Parameters, default_level: str) -> tuple[Condition, ...]:
    """Read the parameter; anything that it cannot mean is code 100."""
    entries = structure(parameters, "filtering")
    if entries is None:
        return ()
    if not isinstance(entries, list):
        raise invalid("Param filtering must be an array.")
    return tuple(_condition(entry, default_level) for entry in entries)


def _condition(entry: Any, default_level: str) -> Condition:
    if not isinstance(entry, dict) or not {"field", "operator", "value"} <= entry.keys():
        raise invalid("Param filtering entries must have field, operator and value")
    field, operator, value = str(entry["field"]), str(entry["operator"]), entry["value"]
    level, _, attribute = field.rpartition(".")
    level = {"adgroup": "ad", "": ""}.get(level, level)
    if operator not in _TESTS:
        raise invalid(f"Filtering operator {operator} is not valid")
    if level not in {"", *LEVELS} or attribute not in _ATTRIBUTES | NUMERIC | ROW_COLUMNS:
        raise invalid(f"Filtering field '{field}' with operation '{operator.lower()}' is not supported")
    if (operator in _LISTS) != isinstance(value, list):
        raise invalid(f"Filtering value for operator {operator} has the wrong type")
    _check_numbers(field, attribute, operator, value)
    return Condition(level or (default_level if attribute in _ATTRIBUTES else ""), attribute, operator, value)


def _check_numbers(field: str, attribute: str, operator: str, value: Any) -> None:
    numeric = attribute in NUMERIC or (operator in _NUMERIC and not attribute.endswith("_time"))
    items = value if isinstance(value, list) else [value]
    if numeric and any(number(item) is None for item in items):
        raise invalid(f"Filtering value of {field} must be a number")
    if operator in {"IN_RANGE", "NOT_IN_RANGE"} and len(items) != _RANGE:
        raise invalid(f"Filtering operator {operator} needs two values")


def _texts(value: Any) -> Any:
    return [str(item) for item in value] if isinstance(value, list) else str(value)


def _lowered(value: Any) -> Any:
    return [str(item).lower() for item in value] if isinstance(value, list) else str(value).lower()


def _numbers(value: Any) -> Any:
    return [number(item) for item in value] if isinstance(value, list) else number(value)


def _moment(value: Any) -> Any:
    if isinstance(value, list):
        return [_moment(item) for item in value]
    plain = number(value)
    return float(plain) if plain is not None else datetime.fromisoformat(str(value)).timestamp()
