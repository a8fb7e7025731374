"""Owns the tables of Advanced Attribution: what hangs below a line of business, and the rows of report runs.

Source: the Advanced Attribution API page (graph-api.md 6 [seed 003]); the shape of rows is not published there.
"""

from dataclasses import dataclass

from schemas.columns import ORIGIN, Column, Kind, Table

PAGE = "graph-api.md 6 [seed 003]"
LINE = "line_of_business_id"
ROWS = "attribution_rows"
REPORT = "report_id"

_EXTRA = Column("extra", Kind.JSON, "What the object carried and no column declares")
_LINE_COLUMN = Column(LINE, Kind.TEXT, "Line of business", source=PAGE)
_REPORT_COLUMN = Column(REPORT, Kind.TEXT, "Attribution report", source=PAGE)


@dataclass(frozen=True, slots=True)
class AttributionTable:
    """One table of objects and how they are listed.

    `edge` hangs below the line of business, or below each object of `parents`; `parent` is then the column that holds
    the parent's id, or with `many_parents` the ids of all parents as a JSON list.
    """

    table: Table
    edge: str
    parents: str = ""
    parent: str = ""
    many_parents: bool = False

    @property
    def fields(self) -> str:
        """The text of `fields=`: what the page names and nothing else, as an unknown field fails the whole call."""
        ours = {_EXTRA.name, LINE, self.parent, *(column.name for column in ORIGIN)}
        return ",".join(column.name for column in self.table.columns if column.name not in ours)


def _table(name: str, meaning: str, *columns: Column, key: str = "id") -> Table:
    return Table(name, meaning, (*columns, _LINE_COLUMN, _EXTRA, *ORIGIN), (key,), (LINE,))


def _text(name: str, meaning: str) -> Column:
    return Column(name, Kind.TEXT, meaning, source=PAGE)


def _json(name: str, meaning: str) -> Column:
    return Column(name, Kind.JSON, meaning, source=PAGE)


REPORTS = AttributionTable(
    _table(
        "attribution_reports",
        "Reports of Advanced Attribution, as last seen",
        _text("id", "Attribution report"),
        _text("name", "Name of the report"),
        _text("description", "Description of the report"),
        _text("file_format", "Format of the file of a run: json or xlsx"),
        Column("is_email_enabled", Kind.FLAG, "Whether a mail is sent when a scheduled run completes", source=PAGE),
        _json("email_addresses", "Who gets that mail"),
        _text("email_suffix", "What is added to that mail"),
        _text("email_report_attachment", "Whether the file hangs on that mail: attached or not_attached"),
        _json("definition", "Type, columns, date range, filters and attribution of the report"),
    ),
    "reports",
)
CAMPAIGNS = AttributionTable(
    _table(
        "attribution_campaigns",
        "Campaigns of a line of business, as last seen",
        _text("id", "Campaign of Advanced Attribution"),
        _text("name", "Name of the campaign"),
        _text("alias", "Id of the campaign in the system it comes from"),
        _text("type", "display or search"),
    ),
    "campaigns",
)
PUBLISHERS = AttributionTable(
    _table(
        "attribution_publishers",
        "Publishers that campaigns of a line of business list, as last seen",
        _text("id", "Publisher"),
        _text("name", "Name of the publisher"),
        _json("campaign_ids", "The campaigns that list it"),
    ),
    "publishers",
    parents="campaigns",
    parent="campaign_ids",
    many_parents=True,
)
CONVERSION_EVENTS = AttributionTable(
    _table(
        "attribution_conversion_events",
        "Conversion events (business outcomes) of a line of business, as last seen",
        _text("id", "Conversion event"),
        _text("name", "Name of the conversion event"),
    ),
    "fb_conversion_events",
)
COLUMNS = AttributionTable(
    _table(
        "attribution_report_columns",
        "Columns that reports of a line of business may show",
        _text("key", "Column, as definitions name it"),
        _text("name", "Name of the column"),
        _text("description", "What it shows"),
        _text("aggregation_usage", "dimension or metric"),
        _text("area", "Area, such as serving"),
        _text("category", "standard or attribution"),
        _text("attribution_model", "Model that credits conversions, of metric columns that have one"),
        _json("incompatibilities", "Columns that no report may show beside it"),
        key="key",
    ),
    "report_columns",
)
REPORT_RUNS = AttributionTable(
    _table(
        "attribution_report_runs",
        "Report runs of Advanced Attribution, as last seen",
        _text("id", "Report run"),
        _text("status", "scheduled, running, completed, error, timeout or size_exceeded"),
        _REPORT_COLUMN,
    ),
    "report_runs",
    parents="reports",
    parent=REPORT,
)
SCHEDULES = AttributionTable(
    _table(
        "attribution_report_schedules",
        "Schedules of reports, at most one each, as last seen",
        _text("id", "Schedule"),
        Column("is_active", Kind.FLAG, "Whether it is in force", source=PAGE),
        _text("recurrence_type", "once, daily, weekly or monthly"),
        _json("recurrence_values", "Days of the week (1 is Monday) or of the month"),
        Column("minute_of_day", Kind.COUNT, "When the file should be ready", "minutes after midnight", PAGE),
        _json("date_range", "Time zone and period in which it is in force"),
        _REPORT_COLUMN,
    ),
    "report_schedules",
    parents="reports",
    parent=REPORT,
)
LISTS = (REPORTS, CAMPAIGNS, PUBLISHERS, CONVERSION_EVENTS, COLUMNS, REPORT_RUNS, SCHEDULES)

ROWS_TABLE = Table(
    ROWS,
    "Rows of completed report runs; `attribution_rows_<report id>` shows those of one report, typed",
    (
        Column("report_run_id", Kind.TEXT, "Report run that gave the row", source=PAGE),
        Column("row_number", Kind.COUNT, "Place of the row in the file of its run, from 1"),
        Column(LINE, Kind.TEXT, "Line of business", source=PAGE),
        _REPORT_COLUMN,
        Column("date_start", Kind.DAY, "First day that the report covered; 1970-01-01 for a lifetime report"),
        Column("date_stop", Kind.DAY, "Last day that the report covered"),
        Column("columns", Kind.JSON, "The row as the file has it, every digit kept"),
        Column("cells", Kind.JSON, "The same as it was typed, each cell as text under the name its view gives it"),
        Column("kinds", Kind.JSON, "Kind and original name of each cell"),
        *ORIGIN,
    ),
    ("report_run_id", "row_number"),
    (REPORT,),
)
