"""Owns the rows of a query: which objects, slices and cells meet, and what each row prints; pure but for its cache."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import localcontext
from typing import Any

from sandbox import metrics, periods
from sandbox.asset_values import asset_value
from sandbox.breakdown_names import ASSETS, HOURLY
from sandbox.digest import pick
from sandbox.facts import Ask, Measures, Values
from sandbox.field_names import UNIQUE
from sandbox.figures import number
from sandbox.filtering import Condition
from sandbox.periods import Span
from sandbox.query import Query
from sandbox.seeded_objects import attribution_setting
from sandbox.world import HIDDEN, LEVELS, Node, World

Row = dict[str, Any]
Mutate = Callable[[Node, Row, Sequence[str]], Sequence[Row]]
"""Turns one row of an object, asked with these fields, into the rows to serve."""

_DMA_ENDED = date(2026, 6, 22)
_RESULT_OF = {
    "OUTCOME_SALES": "offsite_conversion.fb_pixel_purchase",
    "OUTCOME_LEADS": "offsite_conversion.fb_pixel_lead",
    "OUTCOME_TRAFFIC": "link_click",
    "OUTCOME_APP_PROMOTION": "mobile_app_install",
    "OUTCOME_ENGAGEMENT": "post_engagement",
}
_PRECISION = 60
_RANKINGS = ("ABOVE_AVERAGE", "AVERAGE", "BELOW_AVERAGE_35", "UNKNOWN")


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Every row of a query at one moment, with the summary when one was asked for."""

    rows: list[Row]
    summary: Row | None = None


@dataclass(slots=True)
class _Group:
    """The cells of one row to be."""

    node: Node
    span: Span
    values: Values
    cells: list[Any] = field(default_factory=list)
    indicators: set[str] = field(default_factory=set)


def evaluate(world: World, query: Query, as_of: date, mutate: Mutate | None = None) -> Evaluated:
    """Return all rows of a query as known on the account's day `as_of`, in no promised order."""
    with localcontext() as context:
        context.prec = _PRECISION
        return _Evaluation(world, query, as_of, mutate).run()


