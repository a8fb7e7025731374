"""Dividing a report loses nothing and adds nothing up: the parts' rows together are the whole's."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.attribution.smaller import halves
from schemas.attribution_reports import period_of
from schemas.periods import Period

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
CAMPAIGNS = [{"id": str(number), "name": name} for number, name in enumerate(("a", "a", "b", "c", "a", "d"), 1)]
WEEK = Period.inclusive(date(2026, 11, 9), date(2026, 11, 15))
RELATIVE = {"type": "relative", "date_unit": "week", "quantity": "1", "time_zone": "Europe/Berlin"}


def definition(*keys: str, ids: list[str] | None = None) -> dict[str, Any]:
    filters = {"publisher_ids": ["9"], **({"campaign_ids": ids} if ids else {})}
    columns = [{"key": key} for key in keys]
    return {"report_type": "mta", "column_definitions": columns, "date_range": RELATIVE, "filters": filters}


def every(found: dict[str, Any], period: Period, *, days_first: bool) -> list[tuple[dict[str, Any], Period]]:
    """The smallest parts that there are."""
    parts = halves(found, period, CAMPAIGNS, days_first=days_first)
    if parts is None:
        return [(found, period)]
    return [leaf for part, days in parts for leaf in every(dict(part), days, days_first=days_first)]


@given(
    days=st.integers(1, 20),
    ids=st.one_of(st.none(), st.lists(st.sampled_from([c["id"] for c in CAMPAIGNS]), min_size=1, unique=True)),
    keys=st.lists(st.sampled_from(["campaign_name", "campaign_id", "date", "device_type"]), unique=True),
    days_first=st.booleans(),
)
def test_the_parts_are_the_whole(days: int, ids: list[str] | None, keys: list[str], *, days_first: bool) -> None:
    """Every campaign's every day is in exactly one part, other filters stay, and days are fixed."""
    period = Period(WEEK.start, WEEK.start + timedelta(days=days))
    whole = definition(*keys, ids=ids)
    parts = every(whole, period, days_first=days_first)
    chosen = ids or [c["id"] for c in CAMPAIGNS]
    asked = [
        (campaign, within.start + timedelta(days=day))
        for part, within in parts
        for campaign in part["filters"].get("campaign_ids", chosen)
        for day in range((within.end - within.start).days)
    ]
    assert sorted(asked) == sorted((c, period.start + timedelta(days=n)) for c in chosen for n in range(days))
    assert all(part["filters"]["publisher_ids"] == ["9"] for part, _ in parts)
    if len(parts) > 1:
        assert all(period_of(part["date_range"], NOW) == within for part, within in parts)


def test_campaigns_of_one_name_stay_together_where_rows_show_only_the_name() -> None:
    """Their figures stand in one row: apart they would be two."""
    groups = [part["filters"]["campaign_ids"] for part, _ in every(definition("campaign_name"), WEEK, days_first=False)]
    assert sorted(groups) == [["1", "2", "5"], ["3"], ["4"], ["6"]]
    alone = every(definition("campaign_id"), WEEK, days_first=False)
    assert [len(part["filters"]["campaign_ids"]) for part, _ in alone] == [1] * 6


def test_what_rows_do_not_tell_apart_is_not_divided() -> None:
    """Reach by device over a week is not the sum of seven days' reach."""
    assert halves(definition("device_type", "reach"), WEEK, CAMPAIGNS, days_first=True) is None


def test_a_lifetime_is_divided_by_campaigns_alone() -> None:
    """Nobody says where it begins, so it has no middle."""
    endless = {**definition("campaign_name", "date"), "date_range": {"type": "lifetime"}}
    found = halves(endless, WEEK, CAMPAIGNS, days_first=True)
    assert found is not None
    assert [part["date_range"] for part, _ in found] == [{"type": "lifetime"}] * 2
