"""Owns the rows of an attribution report: what its columns are called and what stands in them. The shape is inferred.

The page does not publish it (graph-api.md 6.4 and 9, row 8): a row of `json` is keyed by the column's key, a row of
`xlsx` by its name; a column of the category attribution gives one figure for each selected metric.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from math import isqrt
from typing import Any

from sandbox.attribution_definitions import selected_metrics
from sandbox.attribution_world import COLUMNS, Cell, LineOfBusiness, cells

_BY_KEY = {column["key"]: column for column in COLUMNS}
_HIT = Decimal("0.00000001")


class Figure(str):
    """A number, letter by letter as the file shows it."""

    __slots__ = ()


Value = str | Figure | None


@dataclass(frozen=True, slots=True)
class Shown:
    """One column of the file: its label in json and in xlsx, and what it shows of a group of cells."""

    key: str
    name: str
    value: Callable[["Group"], Value]


@dataclass(slots=True)
class Group:
    """The cells that one row adds up."""

    cells: list[Cell] = field(default_factory=list)
    events: frozenset[str] | None = None

    def total(self, name: str) -> int:
        """Return the sum of a plain figure."""
        return sum(int(getattr(cell, name)) for cell in self.cells)

    def of_events(self, name: str) -> int:
        """Return the sum of a figure that each conversion event has."""
        return sum(
            value
            for cell in self.cells
            for event, value in getattr(cell, name).items()
            if self.events is None or event in self.events
        )


@dataclass(frozen=True, slots=True)
class Sheet:
    """All rows of a run with the labels of both file formats."""

    keys: tuple[str, ...]
    names: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]

    def labelled(self, file_format: str) -> list[dict[str, Value]]:
        """Return the rows as objects, keyed as the file of that format labels them."""
        labels = self.names if file_format == "xlsx" else self.keys
        return [dict(zip(labels, row, strict=True)) for row in self.rows]


def evaluate(seed: int, line: LineOfBusiness, definition: Mapping[str, Any], since: date, until: date) -> Sheet:
    """Work out a definition's rows for some days, both inclusive."""
    columns = definition["column_definitions"]
    shown = [one for column in columns for one in _shown(column)]
    dimensions = [column["key"] for column in columns if _BY_KEY[column["key"]]["aggregation_usage"] == "dimension"]
    filters = definition.get("filters", {})
    events = [entry["fb_conversion_event_id"] for entry in filters.get("fb_conversion_event_filters", [])]
    groups: dict[tuple[str, ...], Group] = {}
    for cell in _cells(seed, line, filters, since, until):
        key = tuple(_DIMENSIONS[name](cell) for name in dimensions)
        groups.setdefault(key, Group(events=frozenset(events) or None)).cells.append(cell)
    rows = tuple(tuple(one.value(group) for one in shown) for _, group in sorted(groups.items()))
    return Sheet(tuple(one.key for one in shown), tuple(one.name for one in shown), rows)


def _cells(seed: int, line: LineOfBusiness, filters: Mapping[str, Any], since: date, until: date) -> Iterator[Cell]:
    campaigns, publishers = filters.get("campaign_ids") or [], filters.get("publisher_ids") or []
    for number in range((until - since).days + 1):
        for campaign in line.campaigns:
            if campaigns and campaign["id"] not in campaigns:
                continue
            for cell in cells(seed, line, campaign, since + timedelta(days=number)):
                if not publishers or cell.publisher["id"] in publishers:
                    yield cell


def _shown(column: Mapping[str, Any]) -> Iterator[Shown]:
    known = _BY_KEY[column["key"]]
    key, name = known["key"], str(column.get("name") or known["name"])
    if known["category"] == "attribution":
        share = _SHARES[known["attribution_model"]]
        for metric in selected_metrics(column) or ("conversions",):
            yield Shown(f"{key}_{metric}", f"{name} {_BY_KEY[metric]['name']}", _credited(metric, share))
    elif known["aggregation_usage"] == "dimension":
        yield Shown(key, name, lambda group: _DIMENSIONS[key](group.cells[0]))
    else:
        yield Shown(key, name, _METRICS[key])


_DIMENSIONS: dict[str, Callable[[Cell], str]] = {
    "campaign_name": lambda cell: str(cell.campaign["name"]),
    "campaign_id": lambda cell: str(cell.campaign["id"]),
    "device_type": lambda cell: cell.device,
    "publisher_name": lambda cell: str(cell.publisher["name"]),
    "date": lambda cell: cell.day.isoformat(),
    "url_without_params": lambda cell: f"https://shop.example/{cell.campaign['alias'].lower()}",
}
_SHARES = {"last_touch": Decimal(1), "positional_based": Decimal("0.7"), "time_exponential_decay": Decimal("0.625")}


def _money(millionths: int) -> str:
    return f"{Decimal(millionths) / 1_000_000:.6f}"


def _reach(group: Group) -> int:
    """People seen: never the sum of the parts' people."""
    return isqrt(group.total("impressions") * 97) + 1


_METRICS: dict[str, Callable[[Group], Value]] = {
    "impressions": lambda group: Figure(group.total("impressions")),
    "clicks": lambda group: Figure(group.total("clicks")),
    "reach": lambda group: Figure(_reach(group)),
    "frequency": lambda group: Figure((Decimal(group.total("impressions")) / _reach(group)).quantize(_HIT)),
    "action_requests": lambda group: Figure(group.total("clicks") * 3),
    "net_media_cost": lambda group: Figure(_money(group.total("cost"))),
    "conversions": lambda group: Figure(group.of_events("conversions")),
    "mta_revenue": lambda group: Figure(_money(group.of_events("revenue"))),
    "conversions_per_1000": lambda group: _ratio(group.of_events("conversions") * 1000, group.total("impressions")),
    "cost_per_conversion": lambda group: _ratio(
        Decimal(group.total("cost")) / 1_000_000, group.of_events("conversions")
    ),
}


def _ratio(above: Decimal | int, below: int) -> Value:
    return Figure((Decimal(above) / below).quantize(_HIT)) if below else None


def _credited(metric: str, share: Decimal) -> Callable[[Group], Value]:
    """Return the metric as a model credits it; a quotient of nothing has no value."""

    def value(group: Group) -> Value:
        plain = _METRICS[metric](group)
        return None if plain is None else Figure(Decimal(plain) * share)

    return value
