from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.client import Client, unordered

WEEK = {"since": "2026-11-10", "until": "2026-11-16"}
DAILY: dict[str, Any] = {
    "level": "ad",
    "fields": "ad_id,impressions,spend,clicks",
    "time_range": WEEK,
    "time_increment": "1",
}


def total(rows: list[dict[str, Any]], name: str) -> Decimal:
    """Return the sum of a metric over rows."""
    return sum((Decimal(row.get(name, 0)) for row in rows), Decimal(0))


def actions(rows: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Return the sums of every window of every action type."""
    found: Counter[tuple[str, str]] = Counter()
    for row in rows:
        for element in row.get("actions", []):
            for window in ("value", "1d_click", "7d_click", "1d_view"):
                found[element["action_type"], window] += int(element.get(window, 0))
    return found


@pytest.mark.parametrize(
    "breakdowns",
    [
        "age",
        "age,gender",
        "country",
        "region",
        "publisher_platform,platform_position,impression_device",
        "publisher_platform,device_platform",
        "hourly_stats_aggregated_by_advertiser_time_zone",
        "product_id",
        "image_asset,age",
    ],
)
async def test_breakdowns_sum_to_the_total(client: Client, breakdowns: str) -> None:
    """Impressions, clicks, spend and every window of every action sum over breakdown rows to the total."""
    asked: dict[str, Any] = {
        "level": "ad",
        "fields": "ad_id,impressions,clicks,spend,actions",
        "time_range": WEEK,
        "action_attribution_windows": ["1d_click", "7d_click", "1d_view"],
    }
    whole = await client.truth(**asked)
    split = await client.truth(**asked, breakdowns=breakdowns)
    assert len(split) > len(whole)
    for name in ("impressions", "clicks", "spend"):
        assert total(split, name) == total(whole, name)
    assert actions(split) == actions(whole)


async def test_levels_sum_up(client: Client) -> None:
    """The account's row is the sum of its ads, and its reach is not."""
    fields = "impressions,spend,clicks,reach"
    ads = await client.truth(level="ad", fields=fields, time_range=WEEK)
    account = await client.truth(level="account", fields=fields, time_range=WEEK)
    assert len(account) == 1
    for name in ("impressions", "spend", "clicks"):
        assert Decimal(account[0][name]) == total(ads, name)
    assert Decimal(account[0]["reach"]) < total(ads, "reach")


async def test_ratios(client: Client) -> None:
    """Ratios follow from the row's own numbers with up to six decimals."""
    fields = "impressions,spend,clicks,reach,ctr,cpm,cpc,frequency"
    row = (await client.truth(level="account", fields=fields, time_range=WEEK))[0]
    spend, impressions = Decimal(row["spend"]), Decimal(row["impressions"])
    places = Decimal("0.000001")
    assert Decimal(row["cpm"]) == (1000 * spend / impressions).quantize(places)
    assert Decimal(row["ctr"]) == (100 * Decimal(row["clicks"]) / impressions).quantize(places)
    assert Decimal(row["cpc"]) == (spend / Decimal(row["clicks"])).quantize(places)
    assert Decimal(row["frequency"]) == (impressions / Decimal(row["reach"])).quantize(places)


async def test_synchronous_pages(client: Client) -> None:
    """Synchronous rows page to the truth, 25 at a time when no limit is given."""
    first = await client.get("act_111/insights", **DAILY)
    assert len(first.rows) == 25
    assert unordered(await client.all_rows("act_111/insights", **DAILY)) == unordered(await client.truth(**DAILY))


async def test_page_too_large(client: Client) -> None:
    """A limit above 5000 is HTTP 500, code 1, asking for less."""
    answer = await client.get("act_111/insights", **DAILY, limit="5001")
    assert (answer.status, answer.error["code"]) == (500, 1)
    assert answer.error["message"] == "Please reduce the amount of data you're asking for, then retry your request"


async def test_default_fields(client: Client) -> None:
    """Without fields a campaign row holds the ids of its level, both dates, impressions and spend."""
    rows = await client.truth(level="campaign", date_preset="yesterday")
    assert set(rows[0]) == {"account_id", "campaign_id", "impressions", "spend", "date_start", "date_stop"}


async def test_summary(client: Client) -> None:
    """The summary totals all rows, not those of the page."""
    answer = await client.get("act_111/insights", **DAILY, summary="impressions", limit="2")
    assert Decimal(answer.body["summary"]["impressions"]) == total(await client.truth(**DAILY), "impressions")


async def test_sort(client: Client) -> None:
    """Sorting by a metric orders rows by number, not by text."""
    rows = (await client.get("act_111/insights", **DAILY, sort="impressions_descending", limit="500")).rows
    numbers = [int(row["impressions"]) for row in rows]
    assert numbers == sorted(numbers, reverse=True)


@pytest.mark.parametrize(
    ("name", "since", "until"),
    [
        ("yesterday", "2026-11-21", "2026-11-21"),
        ("last_7d", "2026-11-15", "2026-11-21"),
        ("last_30d", "2026-10-23", "2026-11-21"),
        ("this_month", "2026-11-01", "2026-11-22"),
        ("last_month", "2026-10-01", "2026-10-31"),
        ("this_quarter", "2026-10-01", "2026-11-22"),
        ("last_quarter", "2026-07-01", "2026-09-30"),
        ("last_week_mon_sun", "2026-11-09", "2026-11-15"),
        ("last_week_sun_sat", "2026-11-15", "2026-11-21"),
        ("this_week_sun_today", "2026-11-22", "2026-11-22"),
        ("maximum", "2023-10-22", "2026-11-22"),
    ],
)
async def test_presets(client: Client, name: str, since: str, until: str) -> None:
    """Presets are days of the account's zone, where it is still the 22nd."""
    row = (await client.truth(level="account", date_preset=name))[0]
    assert (row["date_start"], row["date_stop"]) == (since, until)


async def test_increments(client: Client) -> None:
    """N days are cut at the range's end, months at both."""
    asked: dict[str, Any] = {"level": "account", "time_range": {"since": "2026-10-20", "until": "2026-11-05"}}
    by_ten = await client.truth(**asked, time_increment="10")
    assert [(row["date_start"], row["date_stop"]) for row in by_ten] == [
        ("2026-10-20", "2026-10-29"),
        ("2026-10-30", "2026-11-05"),
    ]
    monthly = await client.truth(**asked, time_increment="monthly")
    assert [(row["date_start"], row["date_stop"]) for row in monthly] == [
        ("2026-10-20", "2026-10-31"),
        ("2026-11-01", "2026-11-05"),
    ]


async def test_view_windows_without_data(client: Client) -> None:
    """7d_view and 28d_view are accepted and give no keys; windows not asked for give none either."""
    rows = await client.truth(
        level="account",
        fields="actions",
        time_range=WEEK,
        action_attribution_windows=["7d_view", "28d_view", "7d_click"],
    )
    keys = {key for element in rows[0]["actions"] for key in element}
    assert keys == {"action_type", "value", "7d_click"}


async def test_empty_action_breakdowns(client: Client) -> None:
    """An empty list of action breakdowns gives one element per metric, without action_type."""
    rows = await client.truth(level="account", fields="actions,impressions", time_range=WEEK, action_breakdowns=[])
    assert [set(element) for element in rows[0]["actions"]] == [{"value"}]


async def test_action_breakdowns(client: Client) -> None:
    """Devices split each action type without changing its total."""
    asked: dict[str, Any] = {"level": "account", "fields": "actions", "time_range": WEEK}
    plain = await client.truth(**asked)
    split = await client.truth(**asked, action_breakdowns=["action_type", "action_device"])
    assert {element["action_device"] for element in split[0]["actions"]} == {"iPhone", "Android Smartphone", "Desktop"}
    assert actions(split) == actions(plain)


async def test_zero_is_absent(client: Client) -> None:
    """No metric is ever printed as 0."""
    rows = await client.truth(**DAILY | {"breakdowns": "age,gender"})
    assert all(value not in {"0", "0.0", None} for row in rows for value in row.values())
    assert any("clicks" not in row for row in rows)


async def test_forgotten_breakdown_key(client: Client) -> None:
    """One ad of account 222 now and then has a row without its breakdown's key."""
    rows = await client.truth("222", **DAILY | {"breakdowns": "age"})
    assert any("age" not in row for row in rows)
    assert all("age" in row for row in await client.truth("111", **DAILY | {"breakdowns": "age"}))


async def test_opt_in_breakdowns(client: Client) -> None:
    """An account that has not opted in has no rows under impression_device, and no error."""
    asked: dict[str, Any] = {"level": "ad", "time_range": WEEK, "breakdowns": "publisher_platform,impression_device"}
    assert (await client.truth("333", **asked)) == []
    assert (await client.truth("111", **asked)) != []


async def test_unique_metrics_beyond_13_months(client: Client) -> None:
    """With a breakdown and a start beyond 13 months reach is left out; impressions stay."""
    asked: dict[str, Any] = {"level": "account", "fields": "impressions,reach", "breakdowns": "age"}
    old = await client.truth(**asked, time_range={"since": "2025-09-01", "until": "2026-11-01"})
    assert all("reach" not in row and "impressions" in row for row in old)
    assert all("reach" in row for row in await client.truth(**asked, time_range=WEEK) if int(row["impressions"]))


async def test_hourly_reach_is_zero(client: Client) -> None:
    """Hourly rows carry reach 0 and the hour's own column; dates stay plain."""
    rows = await client.truth(
        level="account",
        fields="impressions,reach",
        time_range=WEEK,
        breakdowns="hourly_stats_aggregated_by_advertiser_time_zone",
    )
    assert {row["reach"] for row in rows} == {"0"}
    assert "00:00:00 - 00:59:59" in {row["hourly_stats_aggregated_by_advertiser_time_zone"] for row in rows}
    assert {row["date_start"] for row in rows} == {"2026-11-10"}


async def test_asset_breakdown(client: Client) -> None:
    """An asset breakdown's column is an object."""
    rows = await client.truth(level="ad", time_range=WEEK, breakdowns="video_asset", fields="impressions")
    assert set(rows[0]["video_asset"]) == {"video_id", "url", "thumbnail_url", "video_name", "id"}


async def test_results(client: Client) -> None:
    """A row of one objective has results in Meta's shape."""
    rows = await client.truth(level="ad", time_range=WEEK, fields="objective,results,cost_per_result")
    traffic = next(row for row in rows if row["objective"] == "OUTCOME_SALES")
    element = traffic["results"][0]
    assert element["indicator"] == "actions:offsite_conversion.fb_pixel_purchase"
    assert element["values"][0]["attribution_windows"] == ["default"]


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("time_range", "{'since':'2026-11-10','until':'2026-11-16'}"),
        ("time_range", '{since:"2026-11-10",until:"2026-11-16",}'),
        ("brackets", ""),
    ],
)
async def test_lenient_parameters(client: Client, form: str, value: str) -> None:
    """Single quotes, bare keys, trailing commas and PHP brackets mean the same as strict JSON."""
    if form == "brackets":
        given = {"time_range[since]": "2026-11-10", "time_range[until]": "2026-11-16", "fields[0]": "impressions"}
    else:
        given = {form: value, "fields": '["impressions"]'}
    strict = await client.truth(level="account", fields="impressions", time_range=WEEK)
    assert (await client.get("act_111/insights", level="account", **given)).rows == strict


async def test_product_limit(client: Client) -> None:
    """product_id_limit keeps so many products of each ad."""
    asked: dict[str, Any] = {"level": "ad", "fields": "ad_id", "time_range": WEEK, "breakdowns": "product_id"}
    every, one = await client.truth(**asked), await client.truth(**asked, product_id_limit="1")
    assert {row["ad_id"] for row in one} == {row["ad_id"] for row in every}
    assert len(one) == len({row["ad_id"] for row in every}) < len(every)


async def test_labels_by_level(client: Client) -> None:
    """Labels of a level that the row does not have are absent."""
    labels = "account_name,account_currency,campaign_name,objective,attribution_setting,optimization_goal,ad_name"
    asked: dict[str, Any] = {"fields": f"{labels},quality_ranking", "time_range": WEEK}
    dates = {"date_start", "date_stop"}
    account = (await client.truth(level="account", **asked))[0]
    campaign = (await client.truth(level="campaign", **asked))[0]
    ad = (await client.truth(level="ad", **asked))[0]
    assert set(account) == {"account_name", "account_currency"} | dates
    assert set(campaign) == {"account_name", "account_currency", "campaign_name", "objective"} | dates
    assert set(ad) == {*labels.split(","), "quality_ranking"} | dates
