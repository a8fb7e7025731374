"""`[attribution]`: every documented option is legal, anything else is refused with its place and the nearest legal."""

import tomllib
from datetime import date
from typing import Any

import pytest

from config import attribution
from config.settings import Wrong, from_data

TODAY = date(2026, 11, 22)
HEAD = '[attribution]\nline_of_business_ids = ["800"]\n'
FULL = """
[[attribution.reports]]
name = "Conversions"
line_of_business_id = "800"
file_format = "xlsx"
description = "by campaign"
is_email_enabled = true
email_addresses = ["somebody@example.com"]
email_suffix = "weekly"
email_report_attachment = "attached"
[attribution.reports.schedule]
is_active = true
recurrence_type = "weekly"
recurrence_values = [1, 7]
minute_of_day = 1439
date_range = { time_zone = "Asia/Tokyo", begin_date = 2026-06-01T00:00:00, end_date = 2026-08-31 }
[attribution.reports.definition]
report_type = "mta"
date_range = { type = "relative", date_unit = "month", quantity = 1, time_zone = "America/Los_Angeles" }
attribution_config = { date_range_option = "contributors" }
[attribution.reports.definition.filters]
campaign_ids = ["1"]
publisher_ids = ["2"]
fb_conversion_event_filters = [{ fb_conversion_event_id = "3" }]
[[attribution.reports.definition.column_definitions]]
key = "campaign_name"
[[attribution.reports.definition.column_definitions]]
key = "time_decay_1"
name = ""
category = "attribution"
area = "serving"
aggregation_usage = "metric"
attribution_model = "time_exponential_decay"
[attribution.reports.definition.column_definitions.additional_params]
selected_metrics = ["conversions"]
identity_matching_type = "COOKIE"
attribution_time_exponential_decay_param_half_life = 7
"""
REACH: dict[str, Any] = {
    "name": "Reach",
    "definition": {
        "report_type": "reach_effectiveness",
        "column_definitions": ["campaign_name"],
        "date_range": {"type": "lifetime"},
    },
}
FIRST = "[[attribution.reports]] number 1:"


def section(*reports: dict[str, Any], lines: tuple[str, ...] = ("800",), **more: Any) -> list[str]:
    """Everything that is said of a section."""
    data = {"attribution": {"line_of_business_ids": list(lines), "reports": list(reports), **more}}
    try:
        from_data(data, "f.toml", TODAY)
    except Wrong as wrong:
        return [line.removeprefix("f.toml: ") for line in str(wrong).splitlines()]
    return []


def changed(path: str, value: Any) -> dict[str, Any]:
    """The short report with one member exchanged; `definition.filters` names a nested one."""
    report: dict[str, Any] = {**REACH, "definition": dict(REACH["definition"])}
    place = report
    *outer, name = path.split(".")
    for step in outer:
        place[step] = dict(place.get(step, {}))
        place = place[step]
    place[name] = value
    return report


