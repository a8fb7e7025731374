"""Owns how a question about one slice is made smaller: its entities by halves, then its fields by halves. Pure.

A part splits into children that together are exactly the part, whatever objects there are in truth: of a list of
candidates one child asks for the first half (`IN`) and the other for everything else (`NOT_IN`), so that a list with
gaps, or with objects long gone, costs calls and never rows. Rungs: campaigns, ad sets, ads, as far down as the report's
level; then the fields, de-duplicated metrics apart from the others first (graph-api 2.13, design 6). Parts of entities
are put one after the other, parts of fields are joined by key; nothing is ever added up.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from schemas.insights_fields import FIELDS
from schemas.reports import LEVELS, Filter, Report

MOST_IDS = 500
"""Ids in one filter; longer lists are several filters (code 105: too many parameters, graph-api 2.12)."""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What a question asks less than its report: further filters, and which fields beside the key (None: all)."""

    filters: tuple[Filter, ...] = ()
    fields: tuple[str, ...] | None = None

    def of(self, report: Report) -> Report:
        """The report that asks only this: its own filters kept, the key always asked."""
        if self == EVERYTHING:
            return report
        filters = (*report.asked_filtering, *self.filters)
        return replace(report, filtering=filters, fields=self.fields or report.fields)

    def as_data(self) -> dict[str, Any]:
        """As plain data, to be remembered."""
        fields = None if self.fields is None else list(self.fields)
        return {"filters": [entry.as_data() for entry in self.filters], "fields": fields}

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Narrowing":
        """What `as_data` wrote."""
        filters = tuple(Filter.of(entry["field"], entry["operator"], entry["value"]) for entry in data["filters"])
        return cls(filters, None if data["fields"] is None else tuple(data["fields"]))

    def in_words(self) -> str:
        """What it asks for, for a reason or a message: long lists are counted."""
        words = [_in_words(entry) for entry in self.filters]
        words += [f"fields {_listed(self.fields)}"] if self.fields is not None else []
        return ", ".join(words) or "everything"


