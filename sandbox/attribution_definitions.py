"""Owns what a posted report or schedule may say (graph-api.md 6.3 to 6.6), and the days that a date range means."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.attribution_world import COLUMNS, FIRST_DAY, LineOfBusiness
from sandbox.clock import local_day
from sandbox.faults import invalid

Body = dict[str, Any]

REPORT_FIELDS = (
    "id",
    "name",
    "description",
    "file_format",
    "is_email_enabled",
    "email_addresses",
    "email_suffix",
    "email_report_attachment",
    "definition",
)
SCHEDULE_FIELDS = ("id", "is_active", "recurrence_type", "recurrence_values", "minute_of_day", "date_range")
_BY_KEY = {column["key"]: column for column in COLUMNS}
_MODEL_OF = {
    "attribution_position_based_param_first_touch_percentage": "positional_based",
    "attribution_position_based_param_last_touch_percentage": "positional_based",
    "attribution_time_exponential_decay_param_half_life": "time_exponential_decay",
}
_PARAMS = frozenset({"identity_matching_type", "selected_metrics", *_MODEL_OF})
_UNITS = ("day", "week", "month", "quarter", "year")


def check_report(body: Body, line: LineOfBusiness) -> None:
    """Refuse a report that the page does not describe."""
    _known(body, REPORT_FIELDS)
    _need(bool(body.get("name")), "Param name is required")
    _one_of(body, "file_format", ("json", "xlsx"))
    _one_of({"email_report_attachment": "not_attached"} | body, "email_report_attachment", ("attached", "not_attached"))
    definition = body.get("definition")
    if not isinstance(definition, dict):
        raise invalid("Param definition must be an object")
    _known(definition, ("report_type", "column_definitions", "date_range", "filters", "attribution_config"))
    _one_of(definition, "report_type", ("mta", "reach_effectiveness"))
    mta = definition["report_type"] == "mta"
    _check_columns(definition.get("column_definitions"))
    _check_range(definition.get("date_range"))
    _check_filters(definition.get("filters", {}), line, mta=mta)
    if "attribution_config" in definition:
        _need(mta, "attribution_config is only for mta reports")
        _one_of(definition["attribution_config"], "date_range_option", ("conversions", "contributors"))


def _check_columns(columns: Any) -> None:
    if not isinstance(columns, list) or not columns:
        raise invalid("Param column_definitions must be a list of columns")
    keys = [column.get("key") for column in columns]
    for column, key in zip(columns, keys, strict=True):
        known = _BY_KEY.get(key)
        if known is None:
            raise invalid(f"Unknown column {key}")
        _need(keys.count(key) == 1, f"Column {key} is given twice")
        for other in known["incompatibilities"]:
            _need(other["key"] not in keys, f"Column {key} is incompatible with {other['key']}")
        _check_params(column, known)


def _check_params(column: Body, known: Body) -> None:
    params = column.get("additional_params") or {}
    is_attribution = known["category"] == "attribution"
    _need(is_attribution or not params, f"Column {known['key']} takes no additional_params")
    _known(params, _PARAMS)
    for name, model in _MODEL_OF.items():
        _need(name not in params or known.get("attribution_model") == model, f"{name} is only for {model}")
    if "identity_matching_type" in params:
        _one_of(params, "identity_matching_type", ("STRONGEST", "COOKIE"))
    for metric in selected_metrics(column):
        _need(metric in _BY_KEY, f"Unknown metric {metric}")


def selected_metrics(column: Mapping[str, Any]) -> list[str]:
    """Return the metrics that an attribution column shows; a comma text in the sample, a list in the page's words."""
    found = (column.get("additional_params") or {}).get("selected_metrics", [])
    return [word.strip() for word in found.split(",")] if isinstance(found, str) else list(found)


