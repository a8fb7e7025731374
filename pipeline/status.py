"""Owns what a store says of itself: per table and account what is there, what is missing, how fresh."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pipeline.app import App
from pipeline.errors import Usage
from pipeline.finality import final
from pipeline.footprint import footprint
from pipeline.footprint import in_words as disk_in_words
from pipeline.ledger import Ledger
from pipeline.lock import holder
from pipeline.orders import Choice
from schemas.work import Place, SliceRecord


def report(app: App, choice: Choice) -> dict[str, Any]:
    """The state of the store, as `insights status --json` prints it; reads the ledger and asks nobody."""
    ledger = Ledger.read(app.places.ledger)
    if ledger is None:
        return {"store": str(app.places.state), "born": False, "writing": None, "tables": []}
    with ledger:
        configured = app.configured_tables
        refuse_unknown(choice, configured, ledger)
        due, names = _due(app, choice, ledger), ledger.accounts()
        insights = app.settings.ads_insights
        lookback_days = insights.lookback_days if insights else 0
        keys = sorted({*((row["table_name"], row["scope"]) for row in ledger.scopes()), *due})
        groups = {key: [found for found in ledger.placed_slices(*key) if _is_chosen(found[0], choice)] for key in keys}
        tables = [
            _group(key, found, names, lookback_days, due[key], loaded=key[0] in configured)
            for key, found in groups.items()
            if found or due[key]
        ]
        waiting = [{"quota": quota, "until": until.isoformat()} for quota, until in ledger.deadlines()]
        return {
            "store": str(app.places.state),
            "born": True,
            "writing": holder(app.places.state),
            "published": (app.places.warehouse.exists() and ledger.publications() != []),
            "tables": tables,
            "disk": footprint(app.places),
            "closed_quotas": [entry for entry in waiting if datetime.fromisoformat(entry["until"]) > app.clock.now()],
        }


def refuse_unknown(choice: Choice, configured: Iterable[str], ledger: Ledger) -> None:
    """Refuses tables and accounts that are neither configured nor in the store.

    Raises:
        Usage: As said.
    """
    tables = {*configured, *ledger.reports()}
    accounts = {*ledger.accounts(), *(row["scope"].partition("/")[0] for row in ledger.scopes())}
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


def _due(app: App, choice: Choice, ledger: Ledger) -> Counter[tuple[str, str]]:
    """How many slices are due, per table and scope; none of what is no longer loaded."""
    try:
        plan = app.known_plan(choice, ledger)
    except Usage:
        return Counter()
    found: Counter[tuple[str, str]] = Counter()
    for task in plan.insights:
        found[task.report.name, task.account.id] += len(task.slices)
    for listing in plan.objects:
        found[listing.id.table, listing.id.scope] += 1
    for due in plan.families:
        found[due.table, due.scope] += due.slices
    return found


def _group(
    key: tuple[str, str],
    placed: Iterable[tuple[SliceRecord, Place | None]],
    names: Mapping[str, Any],
    lookback_days: int,
    due: int,
    *,
    loaded: bool,
) -> dict[str, Any]:
    slices = list(placed)
    found = [record for record, _ in slices]
    starts = [record.id.start for record in found if record.id.start]
    asked = [record.as_of for record in found if record.as_of]
    return {
        "table": key[0],
        "scope": key[1],
        "name": names.get(key[1], {}).get("name"),
        "loaded": loaded,
        "states": dict(Counter(record.state.value for record in found)),
        "final": sum(final(record, place, lookback_days) for record, place in slices),
        "due": due,
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
    wide = max([22, *(len(group["scope"]) for group in found["tables"])]) + 2
    lines.append(f"{'table':<32}{'account':<{wide}}{'days':<26}{'rows':>12}  {'states':<44} newest answer")
    for group in found["tables"]:
        days = f"{group['first_day']} to {group['last_day']}" if group["first_day"] else "as last seen"
        states = _states_in_words(group)
        age = group["as_of"][:16].replace("T", " ") if group["as_of"] else "never"
        note = "" if group["loaded"] else "  (no longer loaded)"
        lines.append(
            f"{group['table']:<32}{group['scope']:<{wide}}{days:<26}{group['rows']:>12,}  {states:<44} {age}{note}"
        )
        lines += [f"    {reason}" for reason in group["reasons"]]
    lines.append(disk_in_words(found["disk"]))
    lines += [f"quota {entry['quota']} is closed until {entry['until']}" for entry in found["closed_quotas"]]
    return "\n".join(lines)


def _states_in_words(group: Mapping[str, Any]) -> str:
    """The states with their counts, then how many are final and how many due."""
    words = [f"{count} {state}" for state, count in sorted(group["states"].items())]
    return ", ".join(words + [f"{group[name]} {name}" for name in ("final", "due") if group[name]])
