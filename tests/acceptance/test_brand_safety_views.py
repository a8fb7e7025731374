"""The views of brand safety count what the files tell, and set it beside ads insights."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.adjacent_truth import SIDES, calm, impressions, labels
from tests.acceptance.conftest import NOW, Sandbox, Shop, running_sandbox

SINCE, UNTIL = date(2026, 11, 16), date(2026, 11, 17)
DAYS = ("--since", str(SINCE), "--until", str(UNTIL))
PLACEMENTS = ["facebook/feed", "instagram/reels"]
BUSINESSES = ["900", "901"]
SAFETY = f"""
[brand_safety]
business_ids = {json.dumps(BUSINESSES)}
placements = {json.dumps(PLACEMENTS)}
content = false
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, Sandbox]]:
    """Two days of both businesses, with ads insights."""
    with running_sandbox("--size", "small") as sandbox:
        sandbox.script(brand_safety=calm(lines=200))
        shop = Shop(tmp_path_factory.mktemp("views"), sandbox.url, sandbox.files)
        shop.configure(since=SINCE, objects="", more=SAFETY)
        assert shop.load(*DAYS).code == 0
        yield shop, sandbox


def true_rows(sandbox: Sandbox) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Every impression with what both views group by."""
    for business in BUSINESSES:
        for placement in PLACEMENTS:
            for row in impressions(sandbox, business, placement, labels(SINCE, UNTIL)):
                day = date.fromisoformat(row["time_key"][:10])
                yield (business, day, row["ad_account_id"], row["campaign_id"], *placement.split("/")), row


def delivered(sandbox: Sandbox) -> dict[tuple[str, date], int]:
    """Impressions by campaign and day, as ads insights tell them."""
    found: dict[tuple[str, date], int] = {}
    for account in ("111", "222", "333"):
        days = {"since": str(SINCE), "until": str(UNTIL)}
        rows = sandbox.insights(
            account, NOW, level="campaign", fields="campaign_id,impressions", time_range=days, time_increment="1"
        )
        found |= {(row["campaign_id"], date.fromisoformat(row["date_start"])): int(row["impressions"]) for row in rows}
    return found


def test_exposure(loaded: tuple[Shop, Sandbox]) -> None:
    """Impressions by campaign, placement, language, owner and privacy, per day and side, beside ads insights."""
    shop, sandbox = loaded
    campaigns = delivered(sandbox)
    counts = Counter(
        (*place, side, *(row[f"{side}_content_{name}"] for name in ("language", "owner_id", "privacy")))
        for place, row in true_rows(sandbox)
        for side in SIDES
    )
    expected = {(*key, count, campaigns.get((key[3], key[1]))) for key, count in counts.items()}
    found = shop.ask("SELECT * FROM brand_safety_exposure")
    assert len(found) == len(expected) > 500
    assert set(found) == expected
    assert {row[-1] is None for row in found} == {True, False}


def test_coverage(loaded: tuple[Shop, Sandbox]) -> None:
    """Of how many impressions the content above, below, on either and on both sides is known, and their share."""
    shop, sandbox = loaded
    campaigns = delivered(sandbox)
    counts: dict[tuple[Any, ...], list[int]] = {}
    for place, row in true_rows(sandbox):
        above, below = (row[f"{side}_content_id"] is not None for side in SIDES)
        sums = counts.setdefault(place, [0] * 5)
        for at, met in enumerate((True, above, below, above or below, above and below)):
            sums[at] += met
    expected = {
        (*place, *sums, round(sums[3] / sums[0], 6), campaigns.get((place[3], place[1])))
        for place, sums in counts.items()
    }
    assert set(shop.ask("SELECT * FROM brand_safety_coverage")) == expected


def test_views_say_what_they_mean(loaded: tuple[Shop, Sandbox]) -> None:
    """A SQL client shows a sentence for each view and for each of its columns."""
    shop, _ = loaded
    views = shop.ask("SELECT view_name, comment FROM duckdb_views() WHERE NOT internal AND view_name LIKE 'brand%'")
    assert {name for name, comment in views if comment} == {"brand_safety_exposure", "brand_safety_coverage"}
    columns = shop.ask(
        "SELECT table_name, column_name, comment FROM duckdb_columns() "
        "WHERE table_name IN ('brand_safety_exposure', 'brand_safety_coverage')"
    )
    assert len(columns) == 25
    assert not [column for column in columns if not column[2]]


@pytest.mark.parametrize("level", ["account", None])
def test_views_without_campaigns_in_ads_insights(tmp_path: Path, sandbox: Sandbox, level: str | None) -> None:
    """Where ads insights do not tell of campaigns, or are not loaded, the views are there and leave them NULL."""
    sandbox.script(brand_safety=calm())
    shop = Shop(tmp_path, sandbox.url, sandbox.files)
    name = "ads_insights" if level else "elsewhere"
    report = f'[[ads_insights.reports]]\nname = "{name}"\nlevel = "{level or "campaign"}"'
    shop.configure(accounts=("111",), since=SINCE, reports=report, objects="", more=SAFETY)
    assert shop.load("--since", str(SINCE), "--until", str(SINCE)).code == 0
    for view in ("brand_safety_exposure", "brand_safety_coverage"):
        told = f"SELECT sum(impressions), count(insights_impressions) FROM {view}"
        sides = 2 if view == "brand_safety_exposure" else 1
        assert shop.ask(told) == [(24 * 40 * len(PLACEMENTS) * len(BUSINESSES) * sides, 0)]


def test_no_views_without_files(shop: Shop) -> None:
    """A warehouse without the files has no views over them, and its publication is none the worse."""
    shop.configure(accounts=("111",), since=SINCE, objects="")
    assert shop.load("--since", str(SINCE), "--until", str(SINCE)).code == 0
    assert not shop.ask("SELECT view_name FROM duckdb_views() WHERE view_name LIKE 'brand_safety%'")
