"""What tests of Advanced Attribution share: configurations, and the sandbox's truth beside what was loaded."""

import json
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from tests.acceptance.conftest import Sandbox, Shop

Row = dict[str, Any]

WEEK = '{ type = "relative", date_unit = "week", quantity = 1, time_zone = "America/Los_Angeles" }'
DAYS = '{ type = "absolute", begin_date = 2026-11-01, end_date = 2026-11-04, time_zone = "Europe/Berlin" }'
REACH = f"""
[[attribution.reports]]
name = "Reach by campaign and day"
line_of_business_id = "800"
[attribution.reports.definition]
report_type = "reach_effectiveness"
column_definitions = ["campaign_id", "date", "impressions", "reach", "net_media_cost", "frequency"]
date_range = {WEEK}
"""
MTA = f"""
[[attribution.reports]]
name = "Conversions by device"
line_of_business_id = "800"
file_format = "xlsx"
[attribution.reports.definition]
report_type = "mta"
column_definitions = [
  "device_type", "publisher_name", "mta_revenue", "cost_per_conversion",
  {{ key = "time_decay_1", additional_params = {{ selected_metrics = ["conversions", "cost_per_conversion"] }} }},
]
date_range = {DAYS}
filters = {{ fb_conversion_event_filters = [{{ fb_conversion_event_id = "6620000000000000001" }}] }}
"""


def configure(
    shop: Shop, reports: str = REACH, lines: Sequence[str] = ("800",), more: str = "", pace: str = ""
) -> None:
    """A configuration of attribution alone."""
    shop.config.write_text(
        f"""
[graph]
base_url = "{shop.url}"
[storage]
root = "{shop.folder / "data"}"
[pace]
clock_speed = {shop.speed}
{pace}
[attribution]
line_of_business_ids = {json.dumps(list(lines))}
{more}
{reports}
""",
        encoding="utf-8",
    )


def truth(sandbox: Sandbox) -> Row:
    """Everything that the sandbox knows, apart from rows."""
    found: Row = sandbox.get("attribution/truth")
    return found


def rows_of(sandbox: Sandbox, run: str) -> list[Row]:
    """The rows of a run as its file labels them; figures are texts, what has no value is left out."""
    rows: list[Row] = sandbox.get("attribution/truth", run=run)["rows"]
    return [{label: cell for label, cell in row.items() if cell is not None} for row in rows]


def landed(shop: Shop, report: str) -> dict[str, list[Row]]:
    """The landed rows of a report by run, letter by letter as they were kept."""
    found: dict[str, list[Row]] = {}
    for run, columns in shop.ask(
        "SELECT report_run_id, columns::VARCHAR FROM attribution_rows "
        f"WHERE report_id = '{report}' ORDER BY report_run_id, row_number"
    ):
        row = json.loads(columns, parse_float=str, parse_int=str)
        found.setdefault(run, []).append({label: cell for label, cell in row.items() if cell is not None})
    return found


def typed(row: Mapping[str, Any], names: Mapping[str, str]) -> Row:
    """A row of the truth as its view must show it: `names` gives each label's name; figures have six decimals."""
    texts = {"campaign_id", "date", "device_type", "publisher_name"}
    return {
        name: (row[label] if name in texts else six(row[label])) if label in row else None
        for label, name in names.items()
    }


def six(text: str) -> Decimal:
    """A figure rounded half-even to six decimals, which is what a DECIMAL(38,6) can say."""
    return Decimal(text).quantize(Decimal("0.000001"), ROUND_HALF_EVEN)


def report_named(sandbox: Sandbox, name: str) -> str:
    """The id of the one report of this name."""
    [found] = [report["id"] for report in truth(sandbox)["reports"] if report["name"] == name]
    return str(found)


def names(sandbox: Sandbox) -> list[str]:
    """The names of every report that was ever made."""
    return [report["name"] for report in truth(sandbox)["reports"]]
