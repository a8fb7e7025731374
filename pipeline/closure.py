"""Owns the closure of objects: every id in facts gets its row or its refusal, also archived and deleted ones.

Looked at are the facts that landed since the last look, and the creatives that ads name. What is missing is read by id;
an id that Meta refuses is remembered and tried again after seven days (design, section 7).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline import engine
from pipeline.lake import Lake, path_of
from pipeline.ledger import Ledger
from pipeline.ledger_file import Row
from pipeline.sql_text import name
from schemas.reports import KEY_IDS, Report
from schemas.work import current_place

TRY_AGAIN = timedelta(days=7)
KINDS: Mapping[str, str] = {"campaign_id": "campaigns", "adset_id": "adsets", "ad_id": "ads"}
"""The id columns of facts, and the table of objects that each refers to."""
NOTE = "closure"


@dataclass(frozen=True, slots=True)
class Gap:
    """Ids of one table and account that are referred to and have no row."""

    table: str
    account: str
    ids: tuple[str, ...]


def forget_found(ledger: Ledger, lake: Lake, account: str, tables: Sequence[str]) -> None:
    """Ids that Meta refused and that have a row now, as a listing shows them again, are missing no longer."""
    refused = [row for row in ledger.missing() if row["account_id"] == account and row["kind"] in tables]
    for table in {row["kind"] for row in refused}:
        there = _there(lake, table, account)
        for refused_id in {row["id"] for row in refused if row["kind"] == table} & there:
            ledger.found(table, refused_id)


def gaps_in_facts(
    ledger: Ledger, lake: Lake, account: str, reports: Sequence[Report], tables: Sequence[str], now: datetime
) -> list[Gap]:
    """What the facts of an account that landed since the last look refer to and no listing showed.

    And what Meta refused a while ago, whether or not facts still name it.
    """
    since = int(ledger.note(_note(account)) or 0)
    levels = {report.name: KEY_IDS[report.level] for report in reports}
    paths = [
        (levels[slice_id.table], str(lake.root / file.path))
        for slice_id, _, files in ledger.landed_after(since)
        if slice_id.scope == account and slice_id.table in levels
        for file in files
        if file.table == slice_id.table and file.rows
    ]
    refused = [row for row in ledger.missing() if row["account_id"] == account]
    found = []
    for column, table in KINDS.items():
        files = [path for columns, path in paths if column in columns]
        again = {row["id"] for row in refused if row["kind"] == table and not _is_hushed(row, now)}
        if table in tables and (files or again):
            hushed = {row["id"] for row in refused} - again
            found.append(Gap(table, account, _without_row(lake, table, account, _named(column, files) | again, hushed)))
    return [gap for gap in found if gap.ids]


def gap_in_creatives(ledger: Ledger, lake: Lake, account: str, now: datetime) -> Gap | None:
    """The creatives that an account's ads show and no listing did."""
    ads = lake.root / path_of("ads", current_place("account_id", account))
    if not ads.exists():
        return None
    hushed = {row["id"] for row in ledger.missing() if _is_hushed(row, now)}
    ids = _without_row(lake, "adcreatives", account, _named("creative_id", [str(ads)]), hushed)
    return Gap("adcreatives", account, ids) if ids else None


def looked(ledger: Ledger, account: str, number: int) -> None:
    """Everything of the account that landed up to `number` is closed."""
    ledger.save_note(_note(account), number)


def _note(account: str) -> str:
    return f"{NOTE}.{account}"


def _is_hushed(row: Row, now: datetime) -> bool:
    """Whether an id was refused less than seven days ago."""
    return now - datetime.fromisoformat(row["last_tried_at"]) < TRY_AGAIN


def _named(column: str, files: Sequence[str]) -> set[str]:
    if not files:
        return set()
    statement = f"SELECT DISTINCT {name(column)} FROM read_parquet(?, union_by_name = true)"  # noqa: S608 - quoted
    return {str(row[0]) for row in engine.ask(statement, [list(files)]) if row[0] is not None}


def _without_row(lake: Lake, table: str, account: str, ids: set[str], hushed: set[str]) -> tuple[str, ...]:
    return tuple(sorted(ids - _there(lake, table, account) - hushed))


def _there(lake: Lake, table: str, account: str) -> set[str]:
    known = lake.root / path_of(table, current_place("account_id", account))
    rows = engine.ask("SELECT id FROM read_parquet(?)", [[str(known)]]) if known.exists() else []
    return {str(row[0]) for row in rows}
