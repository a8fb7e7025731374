"""Owns how a definition that is too much is divided: a pure function whose parts together are the whole.

Only along what the rows themselves tell apart: campaigns where a column names them, days where a column shows them.
Any other part would hold figures (reach, distinct people, quotients) that nobody can add up again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.attribution_cells import DAYS
from schemas.attribution_reports import as_absolute, zone_of
from schemas.periods import Period

Definition = Mapping[str, Any]

BY_NAME, BY_ID = "campaign_name", "campaign_id"


def halves(
    definition: Definition, period: Period, campaigns: Sequence[Mapping[str, Any]], *, days_first: bool
) -> tuple[tuple[Definition, Period], tuple[Definition, Period]] | None:
    """Two definitions with their days whose rows together are the rows of this one; None where there are none.

    `campaigns` are all of the line of business; `days_first` is for what took too long, as against too many rows.
    """
    by_days, by_campaigns = _by_days(definition, period), _by_campaigns(definition, period, campaigns)
    return by_days or by_campaigns if days_first else by_campaigns or by_days


def _by_days(
    definition: Definition, period: Period
) -> tuple[tuple[Definition, Period], tuple[Definition, Period]] | None:
    endless = definition["date_range"].get("type") == "lifetime"  # nobody says where it begins
    if endless or not DAYS & _keys(definition) or period.days < 2:  # noqa: PLR2004 - one day has no halves
        return None
    middle = period.start + (period.end - period.start) // 2
    zone = zone_of(definition["date_range"])
    first, second = (
        ({**definition, "date_range": as_absolute(part, zone)}, part)
        for part in (Period(period.start, middle), Period(middle, period.end))
    )
    return first, second


def _by_campaigns(
    definition: Definition, period: Period, campaigns: Sequence[Mapping[str, Any]]
) -> tuple[tuple[Definition, Period], tuple[Definition, Period]] | None:
    groups = _groups(definition, campaigns)
    if len(groups) < 2:  # noqa: PLR2004 - one group has no halves
        return None
    middle = len(groups) // 2
    first, second = (
        ({**definition, "filters": _only(definition, part), "date_range": _fixed(definition, period)}, period)
        for part in (groups[:middle], groups[middle:])
    )
    return first, second


def _only(definition: Definition, groups: Sequence[Sequence[str]]) -> Definition:
    return {**definition.get("filters", {}), "campaign_ids": [one for group in groups for one in group]}


def _fixed(definition: Definition, period: Period) -> Definition:
    """The same days for every part, also when midnight passes between them."""
    found: Definition = definition["date_range"]
    return found if found.get("type") == "lifetime" else as_absolute(period, zone_of(found))


def _groups(definition: Definition, campaigns: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """The campaigns that rows tell apart; those that share a name share their rows where only the name is shown."""
    keys = _keys(definition)
    if not keys & {BY_NAME, BY_ID}:
        return []
    names = {str(one["id"]): str(one.get("name")) for one in campaigns}
    chosen = [str(one) for one in definition.get("filters", {}).get("campaign_ids") or names]
    groups: dict[str, list[str]] = {}
    for one in chosen:
        groups.setdefault(one if BY_ID in keys else names.get(one, one), []).append(one)
    return list(groups.values())


def _keys(definition: Definition) -> set[str]:
    return {str(column.get("key")) for column in definition.get("column_definitions", ())}
