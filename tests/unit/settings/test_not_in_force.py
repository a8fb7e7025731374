"""What is legal and not carried out yet is never passed over in silence."""

from datetime import UTC, date, datetime

from config.settings import Settings, from_data
from pipeline.summary import Summary

INSIGHTS = {"ad_accounts": ["act_111"], "since": "2026-09-01"}


def settings(**more: object) -> Settings:
    return from_data({"ads_insights": INSIGHTS, **more}, "a test", date(2026, 11, 22))


def test_what_this_version_carries_out_is_in_force() -> None:
    """Ads insights and ad objects are loaded: there is nothing to say."""
    assert settings(ad_objects={}).not_in_force == ()


def test_families_and_settings_that_are_not_carried_out_yet_are_named() -> None:
    """The families and parts of one that are still to come."""
    found = settings(
        brand_safety={"business_ids": ["900"]},
        app_insights={"since": "2026-09-01"},
        attribution={},
    )
    assert found.not_in_force == ("[app_insights]", "[attribution]", "[brand_safety] content")


def test_a_load_says_so() -> None:
    """In words and in JSON."""
    summary = Summary("run", "load", datetime(2026, 11, 22, tzinfo=UTC), not_in_force=("[brand_safety]",))
    assert "NOT IN FORCE [brand_safety]: this version does not carry it out yet" in summary.in_words().splitlines()
    assert summary.as_data()["not_in_force"] == ["[brand_safety]"]