EVERYTHING = Narrowing()


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a slice, on its way down the ladder.

    `above` are the filters of the rungs passed. On the rung `level` it asks for the objects `ids` (`closed`), or for
    all but `without`, of which `ids` are known or guessed (None: not yet looked up). `asked`: the ids come fresh from
    Meta. `level` is None above the first rung and below the last.
    """

    above: tuple[Filter, ...] = ()
    level: str | None = None
    ids: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()
    closed: bool = False
    asked: bool = False
    fields: tuple[str, ...] | None = None

    @property
    def narrowing(self) -> Narrowing:
        """What is asked."""
        return Narrowing((*self.above, *self._own()), self.fields)

    def left_in_words(self) -> str:
        """The objects that a part which asks for all but some has left, as far as they are known."""
        return "" if self.closed or not self.ids else f"{self.level}.id {_listed(self.ids)}"

    def _own(self) -> tuple[Filter, ...]:
        if self.level is None:
            return ()
        if self.closed:
            return (_ids(self.level, "IN", self.ids or ()),)
        lots = (self.without[at : at + MOST_IDS] for at in range(0, len(self.without), MOST_IDS))
        return tuple(_ids(self.level, "NOT_IN", lot) for lot in lots)


def part_of(narrowing: Narrowing) -> Part:
    """A remembered narrowing as a part that can be split on, should it have become too large."""
    levels = [entry.field.partition(".")[0] for entry in narrowing.filters]
    if not levels:
        return Part(fields=narrowing.fields)
    above = tuple(entry for entry, level in zip(narrowing.filters, levels, strict=True) if level != levels[-1])
    own = [entry for entry, level in zip(narrowing.filters, levels, strict=True) if level == levels[-1]]
    ids = tuple(name for entry in own for name in json.loads(entry.value))
    if own[-1].operator == "IN":
        return Part(above, levels[-1], ids, closed=True, fields=narrowing.fields)
    return Part(above, levels[-1], None, ids, fields=narrowing.fields)


def rungs(report: Report) -> tuple[str, ...]:
    """The levels by whose objects a report can be divided: from campaigns down to its own."""
    return LEVELS[1 : LEVELS.index(report.level) + 1]


def wanted_ids(part: Part, report: Report) -> str | None:
    """The level of the ids that the part must know before it can be split; None if it can be."""
    if part.fields is not None:
        return None
    rung = _descended(part, report) if _is_spent(part) else part
    return rung.level if rung.level is not None and rung.ids is None else None


def with_ids(part: Part, report: Report, ids: Iterable[str], *, asked: bool) -> Part:
    """The part, on the rung that `wanted_ids` named, knowing these ids; those it asks without do not count.

    Ids that are not `asked` from Meta just now are guesses: where none is left, ids are wanted still.
    """
    rung = _descended(part, report) if _is_spent(part) else part
    left = tuple(sorted(set(ids) - set(rung.without), key=_by_number))
    return replace(rung, ids=left if left or asked else None, asked=asked)


def split(part: Part, report: Report) -> tuple[Part, Part] | None:
    """Two parts that together are the part; None at the floor. A part that wants ids is given them before.

    A part whose ids led nowhere is split by its fields.
    """
    if part.fields is None and part.level is not None and part.ids:
        found = _by_ids(part.level, part.ids, part)
        if found is not None:
            return found
    return _by_fields(part, report)


def _by_ids(level: str, ids: tuple[str, ...], part: Part) -> tuple[Part, Part] | None:
    if len(ids) == 1 and (part.closed or part.asked):
        return None
    half = min(max(1, len(ids) // 2), MOST_IDS)
    first, rest = ids[:half], ids[half:]
    one = Part(part.above, level, first, closed=True, asked=part.asked)
    if part.closed:
        return one, Part(part.above, level, rest, closed=True, asked=part.asked)
    without = (*part.without, *first)
    return one, Part(part.above, level, rest or _unknown(part), without, asked=part.asked)


def _unknown(part: Part) -> tuple[str, ...] | None:
    """What is known of the others when every candidate has gone: nothing, or, when the list was fresh, that none is."""
    return () if part.asked else None


def _is_spent(part: Part) -> bool:
    """Whether the part's rung can divide it no further."""
    if part.level is None:
        return True
    if part.ids is None:
        return False
    return len(part.ids) <= 1 and (part.closed or part.asked)


def _descended(part: Part, report: Report) -> Part:
    """The same part on the next rung; below the last, as it is."""
    levels = rungs(report)
    at = levels.index(part.level) + 1 if part.level else 0
    if at == len(levels):
        return part
    return Part(part.narrowing.filters, levels[at])


def _by_fields(part: Part, report: Report) -> tuple[Part, Part] | None:
    fields = metrics(report) if part.fields is None else part.fields
    first, rest = _halves(fields)
    if not first or not rest:
        return None
    return replace(part, fields=first), replace(part, fields=rest)


def _halves(fields: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """De-duplicated metrics apart from the others where both are there; elsewise the halves."""
    unique = tuple(name for name in fields if name in FIELDS and FIELDS[name].unique)
    others = tuple(name for name in fields if name not in unique)
    if unique and others:
        return others, unique
    half = len(fields) // 2
    return tuple(fields[:half]), tuple(fields[half:])


def metrics(report: Report) -> tuple[str, ...]:
    """The fields that may stand in one part or another: all but those of the key, which ride along in every part."""
    return tuple(name for name in report.requested_fields if name not in report.required_fields)


def _ids(level: str, operator: str, ids: Sequence[str]) -> Filter:
    return Filter.of(f"{level}.id", operator, list(ids))


def _by_number(text: str) -> tuple[int, str]:
    return len(text), text


def _in_words(entry: Filter) -> str:
    value = json.loads(entry.value)
    return f"{entry.field} {entry.operator} {_listed(value) if isinstance(value, list) else value}"


def _listed(names: Sequence[str]) -> str:
    shown = 3
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"{', '.join(map(str, names[:shown]))}{more}"