def test_every_documented_option_is_legal_and_becomes_what_is_posted() -> None:
    """Days become ISO texts, a quantity a text as in the samples; a plain text is a key; json is the default."""
    found = from_data(tomllib.loads(HEAD + FULL), "f.toml", TODAY).attribution
    assert found is not None
    [report] = attribution.reports_of(found.line_of_business_ids, found.reports)
    assert (report.name, report.line) == ("Conversions", "800")
    assert "line_of_business_id" not in report.posted
    definition = report.posted["definition"]
    assert definition["column_definitions"][0] == {"key": "campaign_name"}
    assert definition["date_range"]["quantity"] == "1"
    assert report.schedule is not None
    assert '"begin_date":"2026-06-01T00:00:00","end_date":"2026-08-31"' in report.schedule
    [short] = attribution.reports_of(["801"], [REACH])
    assert (short.line, short.posted["file_format"], short.schedule) == ("801", "json", None)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("nam", "x", f"{FIRST} nam is not a setting; did you mean name?"),
        ("file_format", "jsn", f"{FIRST} file_format = 'jsn': should be 'json' or 'xlsx'; did you mean 'json'?"),
        ("is_email_enabled", "yes", f"{FIRST} is_email_enabled = 'yes': write true or false"),
        ("email_addresses", ["x"], f"{FIRST} email_addresses number 1 = 'x': write a mail address"),
        ("name", "A [part 01]", f"{FIRST} name = 'A [part 01]': names that end so are those of parts of a report"),
        ("line_of_business_id", "801", f"{FIRST} line_of_business_id = '801': not among line_of_business_ids"),
        ("definition.report_type", "mtaa", f"{FIRST} definition report_type = 'mtaa': should be"),
        ("definition.column_definitions", [], f"{FIRST} definition column_definitions = []: name one at least"),
        ("definition.column_definitions", ["a", "a"], "'a' is given twice"),
        (
            "definition.column_definitions",
            [{"key": "a", "category": "standard", "additional_params": {"identity_matching_type": "COOKIE"}}],
            "number 1 additional_params: only of columns of the category 'attribution'",
        ),
        (
            "definition.column_definitions",
            [{"key": "a", "additional_params": {"identity_matching_type": "cookie"}}],
            "identity_matching_type = 'cookie': should be 'STRONGEST' or 'COOKIE'; did you mean 'COOKIE'?",
        ),
        (
            "definition.column_definitions",
            [{"key": "a", "additional_params": {"attribution_position_based_param_first_touch_percentage": 101}}],
            "first_touch_percentage = 101: the nearest legal value is 100",
        ),
        ("definition.date_range", {"type": "relativ"}, "type = 'relativ': should be"),
        (
            "definition.date_range",
            {"type": "relative", "quantity": 1},
            "date_unit is missing; a range",
        ),
        ("definition.date_range", {"type": "lifetime", "quantity": 1}, "quantity: only of a range of type 'relative'"),
        (
            "definition.date_range",
            {"type": "absolute", "begin_date": "2026-02-01", "end_date": "2026-01-01"},
            "begin_date = 2026-02-01 lies after end_date = 2026-01-01; exchange them",
        ),
        (
            "definition.date_range",
            {"type": "absolute", "begin_date": "x", "end_date": "2026-01-01"},
            "begin_date = 'x'",
        ),
        ("definition.date_range", {"type": "lifetime", "time_zone": "Mars"}, "time_zone = 'Mars': there is no such"),
        ("definition.filters", {"publisher_ids": ["1"]}, "filters publisher_ids: only of report_type 'mta'"),
        ("definition.filters", {"campaign_ids": [1]}, "campaign_ids number 1 = 1: write an id as digits in quotes"),
        ("definition.attribution_config", {"date_range_option": "conversions"}, "only of report_type 'mta'"),
        ("schedule", {"recurrence_type": "weekly"}, "recurrence_values is missing; name days from 1 to 7"),
        (
            "schedule",
            {"recurrence_type": "weekly", "recurrence_values": [8]},
            "recurrence_values = 8: the nearest legal value is 7",
        ),
        (
            "schedule",
            {"recurrence_type": "daily", "recurrence_values": [1]},
            "recurrence_values: not of recurrence_type 'daily'",
        ),
        ("schedule", {"recurrence_type": "daily", "minute_of_day": 1440}, "the nearest legal value is 1439"),
    ],
)
def test_what_is_wrong_is_refused_in_a_sentence(path: str, value: Any, says: str) -> None:
    """One line for each thing, with its place."""
    found = section(changed(path, value))
    assert len(found) == 1, found
    assert says in found[0]
    assert found[0].startswith(("[[attribution.reports]] number 1: ", "[[attribution.reports]] name"))


def test_what_only_the_section_shows() -> None:
    """No line of business, two reports of one name, several lines and a report of none, an illegal filter."""
    assert section(lines=()) == ["[attribution] names no line of business: set line_of_business_ids = [...]"]
    assert "is given twice; reports are found again by their name" in section(REACH, REACH)[0]
    assert "line_of_business_id is missing; there are 800, 801" in section(REACH, lines=("800", "801"))[0]
    wrong = {"types": ["displai"], "name_filter": {"filter_strings": ["a"], "string_query_type": "contains"}}
    [line] = section(campaign_filter_by=wrong)
    assert line == (
        "[attribution] campaign_filter_by types number 1 = 'displai': should be 'display' or 'search'; "
        "did you mean 'display'?"
    )


def test_filters_are_sent_as_the_samples_write_them() -> None:
    """`filter_string` of the page's words becomes `filter_strings` of its samples."""
    wish = {"name_filter": {"filter_string": ["a"], "string_query_type": "contains"}}
    assert attribution.filters_of({"publisher_filter_by": wish, "campaign_filter_by": {}}) == {
        "publishers": {"name_filter": {"filter_strings": ["a"], "string_query_type": "contains"}}
    }
