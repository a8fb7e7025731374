"""Owns what `[attribution]` may say: report definitions, schedules and filters, and what they become.

Every option is one that the page documents (graph-api.md 6.3 and 6.5 [seed 003]). What only the columns of a line of
business tell (unknown keys, incompatibilities) is checked before a definition is posted: `schemas/attribution_columns`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from config.legal_values import (
    Check,
    an_id,
    either,
    flag,
    list_of,
    mail,
    moment,
    one_of,
    table,
    text,
    whole,
    zone,
)
from schemas.attribution_columns import MODEL_OF
from schemas.attribution_reports import PART, UNITS, AttributionReport, day_of

Entry = Mapping[str, Any]

_PARAMS = {
    "identity_matching_type": one_of("STRONGEST", "COOKIE"),
    "selected_metrics": either(text, list_of(text, 1)),
    "attribution_position_based_param_first_touch_percentage": whole(0, 100),
    "attribution_position_based_param_last_touch_percentage": whole(0, 100),
    "attribution_time_exponential_decay_param_half_life": whole(1, 365),
}
_COLUMN = table(
    {
        "key": text,
        "name": lambda place, value: iter(()) if isinstance(value, str) else text(place, value),
        "category": one_of("standard", "attribution"),
        "area": text,
        "aggregation_usage": one_of("dimension", "metric"),
        "attribution_model": text,
        "additional_params": table(_PARAMS),
    },
    ["key"],
)
_DATE_RANGE = table(
    {
        "type": one_of("absolute", "relative", "lifetime"),
        "date_unit": one_of(*UNITS),
        "quantity": whole(1, 9999),
        "time_zone": zone,
        "begin_date": moment,
        "end_date": moment,
    },
    ["type"],
)
_MEMBERS_OF = {
    "relative": ("date_unit", "quantity"),
    "absolute": ("begin_date", "end_date"),
    "lifetime": (),
}
_SCHEDULE = table(
    {
        "is_active": flag,
        "recurrence_type": one_of("once", "daily", "weekly", "monthly"),
        "recurrence_values": list_of(whole(1, 31)),
        "minute_of_day": whole(0, 1439),  # the page says 1339, which must mean the last minute of a day: 8, row 33
        "date_range": table({"time_zone": zone, "begin_date": moment, "end_date": moment}),
    },
    ["recurrence_type"],
)
_DEFINITION = table(
    {
        "report_type": one_of("reach_effectiveness", "mta"),
        "column_definitions": list_of(either(text, _COLUMN), 1),
        "date_range": _DATE_RANGE,
        "filters": table(
            {
                "campaign_ids": list_of(an_id),
                "publisher_ids": list_of(an_id),
                "fb_conversion_event_filters": list_of(
                    table({"fb_conversion_event_id": an_id}, ["fb_conversion_event_id"])
                ),
            }
        ),
        "attribution_config": table(
            {"date_range_option": one_of("conversions", "contributors")}, ["date_range_option"]
        ),
    },
    ["report_type", "column_definitions", "date_range"],
)
REPORT = {
    "line_of_business_id": an_id,
    "name": text,
    "description": text,
    "file_format": one_of("json", "xlsx"),
    "is_email_enabled": flag,
    "email_addresses": list_of(mail),
    "email_suffix": text,
    "email_report_attachment": one_of("attached", "not_attached"),
    "definition": _DEFINITION,
    "schedule": _SCHEDULE,
}
_REPORT = table(REPORT, ["name", "definition"])
_NAMES = table(
    {
        "filter_strings": list_of(text, 1),
        "filter_string": list_of(text, 1),
        "string_query_type": one_of("contains", "exact_match"),
    },
    ["string_query_type"],
)
_NAME_FILTER = {"name_filter": _NAMES}
_FILTERS: Mapping[str, Check] = {
    "campaign_filter_by": table(
        {
            **_NAME_FILTER,
            "types": list_of(one_of("display", "search"), 1),
            "alias_filter": _NAMES,
            "name_or_alias_filter": _NAMES,
        }
    ),
    "publisher_filter_by": table(_NAME_FILTER),
    "conversion_event_filter_by": table(_NAME_FILTER),
}

_EDGES = {
    "campaign_filter_by": "campaigns",
    "publisher_filter_by": "publishers",
    "conversion_event_filter_by": "fb_conversion_events",
}


def refusals(lines: Sequence[str], reports: Sequence[Entry], filters: Mapping[str, Entry]) -> list[str]:
    """Everything that is wrong with the section, in whole sentences."""
    if not lines:
        return ["[attribution] names no line of business: set line_of_business_ids = [...]"]
    found = [line for name, wish in filters.items() for line in _FILTERS[name](f"[attribution] {name}", wish)]
    for number, entry in enumerate(reports, 1):
        place = f"[[attribution.reports]] number {number}:"
        wrong = list(_REPORT(place, entry))
        found += wrong or list(_together(place, entry, lines))
    names = [(entry.get("line_of_business_id"), entry.get("name")) for entry in reports]
    twice = {name for name in names if names.count(name) > 1}
    return found + [
        f"[[attribution.reports]] name = {name!r} is given twice; reports are found again by their name"
        for _, name in sorted(twice, key=str)
    ]


def _together(place: str, entry: Entry, lines: Sequence[str]) -> Iterator[str]:
    """What only several members together show."""
    line = entry.get("line_of_business_id")
    if line is None and len(lines) > 1:
        yield f"{place} line_of_business_id is missing; there are {', '.join(lines)}"
    elif line is not None and line not in lines:
        yield f"{place} line_of_business_id = {line!r}: not among line_of_business_ids; there are {', '.join(lines)}"
    if PART.search(entry["name"]):
        yield f"{place} name = {entry['name']!r}: names that end so are those of parts of a report; choose another"
    definition = entry["definition"]
    yield from _range(f"{place} definition date_range", definition["date_range"])
    yield from _only_mta(f"{place} definition", definition)
    for number, column in enumerate(definition["column_definitions"], 1):
        if isinstance(column, Mapping):
            yield from _params(f"{place} definition column_definitions number {number}", column)
    keys = [_key(column) for column in definition["column_definitions"]]
    yield from (
        f"{place} definition column_definitions: {key!r} is given twice"
        for key in sorted({k for k in keys if keys.count(k) > 1})
    )
    if "schedule" in entry:
        yield from _recurrence(f"{place} schedule", entry["schedule"])


def _range(place: str, found: Entry) -> Iterator[str]:
    kind = found["type"]
    needed = _MEMBERS_OF[kind]
    yield from (f"{place} {name} is missing; a range of type {kind!r} needs it" for name in needed if name not in found)
    for other, names in _MEMBERS_OF.items():
        strangers = [name for name in names if name in found and other != kind]
        yield from (f"{place} {name}: only of a range of type {other!r}; leave it out" for name in strangers)
    if kind == "absolute" and {"begin_date", "end_date"} <= found.keys():
        begin, end = day_of(found["begin_date"]), day_of(found["end_date"])
        if begin > end:
            yield f"{place} begin_date = {begin} lies after end_date = {end}; exchange them"


def _only_mta(place: str, definition: Entry) -> Iterator[str]:
    if definition["report_type"] == "mta":
        return
    for name in ("publisher_ids", "fb_conversion_event_filters"):
        if name in definition.get("filters", {}):
            yield f"{place} filters {name}: only of report_type 'mta'; leave it out"
    if "attribution_config" in definition:
        yield f"{place} attribution_config: only of report_type 'mta'; leave it out"


def _params(place: str, column: Entry) -> Iterator[str]:
    params = column.get("additional_params", {})
    if params and column.get("category", "attribution") != "attribution":
        yield f"{place} additional_params: only of columns of the category 'attribution'; leave them out"
    for name in params:
        model = MODEL_OF.get(name)
        if model and column.get("attribution_model", model) != model:
            yield f"{place} additional_params {name}: only of the attribution_model {model!r}; leave it out"


def _recurrence(place: str, schedule: Entry) -> Iterator[str]:
    kind, values = schedule["recurrence_type"], schedule.get("recurrence_values", [])
    most = {"weekly": 7, "monthly": 31}.get(kind, 0)
    if most and not values:
        yield f"{place} recurrence_values is missing; name days from 1 to {most}"
    if values and not most:
        yield f"{place} recurrence_values: not of recurrence_type {kind!r}; leave it out"
    beyond = [value for value in values if most and int(value) > most]
    yield from (f"{place} recurrence_values = {value!r}: the nearest legal value is {most}" for value in beyond)


# ---- what a legal section becomes ----


def reports_of(lines: Sequence[str], entries: Sequence[Entry]) -> tuple[AttributionReport, ...]:
    """The configured reports."""
    return tuple(_report(entry, lines) for entry in entries)


def _report(entry: Entry, lines: Sequence[str]) -> AttributionReport:
    plain = _plain(entry)
    line, schedule = plain.pop("line_of_business_id", lines[0]), plain.pop("schedule", None)
    definition = plain["definition"]
    definition["column_definitions"] = [
        {"key": column} if isinstance(column, str) else column for column in definition["column_definitions"]
    ]
    if "quantity" in definition["date_range"]:
        definition["date_range"]["quantity"] = str(definition["date_range"]["quantity"])  # as the samples write it
    return AttributionReport.of(line, {"file_format": "json", **plain}, schedule)


def filters_of(wishes: Mapping[str, Entry]) -> dict[str, dict[str, Any]]:
    """The filters by the edge that they are sent with; the samples' `filter_strings`, whichever was written (8, 34)."""
    return {_EDGES[name]: {one: _strings(part) for one, part in wish.items()} for name, wish in wishes.items() if wish}


def _strings(part: Any) -> Any:
    if not isinstance(part, Mapping):
        return part
    return {("filter_strings" if name == "filter_string" else name): value for name, value in part.items()}


def _key(column: Any) -> str:
    return str(column["key"]) if isinstance(column, Mapping) else str(column)


def _plain(value: Any) -> Any:
    """TOML's own days and moments as the texts that JSON has for them."""
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, date) else value
