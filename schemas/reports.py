"""Owns what a report is: its grain, what it asks for, and the hashes by which it is remembered.

Refuses to judge: whether a report is legal is `schemas/legality.py`, which tables it fills `schemas/ads_insights.py`.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from schemas.breakdowns import BREAKDOWNS, IMPLICIT, MONTHS_KEPT, fields_given_with, refusing
from schemas.insights_fields import FIELDS, InsightField, Shape

LEVELS = ("account", "campaign", "adset", "ad")
"""From the top down."""
MODES = ("auto", "async", "sync")
MONTHLY = "monthly"
ALL_DAYS = "all_days"

KEY_IDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {level: ("account_id", *(f"{name}_id" for name in LEVELS[1 : place + 1])) for place, level in enumerate(LEVELS)}
)
"""The ids that make a row of the level: `account_id` and every id from campaign down."""

UNASKED = ("date_start", "date_stop")
"""Stand in every row whatever is asked."""

CONSTANTS: Mapping[str, object] = MappingProxyType({"use_unified_attribution_setting": True})
"""Parameters that every question carries; they belong to the definition because they decide the numbers."""

_SET_OPERATORS = frozenset({"IN", "NOT_IN", "CONTAINS_ANY", "CONTAINS_ALL", "NOT_CONTAINS_ANY", "ANY", "ALL", "NONE"})
_ACTION_SHAPES = (Shape.ACTIONS, Shape.HISTOGRAM)

_STATUSES = ("ACTIVE", "PAUSED", "DELETED", "ARCHIVED", "IN_PROCESS", "WITH_ISSUES")
_AD_STATUSES = ("PENDING_REVIEW", "DISAPPROVED", "PREAPPROVED", "PENDING_BILLING_INFO", "ADSET_PAUSED")
EVERY_STATUS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "campaign": _STATUSES,
        "adset": (*_STATUSES, "CAMPAIGN_PAUSED"),
        "ad": (*_STATUSES, "CAMPAIGN_PAUSED", *_AD_STATUSES),
    }
)
"""All effective statuses of a level: asked for by name, because archived and deleted objects are left out elsewise."""

_DEFAULTS = """
    account_currency account_name campaign_name adset_name ad_name attribution_setting objective optimization_goal
    impressions reach frequency clicks unique_clicks inline_link_clicks inline_post_engagement spend cpc cpm cpp ctr
    actions action_values cost_per_action_type conversions conversion_values
    outbound_clicks outbound_clicks_ctr purchase_roas website_purchase_roas
    video_play_actions video_thruplay_watched_actions video_p25_watched_actions video_p50_watched_actions
    video_p75_watched_actions video_p95_watched_actions video_p100_watched_actions video_avg_time_watched_actions
    results cost_per_result
