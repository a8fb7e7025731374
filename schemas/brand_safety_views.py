"""Owns the views of brand safety: what ads stood beside, and of how many impressions that is known.

A business's files and another's may both hold an ad account that the two share, so `business_id` belongs to the grain.
Days are those of the assumed time zone of the files; the days of ads insights are the ad account's (graph-api.md 4.3).
"""

from schemas.view import View

_INSIGHTS = """
  LEFT JOIN (
    SELECT account_id, campaign_id, date_start, sum(impressions)::BIGINT AS impressions
    FROM ads_insights WHERE date_start = date_stop GROUP BY ALL
  ) insights
  ON insights.account_id = found.ad_account_id AND insights.campaign_id = found.campaign_id
  AND insights.date_start = found.date
"""
"""Impressions of a campaign and day, whatever the report's level and breakdowns: they may be added up."""

_EXPOSURE = """
SELECT found.*, {insights} AS insights_impressions
FROM (
  SELECT business_id, date, ad_account_id, campaign_id, platform, position, side.content_position,
    side.content_language, side.content_owner_id, side.content_privacy, count(*) AS impressions
  FROM (
    SELECT business_id, date, ad_account_id, campaign_id, platform, position, unnest([
      {{content_position: 'above', content_language: above_content_language,
        content_owner_id: above_content_owner_id, content_privacy: above_content_privacy}},
      {{content_position: 'below', content_language: below_content_language,
        content_owner_id: below_content_owner_id, content_privacy: below_content_privacy}}]) AS side
    FROM brand_safety_impressions
  )
  GROUP BY ALL
) found
{join}
"""

_COVERAGE = """
SELECT found.*, round(known::DOUBLE / found.impressions, 6) AS share_known, {insights} AS insights_impressions
FROM (
  SELECT business_id, date, ad_account_id, campaign_id, platform, position, count(*) AS impressions,
    count(above_content_id) AS known_above, count(below_content_id) AS known_below,
    count(coalesce(above_content_id, below_content_id)) AS known,
    count(*) FILTER (above_content_id IS NOT NULL AND below_content_id IS NOT NULL) AS known_on_both_sides
  FROM brand_safety_impressions
  GROUP BY ALL
) found
{join}
"""

_GRAIN = {
    "business_id": "Business whose files tell of the impressions",
    "date": "Day, in the assumed time zone of the files",
    "ad_account_id": "Ad account",
    "campaign_id": "Campaign",
    "platform": "Platform: facebook, instagram or threads",
    "position": "Position on the platform: feed or reels",
}
_OF_INSIGHTS = {
    "insights_impressions": "Impressions of the campaign on that day of its account, in all placements, from "
    "ads_insights; NULL where that does not tell"
}
_EXPOSURE_COLUMNS = {
    **_GRAIN,
    "content_position": "above or below the ad: an impression counts once on each side",
    "content_language": "Language of the content; NULL if it cannot be told",
    "content_owner_id": "Owner of the content; NULL where it is private",
    "content_privacy": "Whether the content is public or private",
    "impressions": "Impressions beside such content",
    **_OF_INSIGHTS,
}
_COVERAGE_COLUMNS = {
    **_GRAIN,
    "impressions": "Impressions in the files",
    "known_above": "Of these, with the content above known",
    "known_below": "Of these, with the content below known",
    "known": "Of these, with the content on either side known",
    "known_on_both_sides": "Of these, with the content on both sides known",
    "share_known": "known, of impressions",
    **_OF_INSIGHTS,
}
_FILES = ("brand_safety_impressions",)
_BOTH = (
    *_FILES,
    *(f"ads_insights.{column}" for column in ("account_id", "campaign_id", "date_start", "date_stop", "impressions")),
)


def _both_ways(name: str, meaning: str, select: str, columns: dict[str, str]) -> tuple[View, View]:
    """A view with ads insights, and one for a warehouse in which they do not tell of campaigns."""
    return (
        View(name, meaning, select.format(insights="insights.impressions", join=_INSIGHTS), _BOTH, columns),
        View(name, meaning, select.format(insights="NULL::BIGINT", join=""), _FILES, columns),
    )


BRAND_SAFETY_VIEWS: tuple[View, ...] = (
    *_both_ways(
        "brand_safety_exposure",
        "Impressions by what stood beside the ad: campaign, placement, language, content owner and privacy, per day",
        _EXPOSURE,
        _EXPOSURE_COLUMNS,
    ),
    *_both_ways(
        "brand_safety_coverage",
        "Of how many impressions the content beside the ad is known: campaign and placement, per day",
        _COVERAGE,
        _COVERAGE_COLUMNS,
    ),
)
