"""Every name of ads insights is known once, with a kind, a meaning and a page that says so."""

from collections import Counter

import pytest

from schemas.breakdowns import ACTION_BREAKDOWNS, BREAKDOWNS, RULES
from schemas.columns import Kind
from schemas.insights_fields import (
    ACTIONS,
    FIELDS,
    HISTOGRAMS,
    IDENTITY,
    PLAIN,
    RESULTS,
    RETAILER,
    ROW_COLUMNS,
    SCALARS,
    SOURCES,
    STRUCTURED,
    Shape,
)

ROW_ONLY = {
    "activity_recency",
    "comparison_node",
    "creative_fingerprint",
    "is_video",
    "media_asset",
    "placement",
    "placement_path",
    "promoted_product_set_result",
    "rule_asset",
}


def test_universe() -> None:
    """The 301 names of the API are covered once each: 235 that may be asked for and 66 that only rows carry."""
    groups = (IDENTITY, SCALARS, PLAIN, ACTIONS, HISTOGRAMS, RESULTS, STRUCTURED, RETAILER)
    assert [len(group) for group in groups] == [38, 92, 5, 83, 4, 7, 4, 2]
    counted = Counter([*(field.name for group in groups for field in group), *ROW_COLUMNS])
    assert len(counted) == 301
    assert set(counted.values()) == {1}
    assert (len(FIELDS), len(ROW_COLUMNS)) == (235, 66)


def test_breakdowns_count() -> None:
    """There are 81 breakdowns in all sources, 3 in the reference only, 8 in the SDK only and one in prose."""
    assert len(BREAKDOWNS) == 81 + 3 + 8 + 1
    assert len(ACTION_BREAKDOWNS) == 16 + 1


def test_breakdowns_are_not_fields() -> None:
    """A breakdown's column is never a name that `fields` accepts."""
    assert not BREAKDOWNS.keys() & FIELDS.keys()
    assert ROW_COLUMNS - BREAKDOWNS.keys() == ROW_ONLY


def test_rules_are_numbered() -> None:
    """The nineteen rules about breakdowns are all there, each with a page."""
    assert [rule.number for rule in RULES] == list(range(1, 20))
    assert all(rule.says and rule.source in SOURCES for rule in RULES)


def test_meaning_and_source() -> None:
    """Every field and every breakdown says what it means and where that is written."""
    said = [(known.meaning, known.page) for known in FIELDS.values()]
    said += [(known.meaning, known.page) for known in (*BREAKDOWNS.values(), *ACTION_BREAKDOWNS.values())]
    assert all(meaning and page.startswith("https://") for meaning, page in said)


@pytest.mark.parametrize(
    ("name", "kind", "quotient", "unique"),
    [
        ("ad_id", Kind.TEXT, False, False),
        ("date_start", Kind.DAY, False, False),
        ("impressions", Kind.COUNT, False, False),
        ("reach", Kind.COUNT, False, True),
        ("spend", Kind.MONEY, False, False),
        ("social_spend", Kind.MONEY, False, False),
        ("cpc", Kind.MONEY, True, False),
        ("cpp", Kind.MONEY, True, True),
        ("cost_per_unique_click", Kind.MONEY, True, True),
        ("ctr", Kind.RATIO, True, False),
        ("frequency", Kind.RATIO, True, True),
        ("actions", Kind.AMOUNT, False, False),
        ("purchase_roas", Kind.AMOUNT, True, False),
        ("unique_actions", Kind.AMOUNT, False, True),
        ("video_play_curve_actions", Kind.NUMBERS, False, False),
        ("results", Kind.AMOUNT, False, False),
        ("cost_per_result", Kind.AMOUNT, True, False),
        ("dda_results", Kind.JSON, False, False),
    ],
)
def test_marks(name: str, kind: Kind, quotient: bool, unique: bool) -> None:  # noqa: FBT001  # a table of cases
    """The fields that people use most have the kind and the marks that their definitions give them."""
    field = FIELDS[name]
    assert (field.kind, field.quotient, field.unique) == (kind, quotient, unique)


def test_marks_follow_names() -> None:
    """Whatever its name calls a cost per something, a rate, a return or unique is marked so."""
    metrics = [field for field in FIELDS.values() if field.shape is not Shape.IDENTITY]
    divided = ("cost_per_", "average_", "video_avg_", "canvas_avg_")
    for field in metrics:
        if field.name.startswith(divided) or field.name.endswith(("_rate", "_ctr", "_roas")):
            assert field.quotient, field.name
        if "unique_" in field.name or field.name.endswith("reach"):
            assert field.unique, field.name