"""
_DEFAULT_FIELDS = tuple(_DEFAULTS.split())
_FROM_LEVEL = {"objective": "campaign", "optimization_goal": "adset"}


@dataclass(frozen=True, slots=True)
class Filter:
    """One entry of `filtering`; `value` is canonical JSON, so that equal questions are equal values."""

    field: str
    operator: str
    value: str

    @classmethod
    def of(cls, field: str, operator: str, value: object) -> "Filter":
        """The filter with its value made canonical: the members of a set are sorted."""
        if isinstance(value, list | tuple) and operator in _SET_OPERATORS:
            value = [json.loads(text) for text in sorted({_canonical(member) for member in value})]
        return cls(field, operator, _canonical(value))

    def as_data(self) -> dict[str, object]:
        """The filter as the API wants it."""
        return {"field": self.field, "operator": self.operator, "value": json.loads(self.value)}


@dataclass(frozen=True, slots=True)
class Grain:
    """What one row stands for. Two reports with the same grain can be joined row by row."""

    level: str
    breakdowns: frozenset[str]
    action_breakdowns: frozenset[str]
    time_increment: int | str
    filtering: frozenset[Filter]

    def as_data(self) -> dict[str, object]:
        """The grain as plain data, in one order whatever the order it was declared in."""
        return {
            "level": self.level,
            "breakdowns": sorted(self.breakdowns),
            "action_breakdowns": sorted(self.action_breakdowns),
            "time_increment": self.time_increment,
            "filtering": sorted(_canonical(entry.as_data()) for entry in self.filtering),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """A named question to ads insights, in the API's own words.

    `fields` left empty means a sound default for the level and the breakdowns; `action_breakdowns` empty means no
    split of the actions; no windows means the API's default, which is the column `value` in any case.
    """

    name: str
    level: str
    fields: tuple[str, ...] = ()
    breakdowns: tuple[str, ...] = ()
    action_breakdowns: tuple[str, ...] = ("action_type",)
    action_attribution_windows: tuple[str, ...] = ()
    time_increment: int | str = 1
    filtering: tuple[Filter, ...] = ()
    mode: str = "auto"

    @property
    def grain(self) -> Grain:
        """What one row stands for."""
        return Grain(
            self.level,
            frozenset(self.breakdowns),
            frozenset(self.action_breakdowns),
            self.time_increment,
            frozenset(self.filtering),
        )

    @property
    def grain_hash(self) -> str:
        """The grain in 16 hex digits; the same in every process."""
        return _hash(self.grain.as_data())

    @property
    def definition_hash(self) -> str:
        """The whole definition in 16 hex digits: grain, fields, windows, constants; neither name nor mode."""
        return _definition_hash(self)

    @property
    def required_fields(self) -> tuple[str, ...]:
        """The ids of the level, asked for whatever `fields` says."""
        return KEY_IDS[self.level]

    @property
    def configured_fields(self) -> tuple[str, ...]:
        """The fields as configured, or the default of the level when left out."""
        return self.fields or default_fields(self.level, self.breakdowns)

    @property
    def requested_fields(self) -> tuple[str, ...]:
        """What `fields` says on the wire: the ids, then the configured ones, each once; never breakdown columns."""
        names = (*self.required_fields, *self.configured_fields)
        return tuple(name for name in dict.fromkeys(names) if name not in UNASKED and name not in BREAKDOWNS)

    @property
    def asked_windows(self) -> tuple[str, ...]:
        """The attribution windows, each once, in configured order."""
        return tuple(dict.fromkeys(self.action_attribution_windows))

    @property
    def asked_filtering(self) -> tuple[Filter, ...]:
        """The filters on the wire: the configured ones, and all statuses unless a filter speaks of them already."""
        speaks = any(entry.field.endswith((".effective_status", ".delivery_info")) for entry in self.filtering)
        if speaks or self.level not in EVERY_STATUS:
            return self.filtering
        return (*self.filtering, Filter.of(f"{self.level}.effective_status", "IN", EVERY_STATUS[self.level]))

    @property
    def opt_in_breakdowns(self) -> tuple[str, ...]:
        """The breakdowns for which no rows may mean that nobody opted in."""
        return tuple(n for n in self.breakdowns if n in BREAKDOWNS and BREAKDOWNS[n].opt_in_since is not None)

    @property
    def months_kept(self) -> int:
        """How many months back Meta answers this report at all."""
        return min((BREAKDOWNS[n].months_kept for n in self.breakdowns if n in BREAKDOWNS), default=MONTHS_KEPT)

    def having(self, *shapes: Shape) -> tuple[InsightField, ...]:
        """The requested fields of these shapes, in requested order."""
        known = (FIELDS[name] for name in self.requested_fields if name in FIELDS)
        return tuple(field for field in known if field.shape in shapes)

    def parameters(self) -> dict[str, object]:
        """Everything that the call carries apart from dates and paging, as JSON values."""
        return {
            "level": self.level,
            "fields": list(self.requested_fields),
            **self._splits(),
            "time_increment": self.time_increment,
            "filtering": [entry.as_data() for entry in self.asked_filtering],
            **CONSTANTS,
        }

    def _splits(self) -> dict[str, object]:
        splits: dict[str, object] = {}
        if self.breakdowns:
            splits["breakdowns"] = list(dict.fromkeys(self.breakdowns))
        if self._must_say_action_breakdowns():
            splits["action_breakdowns"] = list(dict.fromkeys(self.action_breakdowns))
        if self.asked_windows:
            splits["action_attribution_windows"] = list(self.asked_windows)
        return splits

    def _must_say_action_breakdowns(self) -> bool:
        if frozenset(self.action_breakdowns) == IMPLICIT:
            return "actions" in self.requested_fields
        return bool(self.having(*_ACTION_SHAPES))


@lru_cache(maxsize=256)
def _definition_hash(report: Report) -> str:
    return _hash(
        {
            "grain": report.grain.as_data(),
            "fields": sorted(report.requested_fields),
            "windows": sorted(set(report.action_attribution_windows)),
            "asked": sorted(_canonical(entry.as_data()) for entry in set(report.asked_filtering)),
            "constants": dict(CONSTANTS),
        }
    )


def default_fields(level: str, breakdowns: Iterable[str] = ()) -> tuple[str, ...]:
    """A sound set of fields for the level, without those that the breakdowns refuse.

    A breakdown that gives only certain metrics, such as those of SKAdNetwork, gets these.
    """
    splits = tuple(breakdowns)
    useful = dict.fromkeys((*_DEFAULT_FIELDS, *fields_given_with(splits)))
    return tuple(name for name in useful if _useful_at(name, level) and refusing(name, splits) is None)


def _useful_at(field: str, level: str) -> bool:
    lowest = _FROM_LEVEL.get(field, LEVELS[0])
    return reaches(field, level) and LEVELS.index(lowest) <= LEVELS.index(level)


def reaches(field: str, level: str) -> bool:
    """Whether a label can be asked at the level: an ad's name says nothing about a campaign."""
    owner = next((name for name in LEVELS if field.startswith(f"{name}_")), LEVELS[0])
    return FIELDS[field].shape is not Shape.IDENTITY or LEVELS.index(owner) <= LEVELS.index(level)


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _hash(data: object) -> str:
    return hashlib.sha256(_canonical(data).encode()).hexdigest()[:16]