class _Evaluation:
    def __init__(self, world: World, query: Query, as_of: date, mutate: Mutate | None) -> None:
        self.world, self.query, self.as_of, self.mutate = world, query, as_of, mutate
        root = world.find(query.object_id)
        if root is None:
            raise LookupError(query.object_id)
        self.root = root
        self.conditions = query.conditions()
        self.wanted = metrics.bases((*query.fields, *(query.summary or ())))
        self.keys = metrics.printed_windows(query.windows)
        self.withheld = withheld(query, as_of)

    def run(self) -> Evaluated:
        groups = self._limited(self._groups()) if self._has_rows() else []
        pairs = [(group, self._row(group)) for group in groups]
        kept = [(group, row) for group, row in pairs if self._passes(row, self.conditions)]
        rows = [served for group, row in kept for served in self._served(group.node, self._shown(row))]
        if self.query.sort:
            rows.sort(key=_sort_key(self.query.sort), reverse=self.query.sort.endswith("_descending"))
        return Evaluated(rows, self._summary(pairs) if self.query.summary else None)

    def _limited(self, groups: Iterable[_Group]) -> list[_Group]:
        """Keep so many products of an object and a slice as product_id_limit allows (2.2)."""
        limit = self.query.product_id_limit
        if limit is None or "product_id" not in self.query.breakdowns:
            return list(groups)
        seen: Counter[tuple[str, Span]] = Counter()
        kept = []
        for group in groups:
            seen[group.node.id, group.span] += 1
            if seen[group.node.id, group.span] <= limit:
                kept.append(group)
        return kept

    def _has_rows(self) -> bool:
        closed = self.world.closed_breakdowns.get(self.root.account_id, frozenset())
        gone = "dma" in self.query.breakdowns and self.as_of >= _DMA_ENDED
        return not gone and not closed & frozenset(self.query.breakdowns)

    def _groups(self) -> Iterator[_Group]:
        ads = self._contributors()
        for whole in self.query.spans:
            for span in periods.slices(whole, self.query.increment):
                yield from self._grouped(ads, span)

    def _contributors(self) -> list[tuple[Node, Node]]:
        """Return every ad that counts, with the object of the level whose row it counts in."""
        found = []
        for ad in self.world.under(self.root, "ad"):
            owner = self._owner(ad, self.query.level)
            if owner is not None and self._visible(owner) and self._accepted(ad):
                found.append((ad, owner))
        return found

    def _owner(self, ad: Node, level: str) -> Node | None:
        return _above(self.world, ad, level)

    def _visible(self, owner: Node) -> bool:
        """Apply graph-api.md 2.10: by own id always; from the account unless something is filtered; else live ones."""
        if owner.id == self.root.id or owner.status not in HIDDEN:
            return True
        if any(condition.on_status for condition in self.conditions):
            return True
        return self.root.kind == "account" and not self.conditions

    def _accepted(self, ad: Node) -> bool:
        owners = ((item, self._owner(ad, item.level)) for item in self.conditions if item.on_object)
        return all(owner is not None and item.accepts_object(owner) for item, owner in owners)

    def _grouped(self, ads: Sequence[tuple[Node, Node]], span: Span) -> Iterator[_Group]:
        groups: dict[tuple[str, Values], _Group] = {}
        for ad, owner in ads:
            for day in self._days(ad, span):
                for values, cell in self.world.facts.cells(ad.id, day, self.as_of, self.query.breakdowns):
                    group = groups.get((owner.id, values))
                    if group is None:
                        group = groups[owner.id, values] = _Group(owner, span, values)
                    group.cells.append(cell)
                    group.indicators.add(_RESULT_OF.get(self._objective(ad), ""))
        yield from groups.values()

    def _objective(self, ad: Node) -> str:
        campaign = self.world.nodes.get(ad.campaign_id)
        return str(campaign.data.get("objective", "")) if campaign else ""

    def _days(self, ad: Node, span: Span) -> Iterator[date]:
        active = self.world.facts.days(ad.id)
        if active is None:
            return
        first = max(span.since, active[0], _retained(self.query, self.as_of))
        last = min(span.until, active[1], self.as_of)
        if first <= last:
            yield from periods.days(Span(first, last))

    def _row(self, group: _Group) -> Row:
        """Return every value that fields, conditions or sorting may look at."""
        names = (*self.query.fields, *(item.attribute for item in self.conditions if not item.on_object))
        names += (self._sort_field(),) if self.query.sort else ()
        indicator = next(iter(group.indicators)) if len(group.indicators) == 1 else ""
        row = _labels(self.world, group.node, self.query.fields)
        row |= self._metrics(
            group.cells, names, (group.node.id, str(group.span.since), *map(str, group.values)), indicator
        )
        row |= {"date_start": group.span.since.isoformat(), "date_stop": group.span.until.isoformat()}
        columns = zip(self.query.breakdowns, group.values, strict=True)
        return row | {name: _column(name, value) for name, value in columns if value is not None}

    def _sort_field(self) -> str:
        return self.query.sort.rpartition("_")[0].partition(":")[0]

    def _metrics(self, cells: Sequence[Any], names: Sequence[str], key: tuple[str, ...], indicator: str) -> Row:
        ask = Ask(self.query.action_breakdowns, self.wanted, (*key, *self.query.breakdowns))
        measures = self._hourly(self.world.facts.measures(cells, ask))
        printer = metrics.Printer(self.keys, indicator)
        found = {name: printer.value(measures, name) for name in names if name not in self.withheld}
        return {name: value for name, value in found.items() if value is not None}

    def _hourly(self, measures: Measures) -> Measures:
        """Under hourly breakdowns unique metrics come back 0 (2.6.2 rule 4)."""
        if not HOURLY.intersection(self.query.breakdowns):
            return measures
        zeros = dict.fromkeys(UNIQUE & {"reach", "frequency", "unique_clicks", "unique_inline_link_clicks"}, "0")
        return replace(measures, verbatim={**measures.verbatim, **zeros})

    def _passes(self, row: Row, conditions: Sequence[Condition]) -> bool:
        return all(condition.accepts_row(row) for condition in conditions if not condition.on_object)

    def _shown(self, row: Row) -> Row:
        shown = {*self.query.fields, *self.query.breakdowns, "date_start", "date_stop"}
        return {name: value for name, value in row.items() if name in shown}

    def _served(self, node: Node, row: Row) -> Sequence[Row]:
        return (row,) if self.mutate is None else self.mutate(node, row, self.query.fields)

    def _summary(self, pairs: Sequence[tuple[_Group, Row]]) -> Row:
        """Total over all rows; conditions that do not change the summary are passed over (2.9)."""
        deciding = [condition for condition in self.conditions if condition.changes_summary]
        cells = [cell for group, row in pairs if self._passes(row, deciding) for cell in group.cells]
        whole = {"date_start": str(self.query.spans[0].since), "date_stop": str(self.query.spans[-1].until)}
        if not cells:
            return whole
        return whole | self._metrics(cells, self.query.summary or (), ("summary", self.root.id), "")


