"""Owns what a store says of itself: per table and account what is there, what is missing, how fresh."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pipeline.app import App
from pipeline.errors import Usage
from pipeline.ledger import Ledger
from pipeline.lock import holder
from pipeline.orders import Choice
from schemas.work import SliceRecord


def report(app: App, choice: Choice) -> dict[str, Any]:
    """The state of the store, as `insights status --json` prints it; reads the ledger and asks nobody."""
    ledger = Ledger.read(app.places.ledger)
    if ledger is None:
        return {"store": str(app.places.state), "born": False, "writing": None, "tables": []}
    with ledger:
        configured = app.configured_tables
        _refuse_unknown(choice, configured, ledger)
        groups: dict[tuple[str, str], list[SliceRecord]] = {}
        for record in ledger.slices():
            if _is_chosen(record, choice):
                groups.setdefault((record.id.table, record.id.scope), []).append(record)
        names = ledger.accounts()
        tables = [_group(key, found, names, loaded=key[0] in configured) for key, found in sorted(groups.items())]
        waiting = [{"quota": quota, "until": until.isoformat()} for quota, until in ledger.deadlines()]
        return {
            "store": str(app.places.state),
            "born": True,
            "writing": holder(app.places.state),
            "published": (app.places.warehouse.exists() and ledger.publications() != []),
            "tables": tables,
            "closed_quotas": [entry for entry in waiting if datetime.fromisoformat(entry["until"]) > app.clock.now()],
        }


def _refuse_unknown(choice: Choice, configured: Iterable[str], ledger: Ledger) -> None:
    """Refuses tables and accounts that are neither configured nor in the store.

    Raises:
        Usage: As said.
    """
    tables = {*configured, *ledger.reports()}
    accounts = {*ledger.accounts(), *(record.id.scope.split("/")[0] for record in ledger.slices())}
    for table in choice.tables:
        if table not in tables:
            raise Usage(f"--table {table}: the store knows no such table; there are {', '.join(sorted(tables))}")
    for account in choice.account_ids:
        if account not in accounts:
            raise Usage(
                f"--account {account}: the store knows no such account; there are {', '.join(sorted(accounts))}"
            )


def _is_chosen(record: SliceRecord, choice: Choice) -> bool:
    accounts = choice.account_ids
    day = record.id.start.date() if record.id.start else None
    return (
        (not choice.tables or record.id.table in choice.tables)
        and (not accounts or record.id.scope.split("/")[0] in accounts)
        and (day is None or choice.since is None or day >= choice.since)
        and (day is None or choice.until is None or day <= choice.until)
    )


def _group(
    key: tuple[str, str], records: Iterable[SliceRecord], names: Mapping[str, Any], *, loaded: bool
) -> dict[str, Any]:
    found = list(records)
    starts = [record.id.start for record in found if record.id.start]
    asked = [record.as_of for record in found if record.as_of]
    return {
        "table": key[0],
        "scope": key[1],
        "name": names.get(key[1], {}).get("name"),
        "loaded": loaded,
        "states": dict(Counter(record.state.value for record in found)),
        "rows": sum(record.rows for record in found),
        "first_day": min(starts).date().isoformat() if starts else None,
        "last_day": max(starts).date().isoformat() if starts else None,
        "as_of": max(asked).isoformat() if asked else None,
        "oldest_as_of": min(asked).isoformat() if asked else None,
        "reasons": sorted({record.reason for record in found if record.reason}),
    }


def in_words(found: Mapping[str, Any]) -> str:
    """The same for a terminal."""
    if not found["born"]:
        return f"store {found['store']}: nothing was loaded yet; run `insights load`"
    lines = [f"being written by {found['writing']}"] if found["writing"] else []
    lines.append(f"{'table':<30} {'account':<24} {'days':<26}{'rows':>12}  {'states':<28} newest answer")
    for group in found["tables"]:
        days = f"{group['first_day']} to {group['last_day']}" if group["first_day"] else "as last seen"
        states = ", ".join(f"{count} {state}" for state, count in sorted(group["states"].items()))
        age = group["as_of"][:16].replace("T", " ") if group["as_of"] else "never"
        note = "" if group["loaded"] else "  (no longer loaded)"
        lines.append(
            f"{group['table']:<30} {group['scope']:<24} {days:<26}{group['rows']:>12,}  {states:<28} {age}{note}"
        )
        lines += [f"    {reason}" for reason in group["reasons"]]
    lines += [f"quota {entry['quota']} is closed until {entry['until']}" for entry in found["closed_quotas"]]
    return "\n".join(lines)
