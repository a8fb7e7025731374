"""What stood beside ads, from the sandbox's truth, by code that shares nothing with the product's typing."""

import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from tests.acceptance.conftest import Sandbox, Shop

Row = dict[str, Any]
CALM = {"late": 0, "lost": 0, "partial": 0, "empty": 0}
CONTENT = ("posts", "videos", "photos", "pages", "ig_media")
SIDES = ("above", "below")


def calm(**more: Any) -> dict[str, Any]:
    """A scenario in which every hour comes whole, apart from what is told."""
    return {"shares": CALM, "parts": 1, "lines": 40, **more}


def labels(since: date, until: date) -> list[str]:
    """Every hour of some days in November, by its label; none of them changes its clock then."""
    days = range((until - since).days + 1)
    return [f"{since + timedelta(days=day)}T{hour:02}:00" for day in days for hour in range(24)]


def impressions(sandbox: Sandbox, business: str, placement: str, hours: list[str]) -> Iterator[Row]:
    """The rows of the files of some hours."""
    platform, position = placement.split("/")
    for hour in hours:
        where = {"business": business, "platform": platform, "position": position, "datetime": hour}
        with urllib.request.urlopen(f"{sandbox.url}/sandbox/truth/brand_safety?{urlencode(where)}") as reply:
            yield from map(json.loads, reply)


def reported(sandbox: Sandbox, ad_set: str, placement: str, hours: list[str]) -> Iterator[Row]:
    """The rows that the table of ad-set reports must have, without its origin."""
    platform, position = placement.split("/")
    for hour in hours:
        where = {"ad_set": ad_set, "platform": platform, "position": position, "datetime": hour}
        start = datetime.fromisoformat(hour)
        for row in sandbox.get("truth/brand_safety/ad_set", **where)["rows"]:
            for item in row["content"] or [{"content_position": ""}]:
                yield {
                    "ad_set_id": ad_set,
                    "platform": platform,
                    "position": position,
                    "date": start.date(),
                    "hour": start,
                    "impression_id": row["impression_id"],
                    "ad_id": row["ad_id"],
                    **item,
                }


def things(sandbox: Sandbox) -> dict[str, Row]:
    """Everything that can be looked up, by its id."""
    return {thing["id"]: thing for thing in sandbox.get("truth/brand_safety/content")["things"]}


def named(rows: Iterator[Row], placement: str) -> dict[str, set[str]]:
    """The ids of each kind of content that rows of files name."""
    found: dict[str, set[str]] = {kind: set() for kind in CONTENT}
    for row in rows:
        for side in SIDES:
            for root in ("", "root_"):
                content, owner = row[f"{side}_content_{root}id"], row[f"{side}_content_{root}owner_id"]
                if content is None:
                    continue
                if placement == "facebook/feed":
                    found["posts"].add(f"{owner}_{content}")
                else:
                    found["videos" if placement == "facebook/reels" else "ig_media"].add(content)
                if placement.startswith("facebook"):
                    found["pages"].add(owner)
    return found


def named_by_reports(rows: Iterator[Row], placement: str) -> dict[str, set[str]]:
    """The ids of each kind of content that rows of ad-set reports name."""
    found: dict[str, set[str]] = {kind: set() for kind in CONTENT}
    for row in rows:
        if placement.startswith("instagram"):
            found["ig_media"] |= {row["ig_content_id"]} if row.get("ig_content_id") else set()
            continue
        for root in ("", "root_"):
            content, owner = row.get(f"content_{root}id"), row.get(f"content_{root}owner_id")
            if content is not None:
                feed = placement == "facebook/feed"
                found["posts" if feed else "videos"].add(f"{owner}_{content}" if feed else content)
                found["pages"].add(str(owner))
    return found


def attached(posts: set[str], known: dict[str, Row]) -> dict[str, set[str]]:
    """The videos and photos that readable posts have attached."""
    found: dict[str, set[str]] = {"videos": set(), "photos": set()}
    for post in (known[name] for name in posts if known[name]["state"] == "public"):
        for item in post["data"].get("attachments", {}).get("data", []):
            target = known.get(item.get("target", {}).get("id", ""))
            if target is not None and target["kind"] in found:
                found[target["kind"]].add(target["id"])
    return found


def all_named(sandbox: Sandbox, business: str, placements: list[str], hours: list[str]) -> dict[str, set[str]]:
    """Every id that must have been looked up."""
    ids: dict[str, set[str]] = {kind: set() for kind in CONTENT}
    for placement in placements:
        for kind, more in named(impressions(sandbox, business, placement, hours), placement).items():
            ids[kind] |= more
    for kind, more in attached(ids["posts"], things(sandbox)).items():
        ids[kind] |= more
    return ids


def expected_content(kind: str, data: Row) -> Row:
    """An object as its table must show it."""
    row = dict(data)
    for name in ("from", "business"):
        members = row.pop(name, {})
        row |= {f"{name}_{member}": value for member, value in members.items()}
    for name in ("created_time", "updated_time", "timestamp"):
        if name in row:
            row[name] = datetime.fromisoformat(row[name]).astimezone(UTC)
    dropped = {"child_media_ids", "child_media_fbids", "update_time"} if kind == "ig_media" else set()
    return {name: value for name, value in row.items() if name not in dropped}


def shown(row: Row) -> Row:
    """A row of a table of content, without what is NULL or tells of its origin."""
    origin = {"fetched_at", "run_id", "seen_by_id"}
    found = {name: value for name, value in row.items() if value is not None and name not in origin}
    return found | {name: json.loads(found[name]) for name in ("attachments", "message_tags", "extra") if name in found}


def refused(shop: Shop) -> dict[tuple[str, str], tuple[int, int | None, int]]:
    """Code, subcode and tries of every id that Meta refused."""
    rows = shop.ask("SELECT kind, id, code, subcode, tries FROM meta.missing_objects")
    return {(kind, name): (code, subcode, tries) for kind, name, code, subcode, tries in rows}