def _labels(world: World, node: Node, fields: Sequence[str]) -> Row:
    """Return the identity columns that the row's level knows."""
    found = {name: _label(world, node, name) for name in fields if name in _LABELS}
    return {name: value for name, value in found.items() if value is not None}


_LABELS = {
    **{f"{level}_{attribute}": (level, attribute) for level in LEVELS for attribute in ("id", "name")},
    "account_currency": ("account", "currency"),
    "objective": ("campaign", "objective"),
    "buying_type": ("campaign", "buying_type"),
    "optimization_goal": ("adset", "optimization_goal"),
    "attribution_setting": ("adset", ""),
    **dict.fromkeys(("quality_ranking", "engagement_rate_ranking", "conversion_rate_ranking"), ("ad", "")),
    "created_time": ("", "created_time"),
    "updated_time": ("", "updated_time"),
    "adset_start": ("adset", "start_time"),
    "adset_end": ("adset", "end_time"),
}


def _label(world: World, node: Node, name: str) -> str | None:
    level, attribute = _LABELS[name]
    owner = _above(world, node, level or node.kind)
    if owner is None:
        return None
    if name == "account_id":
        return owner.account_id
    if name == "attribution_setting":
        return attribution_setting(owner) if "attribution_spec" in owner.data else owner.data.get(name)
    if name.endswith("_ranking"):
        return pick(_RANKINGS, owner.id, name)
    value = owner.data.get(attribute)
    return None if value is None else str(value)[:10] if attribute.endswith("_time") else str(value)


def _above(world: World, node: Node, level: str) -> Node | None:
    if level == "account":
        return world.accounts.get(node.account_id)
    return world.nodes.get(node.parent_id(level))


def _column(name: str, value: str) -> Any:
    return asset_value(name, value) if name in ASSETS else value


def withheld(query: Query, as_of: date) -> frozenset[str]:
    """Return the unique-count fields that a breakdown with a start beyond 13 months loses (2.3)."""
    first = min(span.since for span in query.spans)
    too_old = first < periods.months_before(as_of, periods.UNIQUE_MONTHS)
    return UNIQUE if query.breakdowns and too_old else frozenset()


def _retained(query: Query, as_of: date) -> date:
    """Return the oldest day whose rows exist under the query's breakdowns (2.3)."""
    if HOURLY.intersection(query.breakdowns):
        return periods.months_before(as_of, periods.UNIQUE_MONTHS)
    if "frequency_value" in query.breakdowns:
        return periods.months_before(as_of, periods.FREQUENCY_MONTHS)
    return periods.oldest(as_of)


def _sort_key(sort: str) -> Callable[[Row], Any]:
    name, _, action = sort.rpartition("_")[0].partition(":")

    def key(row: Mapping[str, Any]) -> Any:
        value = row.get(name)
        if isinstance(value, list):
            value = next((item.get("value") for item in value if item.get("action_type") == action), None)
        plain = number(value)
        return (0, plain, "") if plain is not None else (1 if value else 0, number("0"), str(value or ""))

    return key
