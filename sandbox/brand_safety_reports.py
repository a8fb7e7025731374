"""Owns ad-set reports, endpoint (c) of graph-api.md 4.2: rows of one ad set and hour, paged, with a summary."""

from typing import Any

from sandbox.brand_safety_content import Content, ContentWorld
from sandbox.brand_safety_hours import Hour
from sandbox.digest import draw, octets, pick
from sandbox.faults import GraphError, named
from sandbox.paging import opaque_cursor, read_opaque
from sandbox.world import Node, World

Row = dict[str, Any]

SMALLEST, LARGEST = 25, 5000
"""`limit` outside is taken for the nearest end (4.3)."""

SUMMARY = ("total_count", "earliest_datetime", "latest_datetime")
_MOST_ROWS = 90


def rows(world: World, contents: ContentWorld, seed: int, adset: Node, hour: Hour) -> list[Row]:
    """Return an hour's rows of an ad set, in their order; none for an ad set without ads."""
    ads = world.children(adset.id, "ad")
    count = draw(seed, "report", *hour.key) % _MOST_ROWS if ads else 0
    shown = contents.shown[hour.platform, hour.position]
    return [
        {
            "impression_id": octets(seed, "impression", *hour.key, number).hex(),
            "ad_id": pick(ads, seed, "ad", *hour.key, number).id,
            "content": _content(seed, hour, number, shown),
        }
        for number in range(count)
    ]


def _content(seed: int, hour: Hour, number: int, shown: tuple[Content, ...]) -> list[Row]:
    """Return what stood beside: both sides mostly, one or none now and then."""
    lot = draw(seed, "sides", *hour.key, number) % 12
    sides = {0: (), 1: ("above",), 2: ("below",)}.get(lot, ("above", "below"))
    return [_item(hour, pick(shown, seed, side, *hour.key, number), side) for side in sides]


def _item(hour: Hour, content: Content, side: str) -> Row:
    return {
        **(_instagram_ids(content) if hour.platform == "instagram" else _facebook_ids(content)),
        "content_language": None if content.private else content.language,
        "content_position": side,
        "content_distance": 1,
        "content_privacy": "private" if content.private else "public",
    }


def _facebook_ids(content: Content) -> Row:
    if content.private:
        return {"content_id": None, "content_owner_id": None}
    roots = {"content_root_id": content.root_id, "content_root_owner_id": content.root_owner_id}
    shared = content.root_id != content.id
    return {"content_id": content.id, "content_owner_id": content.owner_id, **(roots if shared else {})}


def _instagram_ids(content: Content) -> Row:
    if content.private:
        return {"content_id": None, "ig_content_id": None, "content_owner_id": None, "ig_content_owner_id": None}
    return {
        "content_id": content.facebook_id,
        "ig_content_id": content.id,
        "content_owner_id": content.facebook_owner_id,
        "ig_content_owner_id": content.owner_id,
    }


def start_after(cursor: str, count: int) -> int:
    """Return where a cursor leads to among `count` rows; a bad one is 100/2349049."""
    if not cursor:
        return 0
    try:
        known = int(read_opaque(cursor))
    except (GraphError, ValueError) as error:
        raise named("100/2349049") from error
    if not 0 < known <= count:
        raise named("100/2349049")
    return known


def cursor_after(number: int) -> str:
    """Return the cursor behind so many rows; digits only, as an opaque cursor must not hold its own padding."""
    return opaque_cursor(str(number))
