"""Owns the tables in which Insights says what it did: `meta.slices`, `meta.runs` and their like."""

from collections.abc import Mapping
from types import MappingProxyType

from schemas.columns import FETCHED_AT, RUN_ID, Column, Kind, Table

SCHEMA = "meta"
"""The schema of the warehouse in which these tables stand; their declared names are without it."""

_TABLE_NAME = Column("table_name", Kind.TEXT, "Table; for reports the one of the facts")
_SCOPE = Column("scope", Kind.TEXT, "Whose data, and which question of several")
_SLICE_START = Column("slice_start", Kind.LOCAL_TIME, "Begin of the slice in its own time zone; NULL for objects")
_SLICE_END = Column("slice_end", Kind.LOCAL_TIME, "End of the slice in its own time zone, exclusive; NULL for objects")
_DEFINITION = Column("definition_hash", Kind.TEXT, "Hash of the definition that was asked")
_ROWS = Column("rows", Kind.COUNT, "Rows of the facts", "rows")

SLICES = Table(
    "slices",
    "What is there, what is missing and why: one row per slice",
    (
        _TABLE_NAME,
        _SCOPE,
        _SLICE_START,
        _SLICE_END,
        Column("time_zone", Kind.TEXT, "Time zone of the slice, IANA"),
        Column("state", Kind.TEXT, "landed, empty, partial, failed, lost, unknown or skipped"),
        _ROWS,
        Column("as_of", Kind.INSTANT, "When Meta was asked"),
        FETCHED_AT,
        Column("final", Kind.FLAG, "Whether Meta may no longer change it and it was read after that"),
        RUN_ID,
        Column("reason", Kind.TEXT, "Why it is not whole"),
    ),
    ("table_name", "scope", "slice_start"),
)

RUNS = Table(
    "runs",
    "Runs of Insights that wrote",
    (
        RUN_ID,
        Column("command", Kind.TEXT, "Command that was run, such as load"),
        Column("started_at", Kind.INSTANT, "When it started"),
        Column("finished_at", Kind.INSTANT, "When it finished; NULL if it was killed or still runs"),
        Column("outcome", Kind.TEXT, "How it ended"),
        Column("slices_landed", Kind.COUNT, "Slices that landed", "slices"),
        Column("slices_failed", Kind.COUNT, "Slices that failed", "slices"),
        Column("slices_empty", Kind.COUNT, "Slices that had no rows", "slices"),
        Column("slices_skipped", Kind.COUNT, "Slices that were not asked on purpose", "slices"),
        Column("rows", Kind.COUNT, "Rows that landed, in all tables", "rows"),
        Column("api_calls", Kind.JSON, "Calls per kind"),
        Column("throttled_responses", Kind.COUNT, "Responses by which Meta refused for a quota", "responses"),
        Column("seconds_waited", Kind.RATIO, "Time spent waiting for quotas", "seconds"),
        Column("failures", Kind.JSON, "What failed, as load --json prints it"),
        Column("version", Kind.TEXT, "Version of Insights"),
    ),
    ("run_id",),
)

REPORT_RUNS = Table(
    "report_runs",
    "Asynchronous report runs that Meta was asked for",
    (
        Column("report_run_id", Kind.TEXT, "Report run, as Meta names it; expires after 30 days"),
        _TABLE_NAME,
        _SCOPE,
        _SLICE_START,
        _SLICE_END,
        Column("submitted_at", Kind.INSTANT, "When it was submitted"),
        Column("state", Kind.TEXT, "Where it stands"),
        Column("percent", Kind.COUNT, "How far it was when last heard of", "percent"),
        Column("finished_at", Kind.INSTANT, "When it was found finished"),
        Column("rows", Kind.COUNT, "Rows that it gave", "rows"),
        Column("reason", Kind.TEXT, "Why it failed"),
        _DEFINITION,
        RUN_ID,
    ),
    ("report_run_id",),
)

QUARANTINE = Table(
    "quarantine",
    "Cells and lines that could not be typed, or were rounded",
    (
        Column(
            "table_name", Kind.TEXT, "Table in which the cell is NULL or rounded, or from which the line is missing"
        ),
        _SCOPE,
        _SLICE_START,
        Column("row_key", Kind.JSON, "Key of the row; NULL for a whole line"),
        Column("column_name", Kind.TEXT, "Column; NULL for a whole line"),
        Column("raw", Kind.TEXT, "What was sent"),
        Column("reason", Kind.TEXT, "Why it could not be typed; rounded where only decimals were lost"),
        Column("source", Kind.TEXT, "Where it was sent: the call, or the file and line"),
        FETCHED_AT,
        RUN_ID,
    ),
    (),
)

MISSING_OBJECTS = Table(
    "missing_objects",
    "Ids that facts name and Meta refuses to read",
    (
        Column(
            "account_id",
            Kind.TEXT,
            "Ad account, digits without act_; of content the business or ad set beside whose ads it was seen",
        ),
        Column("kind", Kind.TEXT, "Table in which the object is missing, such as ads"),
        Column("id", Kind.TEXT, "Object"),
        Column("reason", Kind.TEXT, "What Meta said"),
        Column("code", Kind.COUNT, "Error code"),
        Column("subcode", Kind.COUNT, "Error subcode"),
        Column("first_missed_at", Kind.INSTANT, "When it was refused first"),
        Column("last_tried_at", Kind.INSTANT, "When it was asked last"),
        Column("tries", Kind.COUNT, "How often it was asked", "times"),
    ),
    ("account_id", "kind", "id"),
)

PUBLICATION = Table(
    "publication",
    "What this warehouse holds: one row",
    (
        Column("ledger_id", Kind.TEXT, "Ledger whose landings it holds"),
        Column("landing_number", Kind.COUNT, "Highest landing number that it holds"),
        Column("published_at", Kind.INSTANT, "When it was published"),
        Column("format_version", Kind.COUNT, "Version of its layout"),
        Column("insights_version", Kind.TEXT, "Version of Insights that wrote it"),
    ),
    ("ledger_id",),
)

META_TABLES: Mapping[str, Table] = MappingProxyType(
    {table.name: table for table in (SLICES, RUNS, REPORT_RUNS, QUARANTINE, MISSING_OBJECTS, PUBLICATION)}
)
"""The tables of the schema `meta`, by name."""
