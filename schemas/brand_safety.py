"""Owns the tables of brand safety: impressions with what stood beside them, and which hours Meta has.

Sources are the tags of graph-api.md section 4: `FV` is Meta's current page on feed verification, `seed 002` an older.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from schemas.columns import ORIGIN, Column, Kind, Table

PLACEMENTS: tuple[str, ...] = (
    "facebook/feed",
    "facebook/reels",
    "instagram/feed",
    "instagram/reels",
    "threads/feed",
)
"""The pairs of platform and position that exist (4.3 [seed 002] [docs: FV]; Threads has no reels [inferred])."""

ASSUMED_ZONE = "America/Los_Angeles"
"""In which zone file hours are read: the sources contradict each other, Pacific is what they say first (4.3)."""
WINDOW = timedelta(days=15)
"""How long Meta keeps an hour (4.1 [seed 002])."""
LATENCY = timedelta(hours=9)
"""How long after its end an hour usually arrives (4.1 [seed 002])."""

_FILES = "graph-api.md 4.4 (b) [seed 002] [docs: FV]"
_RANGES = "graph-api.md 4.4 (a) [seed 002]"


def _line(name: str, meaning: str, kind: Kind = Kind.TEXT) -> Column:
    return Column(name, kind, meaning, source=_FILES)


def _beside(where: str) -> tuple[Column, ...]:
    """The eight columns of the content above or below the ad."""
    unknown = "NULL where it or its owner is private" + (", or the unit is another ad" if where == "above" else "")
    return (
        _line(f"{where}_content_id", f"Content {where} the ad; {unknown}"),
        _line(f"{where}_content_root_id", f"Content that the content {where} the ad shares; {unknown}"),
        _line(f"{where}_content_owner_id", f"Owner of the content {where} the ad; {unknown}"),
        _line(f"{where}_content_root_owner_id", f"Owner of what the content {where} the ad shares; {unknown}"),
        _line(f"{where}_content_language", f"Language of the content {where} the ad; NULL if it cannot be told"),
        _line(f"{where}_content_position", f"Always {where}"),
        Column(
            f"{where}_content_distance", Kind.COUNT, f"Units between the ad and the content {where}", "units", _FILES
        ),
        _line(f"{where}_content_privacy", f"Whether the content {where} the ad is public or private"),
    )


LINE: tuple[Column, ...] = (
    _line("time_key", "Hour of the impression as Meta labels it, without a zone"),
    _line("ad_account_id", "Ad account"),
    _line("campaign_id", "Campaign"),
    _line("ad_set_id", "Ad set"),
    _line("ad_id", "Ad"),
    _line("impression_id", "Impression; unique within its hour"),
    *_beside("above"),
    *_beside("below"),
)
"""What one line of an hourly file carries."""

_PLATFORM = Column("platform", Kind.TEXT, "Platform: facebook, instagram or threads", source="4.3 [docs: FV]")
_POSITION = Column("position", Kind.TEXT, "Position on the platform: feed or reels", source="4.3 [seed 002]")
_ZONE = Column(
    "assumed_time_zone",
    Kind.TEXT,
    "Time zone in which we read the hours; Meta's pages contradict each other about it",
    source="4.3 [seed 002] [inferred]",
)

IMPRESSIONS = Table(
    "brand_safety_impressions",
    "Impressions of ads in feeds and reels, with the public content right above and below them",
    (
        Column("business_id", Kind.TEXT, "Business whose files these are", source="4.2 (b) [seed 002]"),
        _PLATFORM,
        _POSITION,
        Column("date", Kind.DAY, "Day of the hour, in the assumed time zone"),
        Column("hour", Kind.LOCAL_TIME, "Hour of the file, wall time of the assumed time zone"),
        _ZONE,
        *LINE,
        Column("extra", Kind.JSON, "What the line carried and no column declares"),
        *ORIGIN,
    ),
    ("business_id", "platform", "position", "hour", "impression_id"),
    ("business_id", "platform", "position", "date"),
)

_RANGE = (
    _PLATFORM,
    _POSITION,
    Column("is_download", Kind.FLAG, "Whether this is about the hourly files", source="4.3 [seed 002]"),
    _ZONE,
    Column("earliest_datetime", Kind.TEXT, "First hour that Meta has, as sent; may be a day that is none", "", _RANGES),
    Column("latest_datetime", Kind.TEXT, "Last hour that Meta has, as sent; may be a day that is none", "", _RANGES),
    Column("missing_datetimes", Kind.JSON, "Hours between them that never came or are late, as sent", "", _RANGES),
    *ORIGIN,
)

AVAILABILITY = Table(
    "brand_safety_availability",
    "Which hours Meta has of a placement, as last seen",
    _RANGE,
    ("platform", "position", "is_download"),
    ("platform", "position"),
)
HISTORY = Table(
    "brand_safety_availability_history",
    "Which hours Meta had of a placement: one row for each change that was seen",
    _RANGE,
    ("platform", "position", "is_download", "fetched_at"),
    ("platform", "position"),
)

BRAND_SAFETY_TABLES: Mapping[str, Table] = MappingProxyType(
    {table.name: table for table in (IMPRESSIONS, AVAILABILITY, HISTORY)}
)
"""The tables of the hourly files, by name."""
