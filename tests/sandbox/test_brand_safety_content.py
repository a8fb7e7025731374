import json
from collections import Counter
from typing import Any

import pytest

from tests.sandbox.brand_safety_client import FEED, calm, true_rows
from tests.sandbox.client import Client
from tests.sandbox.conftest import Start

FIELDS = {
    "posts": "attachments,created_time,updated_time,message,message_tags,from,permalink_url",
    "videos": "permalink_url,source,created_time,updated_time,from,description,picture",
    "photos": "name,created_time,updated_time,alt_text,from,picture",
    "pages": "name,about,business,category,link",
    "ig_media": "caption,permalink,shortcode,thumbnail_url,timestamp,media_url,comments_count,like_count,"
    "media_product_type,media_type,is_comment_enabled,username,child_media_ids,child_media_fbids,update_time",
}
REFUSED = {"gone": (400, 100, 33), "private": (403, 200, None), "forbidden": (403, 10, None)}


async def things(client: Client, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/sandbox/truth/brand_safety/content", kind=kind)).body["things"]
    return found


@pytest.mark.parametrize("kind", list(FIELDS))
async def test_look_ups_equal_the_truth(client: Client, kind: str) -> None:
    """Each object shows its fields, or the error of its state; all states occur."""
    found = await things(client, kind)
    for thing in found[:150]:
        answer = await client.get(thing["id"], fields=FIELDS[kind])
        if thing["state"] == "public":
            assert answer.body == thing["data"]
        else:
            seen = (answer.status, answer.error["code"], answer.error.get("error_subcode"))
            assert seen == REFUSED[thing["state"]]
    assert Counter(thing["state"] for thing in found).keys() == {"public", *REFUSED}


async def test_look_ups_in_a_batch(client: Client) -> None:
    """Fifty objects can be looked up with one request."""
    found = (await things(client, "posts"))[:50]
    operations = [{"method": "GET", "relative_url": f"{thing['id']}?fields=from"} for thing in found]
    parts = (await client.batch(operations)).body
    assert [part["code"] for part in parts] == [REFUSED.get(thing["state"], (200,))[0] for thing in found]
    shown = next(json.loads(part["body"]) for part in parts if part["code"] == 200)
    assert shown.keys() == {"from", "id"}


async def test_what_reports_name_can_be_looked_up(start: Start) -> None:
    """Every public post beside an ad is known by its owner's and its own id, reels are videos, owners are pages."""
    async with start(scenario=calm(lines=2000)) as client:
        posts, videos, pages = [
            {thing["id"] for thing in await things(client, k)} for k in ("posts", "videos", "pages")
        ]
        for position, known in (("feed", posts), ("reels", videos)):
            rows = await true_rows(client, **{**FEED, "position": position})
            public = [row for row in rows if row["below_content_id"]]
            named = {(row["below_content_owner_id"], row["below_content_id"]) for row in public}
            keys = {f"{owner}_{content}" if position == "feed" else content for owner, content in named}
            assert len(keys) > 200
            assert keys <= known
            assert {owner for owner, _ in named} <= pages


async def test_attachments_lead_to_videos_and_photos(client: Client) -> None:
    """What a post has attached can be looked up itself; a shared post is of the type share."""
    posts = await things(client, "posts")
    known = {
        thing["id"]: thing["kind"] for kind in ("videos", "photos", "posts") for thing in await things(client, kind)
    }
    attached = [item for post in posts for item in post["data"].get("attachments", {}).get("data", [])]
    kinds = {item["type"]: known.get(item.get("target", {}).get("id", "")) for item in attached}
    assert kinds == {"video_autoplay": "videos", "photo": "photos", "share": "posts", "link": None}


async def test_fields_of_content(client: Client) -> None:
    """Without `fields` only the default ones come; an unknown field is refused; Instagram has a second form of ids."""
    post = next(thing for thing in await things(client, "posts") if thing["state"] == "public")
    assert (await client.get(post["id"])).body.keys() <= {"id", "created_time", "message"}
    refused = await client.get(post["id"], fields="likes")
    assert refused.error["message"] == "(#100) Tried accessing nonexisting field (likes) on node type (PagePost)"
    media = next(thing for thing in await things(client, "ig_media") if thing["state"] == "public")
    assert (await client.get(f"ig_3pv_{media['id']}", fields="username")).body["id"] == media["id"]