def _check_range(found: Any) -> None:
    if not isinstance(found, dict):
        raise invalid("Param date_range must be an object")
    _known(found, ("type", "date_unit", "quantity", "time_zone", "begin_date", "end_date"))
    _one_of(found, "type", ("absolute", "relative", "lifetime"))
    if found["type"] == "relative":
        _one_of(found, "date_unit", _UNITS)
        _need(
            str(found.get("quantity", "")).isdigit() and int(found["quantity"]) > 0, "Param quantity must be positive"
        )
    if found["type"] == "absolute":
        _need(_day(found, "begin_date") <= _day(found, "end_date"), "begin_date must not be after end_date")
    zone_of(found)


def _check_filters(filters: Any, line: LineOfBusiness, *, mta: bool) -> None:
    _known(filters, ("campaign_ids", "publisher_ids", "fb_conversion_event_filters"))
    _need(mta or set(filters) <= {"campaign_ids"}, "publishers and conversion events filter only mta reports")
    _only(filters.get("campaign_ids", []), line.campaigns, "campaign")
    _only(filters.get("publisher_ids", []), line.publishers, "publisher")
    events = [entry.get("fb_conversion_event_id") for entry in filters.get("fb_conversion_event_filters", [])]
    _only(events, line.events, "conversion event")


def check_schedule(body: Body) -> None:
    """Refuse a schedule that the page does not describe; minutes to 1439 (section 8, row 33)."""
    _known(body, SCHEDULE_FIELDS)
    _one_of(body, "recurrence_type", ("once", "daily", "weekly", "monthly"))
    most = {"weekly": 7, "monthly": 31}.get(body["recurrence_type"], 0)
    values = body.get("recurrence_values") or []
    _need(all(1 <= int(value) <= most for value in values), "Param recurrence_values is out of range")
    _need(bool(values) == bool(most), "Param recurrence_values does not fit recurrence_type")
    _need(0 <= int(body.get("minute_of_day", 0)) <= 1439, "Param minute_of_day is out of range")  # noqa: PLR2004


def zone_of(found: Mapping[str, Any]) -> str:
    """Return a date range's zone, UTC without one."""
    zone = str(found.get("time_zone", "UTC"))
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise invalid("Param time_zone must be a TZ time zone") from error
    return zone


def days_of(found: Mapping[str, Any], now: datetime) -> tuple[date, date]:
    """Return the first and the last day that a date range means at a moment."""
    today = local_day(now, zone_of(found))
    if found["type"] == "lifetime":
        return FIRST_DAY, today - timedelta(days=1)
    if found["type"] == "absolute":
        return _day(found, "begin_date"), _day(found, "end_date")
    return _completed(str(found["date_unit"]), int(found["quantity"]), today)


def _completed(unit: str, quantity: int, today: date) -> tuple[date, date]:
    """Return the last completed units: they end at the nearest end of a unit before today."""
    if unit in {"day", "week"}:
        end = today if unit == "day" else today - timedelta(days=today.weekday())
        return end - timedelta(days=quantity * (1 if unit == "day" else 7)), end - timedelta(days=1)
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    ended = (today.year * 12 + today.month - 1) // months * months
    return _month(ended - quantity * months), _month(ended) - timedelta(days=1)


def _month(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)


def _day(found: Mapping[str, Any], name: str) -> date:
    try:
        return datetime.fromisoformat(str(found.get(name, ""))).date()
    except ValueError as error:
        raise invalid(f"Param {name} must be an ISO 8601 date") from error


def _known(found: Any, names: Iterable[str]) -> None:
    if not isinstance(found, dict):
        raise invalid("An object was expected")
    for name in found:
        _need(name in names, f"Unknown field {name}")


def _one_of(found: Mapping[str, Any], name: str, legal: tuple[str, ...]) -> None:
    _need(found.get(name) in legal, f"Param {name} must be one of {{{', '.join(legal)}}}")


def _only(ids: Iterable[Any], there: Iterable[Body], kind: str) -> None:
    known = {found["id"] for found in there}
    for one in ids:
        _need(str(one) in known, f"There is no {kind} {one}")


def _need(found: bool, message: str) -> None:  # noqa: FBT001 - a claim reads best where it stands
    if not found:
        raise invalid(message)
