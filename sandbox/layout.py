"""Owns the seeded facts' vector: which number stands where, and how stored parts become attribution windows."""

from collections.abc import Sequence

from sandbox.figures import Number

Vector = tuple[int, ...]

IMPRESSIONS, CLICKS, SPEND, SOCIAL_SPEND = 0, 1, 2, 3
"""Positions of the plain numbers; both spends are in millionths."""

ON_SITE = (
    "link_click",
    "post_reaction",
    "comment",
    "post",
    "like",
    "photo_view",
    "video_view",
    "landing_page_view",
    "onsite_conversion.post_save",
)
"""Actions that happen with the impression: two parts, after a click and after a view, both within a day."""

OFF_SITE = (
    "offsite_conversion.fb_pixel_view_content",
    "offsite_conversion.fb_pixel_add_to_cart",
    "offsite_conversion.fb_pixel_initiate_checkout",
    "offsite_conversion.fb_pixel_purchase",
    "offsite_conversion.fb_pixel_lead",
    "offsite_conversion.custom.1202099900000001",
    "mobile_app_install",
    "onsite_conversion.messaging_conversation_started_7d",
)
"""Conversions: five parts, see `windows`."""

CONVERSIONS = ("contact_website", "subscribe_website")
VALUES = ("offsite_conversion.fb_pixel_add_to_cart", "offsite_conversion.fb_pixel_purchase")
CONVERSION_VALUES = ("subscribe_website",)
VIDEO = (
    "video_play_actions",
    "video_continuous_2_sec_watched_actions",
    "video_p25_watched_actions",
    "video_p50_watched_actions",
    "video_p75_watched_actions",
    "video_p95_watched_actions",
    "video_p100_watched_actions",
    "video_30_sec_watched_actions",
    "video_thruplay_watched_actions",
    "video_time_watched_actions",
)
"""List metrics with one element of type video_view each; the last counts seconds."""

PARTS = 5
"""Parts of a conversion: click within 1 day, within 7, within 28, view within 1 day, engaged view within 1 day."""


def _positions(names: Sequence[str], first: int, width: int) -> dict[str, int]:
    return {name: first + width * index for index, name in enumerate(names)}


ON_SITE_AT = _positions(ON_SITE, 4, 2)
OFF_SITE_AT = _positions(OFF_SITE, 4 + 2 * len(ON_SITE), PARTS)
CONVERSIONS_AT = _positions(CONVERSIONS, max(OFF_SITE_AT.values()) + PARTS, PARTS)
VALUES_AT = _positions(VALUES, max(CONVERSIONS_AT.values()) + PARTS, PARTS)
CONVERSION_VALUES_AT = _positions(CONVERSION_VALUES, max(VALUES_AT.values()) + PARTS, PARTS)
VIDEO_AT = _positions(VIDEO, max(CONVERSION_VALUES_AT.values()) + PARTS, 1)
OUTBOUND_AT = max(VIDEO_AT.values()) + 1
LENGTH = OUTBOUND_AT + 1

ENGAGEMENT = (
    "link_click",
    "post_reaction",
    "comment",
    "post",
    "like",
    "photo_view",
    "video_view",
    "onsite_conversion.post_save",
)
GROUPS: dict[str, tuple[str, ...]] = {
    "post_engagement": ENGAGEMENT,
    "page_engagement": ENGAGEMENT,
    "lead": ("offsite_conversion.fb_pixel_lead",),
    "omni_view_content": ("offsite_conversion.fb_pixel_view_content",),
    "omni_add_to_cart": ("offsite_conversion.fb_pixel_add_to_cart",),
    "omni_initiated_checkout": ("offsite_conversion.fb_pixel_initiate_checkout",),
    "omni_purchase": ("offsite_conversion.fb_pixel_purchase",),
    "omni_app_install": ("mobile_app_install",),
    "contact_total": ("contact_website",),
    "subscribe_total": ("subscribe_website",),
}
"""Action types that already contain others (graph-api.md 2.7.12): their parts are sums of their members'."""


def windows(parts: Sequence[int], unit: int = 1) -> dict[str, int]:
    """Turn the parts of an action into its windows (2.8); `value` is 7d_click + 1d_view; zeros are left out."""
    day, week, month, view, engaged = parts
    figures = {
        "value": day + week + view,
        "1d_click": day,
        "7d_click": day + week,
        "28d_click": day + week + month,
        "1d_view": view,
        "1d_ev": engaged,
    }
    return {name: figure * unit for name, figure in figures.items() if figure}


def padded(vector: Vector, at: int, width: int) -> tuple[int, ...]:
    """Return an action's five parts; those that happen on site fill only the one-day parts."""
    if width == PARTS:
        return vector[at : at + PARTS]
    view = vector[at + 1] if width > 1 else 0
    return (vector[at], 0, 0, view, 0)


def plus(vectors: Sequence[Vector]) -> Vector:
    """Add vectors up, position by position."""
    if len(vectors) == 1:
        return vectors[0]
    return tuple(map(sum, zip(*vectors, strict=True)))


def nonzero(figures: dict[str, Number]) -> dict[str, Number]:
    """Leave out what is zero: absent means absent (graph-api.md 2.7.8)."""
    return {name: figure for name, figure in figures.items() if figure}
