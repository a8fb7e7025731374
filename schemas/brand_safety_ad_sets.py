"""Owns the table of ad-set reports: impressions of one ad set, a row for each content beside the ad.

Source of every column: graph-api.md 4.4 (c) [seed 002]; Meta's page no longer shows this report since September 2026.
"""

from schemas.columns import ORIGIN, Column, Kind, Table

_SOURCE = "graph-api.md 4.4 (c) [seed 002]"
_PRIVATE = "NULL where it or its owner is private"


def _column(name: str, meaning: str, kind: Kind = Kind.TEXT, unit: str = "") -> Column:
    return Column(name, kind, meaning, unit, _SOURCE)


OF_ROW: tuple[Column, ...] = (
    _column("impression_id", "Impression: a long text, not the id that hourly files give"),
    _column("ad_id", "Ad"),
)
OF_CONTENT: tuple[Column, ...] = (
    _column("content_position", "above or below the ad; empty for an impression that came without content"),
    _column("content_id", f"Content on Facebook; {_PRIVATE}"),
    _column("content_owner_id", f"Its owner on Facebook; {_PRIVATE}"),
    _column("content_root_id", "Content on Facebook that it shares; NULL if it shares nothing"),
    _column("content_root_owner_id", "Owner of what it shares"),
    _column("ig_content_id", f"Content on Instagram; {_PRIVATE}"),
    _column("ig_content_owner_id", f"Its owner on Instagram; {_PRIVATE}"),
    _column("content_language", "Language of the content; NULL if it cannot be told"),
    _column("content_distance", "Units between the ad and the content", Kind.COUNT, "units"),
    _column("content_privacy", "Whether the content is public or private"),
)

AD_SET_IMPRESSIONS = Table(
    "brand_safety_ad_set_impressions",
    "Impressions of single ad sets with the public content right above and below the ad: one row for each content",
    (
        _column("ad_set_id", "Ad set whose report this is"),
        _column("platform", "Platform: facebook, instagram or threads"),
        _column("position", "Position on the platform: feed or reels"),
        Column("date", Kind.DAY, "Day of the hour, in the assumed time zone"),
        Column("hour", Kind.LOCAL_TIME, "Hour of the report, wall time of the assumed time zone"),
        Column("assumed_time_zone", Kind.TEXT, "Time zone in which the hour was asked for", source="4.3 [seed 002]"),
        *OF_ROW,
        *OF_CONTENT,
        Column("extra", Kind.JSON, "What the row or its content carried and no column declares"),
        *ORIGIN,
    ),
    ("ad_set_id", "platform", "position", "hour", "impression_id", "content_position"),
    ("ad_set_id", "platform", "position", "date"),
)
