"""Whether a report at Meta is as it is configured is told from what Meta shows, which may say more."""

from typing import Any

import pytest

from schemas.attribution_reports import AttributionReport, holds

SHOWN: dict[str, Any] = {
    "id": "1",
    "name": "a",
    "is_email_enabled": True,
    "definition": {"date_range": {"quantity": "1"}, "columns": [{"key": "x", "area": "serving"}, {"key": "y"}]},
}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, True),
        ({"name": "a", "is_email_enabled": True}, True),
        ({"definition": {"date_range": {"quantity": 1}}}, True),
        ({"definition": {"columns": [{"key": "x"}, {"key": "y"}]}}, True),
        ({"name": "b"}, False),
        ({"description": "new"}, False),
        ({"is_email_enabled": "True"}, False),
        ({"definition": {"columns": [{"key": "x"}]}}, False),
        ({"definition": {"columns": [{"key": "y"}, {"key": "x"}]}}, False),
        ({"definition": {"date_range": {"quantity": 2}}}, False),
        ({"definition": "text"}, False),
    ],
)
def test_what_is_shown_holds_what_is_wanted(wanted: dict[str, Any], *, expected: bool) -> None:
    """More members are no matter; another value, another order or a missing member is."""
    assert holds(SHOWN, wanted) is expected


def test_a_hash_is_of_the_definition_alone() -> None:
    """The order in which members are written changes nothing, a schedule changes nothing, a value does."""
    one = AttributionReport.of("800", {"name": "a", "definition": {"x": 1, "y": 2}}, None)
    other = AttributionReport.of("800", {"definition": {"y": 2, "x": 1}, "name": "a"}, {"recurrence_type": "daily"})
    assert one.hash == other.hash
    assert AttributionReport.of("800", {"name": "a", "definition": {"x": 2, "y": 2}}, None).hash != one.hash
