"""Owns whether a report may be asked at all; every refusal names the place, the value and the nearest legal one."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from json import loads

from schemas.breakdowns import (
    ACTION_BREAKDOWNS,
    BREAKDOWNS,
    FEWER_UNIQUE_ACTIONS,
    IMPLICIT,
    NEVER_WITHHELD,
    NOT_AT_ACCOUNT_LEVEL,
    OFF_META_UNSPLIT,
    UNFILTERABLE,
    WITHOUT_OFF_META,
    fields_given_with,
    legal_together,
    nearest_action_breakdowns,
    nearest_breakdowns,
    refusing,
)
from schemas.insights_fields import FIELDS, GONE_FIELDS
from schemas.reports import ALL_DAYS, LEVELS, MODES, MONTHLY, Filter, Report, reaches
from schemas.windows import DEFAULT, VIEWS_SILENT_SINCE, WINDOWS, silent

NAME = re.compile(r"[a-z][a-z0-9_]*")
CHILD_SUFFIXES = ("_actions", "_results")
MOST_DAYS = 90

TAKEN_NAMES = frozenset(
    """
    ad_accounts campaigns adsets ads adcreatives brand_safety_impressions brand_safety_ad_set_impressions
    brand_safety_availability brand_safety_availability_history content_posts content_videos content_photos
    content_pages content_ig_media app_insights attribution_reports attribution_report_runs
    attribution_report_schedules attribution_report_columns attribution_campaigns attribution_publishers
    attribution_conversion_events attribution_rows
    """.split()  # noqa: SIM905  # a list that reads as one
)
"""The tables of the other families; no report may have their names."""

LIST_OPERATORS = ("IN", "NOT_IN", "IN_RANGE", "NOT_IN_RANGE", "CONTAINS_ANY", "CONTAINS_ALL", "NOT_CONTAINS_ANY")
SCALAR_OPERATORS = (
    "EQUAL",
    "NOT_EQUAL",
    "GREATER_THAN",
    "GREATER_THAN_OR_EQUAL",
    "LESS_THAN",
    "LESS_THAN_OR_EQUAL",
    "CONTAIN",
    "NOT_CONTAIN",
    "STARTS_WITH",
    "ENDS_WITH",
    "AFTER",
    "BEFORE",
    "ON_OR_AFTER",
    "ON_OR_BEFORE",
)
OPERATORS = (*SCALAR_OPERATORS, *LIST_OPERATORS, "STEM_MATCH", "ANY", "ALL", "NONE", "TOP")
"""Every operator of `filtering`; those in neither list above take what they are given."""


_ALSO_CALLED = {
    "amount_spent": "spend",
    "cost": "spend",
    "device": "device_platform",
    "hour": "hourly_stats_aggregated_by_advertiser_time_zone",
    "hourly": "hourly_stats_aggregated_by_advertiser_time_zone",
    "link_clicks": "inline_link_clicks",
    "placement": "platform_position",
    "platform": "publisher_platform",
    "relevance_score": "quality_ranking",
}
"""What people say in Ads Manager, or said before Meta renamed it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a report cannot be asked: the key of the configuration, its value, the reason, the nearest legal value."""

    key: str
    value: str
    reason: str
    nearest: str | None = None

    def __str__(self) -> str:
        nearest = f'; the nearest legal value is "{self.nearest}"' if self.nearest is not None else ""
        return f'{self.key}: "{self.value}" {self.reason}{nearest}'


@dataclass(frozen=True, slots=True)
class Remark:
    """What is legal but gives less than one may think."""

    key: str
    value: str
    says: str

    def __str__(self) -> str:
        return f'{self.key}: "{self.value}" {self.says}'


def refusals(report: Report, today: date | None = None) -> tuple[Refusal, ...]:
    """Everything that stands against the report; nothing if it may be asked.

    `today` decides what Meta has withdrawn by date; without it only what is illegal on every day is refused.
    """
    return (
        *_name(report.name),
        *_plain(report),
        *_unknown_splits(report),
        *_withdrawn(report, today),
        *_level_rules(report),
        *_combination(report),
        *_fields(report),
        *_filtering(report),
    )


def clashes(reports: Iterable[Report]) -> tuple[Refusal, ...]:
    """Names that several reports share."""
    counted = Counter(report.name for report in reports)
    return tuple(
        Refusal("name", name, "names more than one report", f"{name}_2") for name, times in counted.items() if times > 1
    )


def remarks(report: Report, today: date | None = None) -> tuple[Remark, ...]:
    """What a legal report should not be expected to give."""
    windows = silent(report.asked_windows, today)
    return (
        *(
            Remark("action_attribution_windows", name, f"returns nothing since {VIEWS_SILENT_SINCE.isoformat()}")
            for name in windows
        ),
        *(
            Remark("breakdowns", name, "needs an opt-in in Ads Manager: no rows mean unknown, not zero")
            for name in report.opt_in_breakdowns
            if today is None or today >= _opt_in_since(name)
        ),
        *(
            Remark("breakdowns", name, "leaves out actions that happened outside Meta")
            for name in report.breakdowns
            if name in WITHOUT_OFF_META
        ),
        *(
            Remark(key, name, "shows web actions outside Meta without its value, and none of apps")
            for key, names in (("breakdowns", report.breakdowns), ("action_breakdowns", report.action_breakdowns))
            for name in names
            if name in OFF_META_UNSPLIT
        ),
        *_withheld(report),
        *(
            Remark("fields", name, "no longer has over a hundred types of actions since 2024-10-30")
            for name in report.fields
            if name in FEWER_UNIQUE_ACTIONS
        ),
    )


def _withheld(report: Report) -> Iterator[Remark]:
    """Rule 14: a row that mixes ad sets of different attribution settings has no conversions under `default`."""
    by_default = not report.asked_windows or DEFAULT in report.asked_windows
    if by_default and report.level in {"account", "campaign"} and "actions" in report.requested_fields:
        says = f"withholds conversions where ad sets differ in their setting; {', '.join(NEVER_WITHHELD)} alone do not"
        yield Remark("action_attribution_windows", DEFAULT, says)


def nearest(value: str, legal: Iterable[str]) -> str | None:
    """The legal value that is known to be meant by this one, else the one spelled most like it."""
    plain = value.strip().lower().replace("-", "_").replace(" ", "_")
    by_plain = {name.lower(): name for name in legal}
    if (meant := _ALSO_CALLED.get(plain)) in by_plain:
        return meant
    found = get_close_matches(plain, by_plain, n=1, cutoff=0.0)
    return by_plain[found[0]] if found else None


# ---- one value at a time ----


def _name(name: str) -> Iterator[Refusal]:
    if not NAME.fullmatch(name):
        yield Refusal("name", name, "is not a table name: [a-z][a-z0-9_]*", _as_name(name))
        return
    for suffix in CHILD_SUFFIXES:
        if name.endswith(suffix):
            reason = f"ends in {suffix}, which is how the tables of list metrics are named"
            yield Refusal("name", name, reason, name.removesuffix(suffix) or None)
    if name in TAKEN_NAMES:
        yield Refusal("name", name, "is the table of another family", f"{name}_insights")


def _as_name(name: str) -> str:
    words = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")
    return words if NAME.fullmatch(words) else f"report_{words}".rstrip("_")


def _plain(report: Report) -> Iterator[Refusal]:
    if report.level not in LEVELS:
        yield Refusal("level", report.level, "is not a level", nearest(report.level, LEVELS))
    if report.mode not in MODES:
        yield Refusal("mode", report.mode, "is not a mode", nearest(report.mode, MODES))
    for name in report.asked_windows:
        if name not in WINDOWS:
            reason = "is not an attribution window"
            yield Refusal("action_attribution_windows", name, reason, nearest(name, WINDOWS))
    yield from _time_increment(report.time_increment)


def _time_increment(value: int | str) -> Iterator[Refusal]:
    reason = f"is neither a number of days from 1 to {MOST_DAYS} nor {MONTHLY} nor {ALL_DAYS}"
    if isinstance(value, str):
        if value not in (MONTHLY, ALL_DAYS):
            yield Refusal("time_increment", value, reason, _as_increment(value))
    elif not 1 <= value <= MOST_DAYS or isinstance(value, bool):
        yield Refusal("time_increment", str(value), reason, str(min(max(int(value), 1), MOST_DAYS)))


def _as_increment(value: str) -> str | None:
    if re.fullmatch(r"\d{1,9}", value):
        return str(min(max(int(value), 1), MOST_DAYS))
    spoken = {"daily": "1", "day": "1", "weekly": "7", "week": "7", "month": MONTHLY, MONTHLY: MONTHLY}
    return spoken.get(value.lower()) or nearest(value, (MONTHLY, ALL_DAYS))


def _unknown_splits(report: Report) -> Iterator[Refusal]:
    for name in report.breakdowns:
        if name not in BREAKDOWNS:
            yield _unknown("breakdowns", name, "is not a breakdown", BREAKDOWNS)
    for name in report.action_breakdowns:
        if name not in ACTION_BREAKDOWNS:
            yield _unknown("action_breakdowns", name, "is not an action breakdown", ACTION_BREAKDOWNS)


def _unknown(key: str, name: str, reason: str, legal: Iterable[str]) -> Refusal:
    """An unknown name: where it belongs if it is known elsewhere, else the one spelled most like it."""
    plain = name.strip().lower()
    places = {"breakdowns": BREAKDOWNS, "action_breakdowns": ACTION_BREAKDOWNS, "fields": FIELDS}
    legal_names = tuple(legal)
    if plain not in legal_names:
        for place, known in places.items():
            if place != key and plain in known:
                return Refusal(key, name, f"{reason}; it belongs into {place}", f"{place} = {plain}")
    return Refusal(key, name, reason, nearest(name, legal_names))


def _withdrawn(report: Report, today: date | None) -> Iterator[Refusal]:
    for name in report.breakdowns:
        gone = BREAKDOWNS[name].gone_since if name in BREAKDOWNS else None
        if gone is not None and today is not None and today >= gone:
            reason = f"is no longer supported since {gone.isoformat()}"
            yield Refusal("breakdowns", name, reason, BREAKDOWNS[name].replaced_by)


# ---- what may stand together ----


def _level_rules(report: Report) -> Iterator[Refusal]:
    if report.level != LEVELS[0]:
        return
    for key, names in (("breakdowns", report.breakdowns), ("action_breakdowns", report.action_breakdowns)):
        for name in names:
            if name in NOT_AT_ACCOUNT_LEVEL:
                yield Refusal(key, name, "is not given at level account", "level = campaign")


def _combination(report: Report) -> Iterator[Refusal]:
    rows, actions = report.breakdowns, report.action_breakdowns
    if "mmm" in rows:
        reason = "is not supported here: marketing-mix modelling comes as a CSV export, not as rows to load"
        yield Refusal("breakdowns", "mmm", reason, "country")
        return
    known = all(name in BREAKDOWNS for name in rows) and all(name in ACTION_BREAKDOWNS for name in actions)
    if not known or legal_together(rows, actions):
        return
    fitting = None if _why(rows) else nearest_action_breakdowns(rows, actions)
    if fitting is not None:
        reason = f"cannot be combined with breakdowns {_joined(rows)}"
        yield Refusal("action_breakdowns", _joined(actions), reason, _joined(fitting))
        return
    reason = f"cannot be combined{_with(actions)}{_why(rows)}"
    near = nearest_breakdowns(rows, actions)
    yield Refusal("breakdowns", _joined(rows), reason, None if near is None else _joined(near))


def _with(actions: tuple[str, ...]) -> str:
    return "" if frozenset(actions) <= IMPLICIT else f" with action breakdowns {_joined(actions)}"


def _why(rows: tuple[str, ...]) -> str:
    if "platform_position" in rows and "publisher_platform" not in rows:
        return ": platform_position goes only with publisher_platform"
    if rows == ("impression_device",):
        return ": impression_device goes only with publisher_platform or action_device"
    return ""


def _joined(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


# ---- fields and filters ----


def _fields(report: Report) -> Iterator[Refusal]:
    if report.level not in LEVELS:
        return
    for name in dict.fromkeys(report.fields):
        yield from _field(name, report)
    yield from _actions_wanted(report)


def _field(name: str, report: Report) -> Iterator[Refusal]:
    if name in GONE_FIELDS:
        yield Refusal("fields", name, "was withdrawn by Meta", nearest(name, FIELDS))
    elif name not in FIELDS:
        yield _unknown("fields", name, "is not a field of ads insights", FIELDS)
    elif not reaches(name, report.level):
        own = f"{report.level}_{name.split('_', 1)[1]}"
        reason = f"is not given at level {report.level}"
        yield Refusal("fields", name, reason, own if own in FIELDS else f"{report.level}_id")
    elif (refused := refusing(name, report.breakdowns)) is not None:
        breakdown, rule = refused
        yield Refusal("fields", name, f"cannot be combined with {breakdown}, which {rule.reason}", _given(name, report))


_NOT_UNIQUE = {"reach": "impressions", "frequency": "impressions", "cpp": "cpm"}


def _given(name: str, report: Report) -> str | None:
    """The field to ask instead: the plain count of a unique one, else the one spelled most like it."""
    plain = _NOT_UNIQUE.get(name, name.replace("unique_", ""))
    legal = fields_given_with(report.breakdowns) or tuple(
        other for other in FIELDS if refusing(other, report.breakdowns) is None and reaches(other, report.level)
    )
    return nearest(plain, legal)


def _actions_wanted(report: Report) -> Iterator[Refusal]:
    asked = frozenset(report.action_breakdowns)
    if asked - IMPLICIT and "actions" not in report.configured_fields and asked <= ACTION_BREAKDOWNS.keys():
        reason = "needs actions among the fields"
        yield Refusal("action_breakdowns", _joined(report.action_breakdowns), reason, "fields = actions")


def _filtering(report: Report) -> Iterator[Refusal]:
    for entry in report.filtering:
        yield from _filter(entry)


def _filter(entry: Filter) -> Iterator[Refusal]:
    if entry.operator not in OPERATORS:
        yield Refusal("filtering", entry.operator, "is not an operator", nearest(entry.operator, OPERATORS))
        return
    if not re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*", entry.field):
        words = re.sub(r"[^a-z0-9_.]+", "_", entry.field.lower()).strip("_.")
        yield Refusal("filtering", entry.field, "is not the name of something to filter by", words or "ad.impressions")
    if entry.field in UNFILTERABLE:
        yield Refusal("filtering", entry.field, "cannot be filtered by", "campaign.id")
    is_list = isinstance(loads(entry.value), list)
    if is_list and entry.operator in SCALAR_OPERATORS:
        yield Refusal("filtering", entry.operator, f"takes one value, not the list {entry.value}", "IN")
    if not is_list and entry.operator in LIST_OPERATORS:
        yield Refusal("filtering", entry.operator, f"takes a list, not {entry.value}", f"[{entry.value}]")


def _opt_in_since(name: str) -> date:
    return BREAKDOWNS[name].opt_in_since or date.min
