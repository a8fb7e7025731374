"""The content beside ads is in the warehouse as Meta shows it; what Meta refuses is remembered, and asked ever less."""

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.acceptance.adjacent_truth import (
    CONTENT,
    all_named,
    attached,
    calm,
    expected_content,
    labels,
    named_by_reports,
    refused,
    reported,
    shown,
    things,
)
from tests.acceptance.conftest import NOW, Sandbox, Shop

DAY = datetime(2026, 11, 16).date()  # noqa: DTZ001 - a day of Los Angeles
PLACEMENTS = ["facebook/feed", "facebook/reels", "instagram/feed"]
CODES = {"gone": (100, 33), "private": (200, None), "forbidden": (10, None)}
ONE_DAY = ("--since", str(DAY), "--until", str(DAY))


def configure(shop: Shop, *, more: str = "", placements: list[str] | None = None) -> None:
    shown_placements = str(placements or PLACEMENTS).replace("'", '"')
    safety = f'[brand_safety]\nbusiness_ids = ["900"]\nplacements = {shown_placements}\n{more}'
    shop.configure(accounts=("111",), since=DAY, objects="", more=safety)


def looked_up(sandbox: Sandbox) -> Counter[str]:
    """How often each id was asked for."""
    return Counter(call["path"].strip("/") for call in sandbox.calls() if call["op"] == "content")


def assert_true(shop: Shop, sandbox: Sandbox, ids: dict[str, set[str]], tries: int = 1) -> None:
    """Every table holds exactly the readable ones of these ids, and the memory exactly the others."""
    known = things(sandbox)
    memory = refused(shop)
    for kind in CONTENT:
        table = f"content_{kind}"
        wanted = {name for name in ids[kind] if known[name]["state"] == "public"}
        rows = {row["id"]: shown(row) for row in shop.rows(table)}
        assert rows.keys() == wanted
        assert rows == {name: expected_content(kind, known[name]["data"]) for name in wanted}
        missing = {name: codes for (of, name), codes in memory.items() if of == table}
        assert missing == {name: (*CODES[known[name]["state"]], tries) for name in ids[kind] - wanted}


@pytest.fixture
def ready(shop: Shop, sandbox: Sandbox) -> Shop:
    """A folder that asks a calm sandbox for one day's content."""
    sandbox.script(brand_safety=calm())
    configure(shop)
    return shop


def test_content_equals_the_truth(ready: Shop, sandbox: Sandbox) -> None:
    """Each id beside an ad, and each attachment, is looked up once: it has its row, value by value, or its refusal."""
    assert ready.load(*ONE_DAY).code == 0
    ids = all_named(sandbox, "900", PLACEMENTS, labels(DAY, DAY))
    assert min(len(ids[kind]) for kind in CONTENT) > 20
    assert_true(ready, sandbox, ids)
    assert looked_up(sandbox) == Counter(name for kind in CONTENT for name in ids[kind])
    batches = sum(call["op"] == "batch" for call in sandbox.calls())
    assert batches < sum(len(ids[kind]) for kind in CONTENT) / 50 + 5 * len(CONTENT)


def test_nothing_is_asked_twice(ready: Shop, sandbox: Sandbox) -> None:
    """The next load asks for no id again; one of another day asks only for what is new."""
    ready.load(*ONE_DAY)
    before = looked_up(sandbox)
    assert ready.load(*ONE_DAY).code == 0
    assert looked_up(sandbox) == before
    day = DAY + timedelta(days=1)
    assert ready.load("--since", str(day), "--until", str(day)).code == 0
    after = looked_up(sandbox)
    assert set(after.values()) == {1}
    ids = all_named(sandbox, "900", PLACEMENTS, labels(DAY, day))
    assert after.keys() == {name for kind in CONTENT for name in ids[kind]}
    assert_true(ready, sandbox, ids)


def test_refused_ids_are_tried_ever_more_rarely(ready: Shop, sandbox: Sandbox) -> None:
    """A refused id is tried again after one week, then after two more; what can be seen by then gets its row."""
    ready.load(*ONE_DAY)
    again = {name for _, name in refused(ready)}
    seen = []
    for days in (6, 8, 21, 23):
        sandbox.forget_calls()
        now = NOW + timedelta(days=days)
        sandbox.move_to(now)
        assert ready.load("--table", *_tables(), now=now).code == 0
        seen.append(set(looked_up(sandbox)))
    assert seen == [set(), again, set(), again]
    assert {tries for _, _, tries in refused(ready).values()} == {3}


def _tables() -> list[str]:
    """The tables of content, as options after `--table`."""
    first, *others = (f"content_{kind}" for kind in CONTENT)
    return [first, *(part for name in others for part in ("--table", name))]


def test_a_dropped_table_is_looked_up_again(ready: Shop, sandbox: Sandbox) -> None:
    """A table that was dropped is filled again from the impressions that are there; the others are not asked anew."""
    ready.load(*ONE_DAY)
    assert ready.run("drop", "--table", "content_pages", "--yes", "--now", NOW.isoformat()).code == 0
    sandbox.forget_calls()
    assert ready.load(*ONE_DAY).code == 0
    ids = all_named(sandbox, "900", PLACEMENTS, labels(DAY, DAY))
    assert_true(ready, sandbox, ids)
    readable = {name for name in ids["pages"] if things(sandbox)[name]["state"] == "public"}
    assert looked_up(sandbox) == Counter(readable)


def test_what_several_saw_is_looked_up_once(ready: Shop, sandbox: Sandbox) -> None:
    """Content beside the ads of a business and of an ad set's report is asked for once, and has one row."""
    ad_set = max(ad["adset_id"] for ad in sandbox.objects("222", "ad"))
    configure(ready, more=f'ad_sets = ["{ad_set}"]', placements=["facebook/feed", "instagram/reels"])
    assert ready.load(*ONE_DAY).code == 0
    assert set(looked_up(sandbox).values()) == {1}
    for table in ("content_posts", "content_ig_media", "content_pages"):
        owners = dict(ready.ask(f"SELECT seen_by_id, count(*) FROM {table} GROUP BY 1"))
        assert set(owners) <= {"900", ad_set}
        assert ready.ask(f"SELECT count(DISTINCT id) FROM {table}") == [(sum(owners.values()),)]
    reported = """
        SELECT count(*) FROM brand_safety_ad_set_impressions r
        WHERE ig_content_id IS NOT NULL AND ig_content_id NOT IN (SELECT id FROM content_ig_media)
        AND ig_content_id NOT IN (SELECT id FROM meta.missing_objects WHERE kind = 'content_ig_media')"""
    assert ready.ask(reported) == [(0,)]
    assert ready.ask("SELECT count(*) > 100 FROM brand_safety_ad_set_impressions") == [(True,)]


def test_content_beside_ad_sets_alone(shop: Shop, sandbox: Sandbox) -> None:
    """Without any business the content that ad-set reports name is looked up all the same, value by value."""
    sandbox.script(brand_safety=calm())
    ad_set = max(ad["adset_id"] for ad in sandbox.objects("222", "ad"))
    placements = ["facebook/feed", "facebook/reels", "instagram/feed"]
    safety = f'[brand_safety]\nad_sets = ["{ad_set}"]\nplacements = {json.dumps(placements)}'
    shop.configure(accounts=("111",), since=DAY, objects="", more=safety)
    assert shop.load(*ONE_DAY).code == 0
    ids: dict[str, set[str]] = {kind: set() for kind in CONTENT}
    for placement in placements:
        for kind, more in named_by_reports(reported(sandbox, ad_set, placement, labels(DAY, DAY)), placement).items():
            ids[kind] |= more
    for kind, more in attached(ids["posts"], things(sandbox)).items():
        ids[kind] |= more
    assert min(len(ids[kind]) for kind in CONTENT) > 20
    assert_true(shop, sandbox, ids)
    assert shop.ask("SELECT DISTINCT seen_by_id FROM content_ig_media") == [(ad_set,)]


def test_what_cannot_be_typed_stays_in_quarantine(ready: Shop, sandbox: Sandbox) -> None:
    """A count that is none is NULL and its text is kept, also when later loads add objects to the table."""
    known = things(sandbox)
    ids = all_named(sandbox, "900", ["instagram/feed"], labels(DAY, DAY))["ig_media"]
    media = min(name for name in ids if known[name]["state"] == "public")
    reply = {"status": 200, "body": json.dumps({**known[media]["data"], "like_count": "many"})}
    rule: dict[str, Any] = {"match": {"op": "content", "path": media}, "do": {"reply": reply}}
    sandbox.script(rule, brand_safety=calm())
    configure(ready, placements=["instagram/feed"])
    seen = []
    for days in range(2):
        day = str(DAY + timedelta(days=days))
        assert ready.load("--since", day, "--until", day).code == 0
        seen.append(len(ready.rows("content_ig_media")))
        found = ready.ask("SELECT table_name, column_name, raw, row_key ->> 'id' FROM meta.quarantine")
        assert found == [("content_ig_media", "like_count", "many", media)]
        assert ready.ask(f"SELECT like_count FROM content_ig_media WHERE id = '{media}'") == [(None,)]
    assert seen[0] < seen[1]


def test_content_can_be_left_out(shop: Shop, sandbox: Sandbox) -> None:
    """With `content = false` impressions land and nothing is looked up."""
    sandbox.script(brand_safety=calm())
    configure(shop, more="content = false")
    assert shop.load(*ONE_DAY).code == 0
    assert len(shop.rows("brand_safety_impressions")) == 3 * 24 * 40
    assert not looked_up(sandbox)
    assert not [name for (name,) in shop.ask("SELECT table_name FROM duckdb_tables()") if name.startswith("content_")]


def test_an_app_without_the_feature(ready: Shop, sandbox: Sandbox) -> None:
    """An app that may look nothing up learns it from some calls, is told what to ask Meta for, and loads the rest."""
    rule: dict[str, Any] = {"match": {"op": "content"}, "times": None, "do": {"fault": "10/public"}}
    sandbox.script(rule, brand_safety=calm())
    ended = ready.load(*ONE_DAY)
    assert ended.code == 1
    failures = ended.json["failures"]
    assert {failure["table"] for failure in failures} == {
        "content_posts",
        "content_videos",
        "content_ig_media",
        "content_pages",
    }
    assert all("Page Public Content Access" in failure["error"] for failure in failures)
    assert looked_up(sandbox).total() <= 250 * len(CONTENT)
    assert len(ready.rows("brand_safety_impressions")) == 3 * 24 * 40
    states = ready.ask("SELECT DISTINCT state FROM meta.slices WHERE table_name = 'content_posts'")
    assert states == [("partial",)]


def test_a_closed_quota_puts_off(ready: Shop, sandbox: Sandbox) -> None:
    """Where the quota of look-ups closes for long, the load ends well; the next one goes on where it stopped."""
    rule: dict[str, Any] = {"match": {"op": "content", "nth": 100}, "times": 1, "do": {"fault": "32"}}
    sandbox.script(rule, brand_safety=calm())
    first = ready.load(*ONE_DAY)
    assert first.code == 0
    reasons = dict(ready.ask("SELECT table_name, reason FROM meta.slices WHERE state = 'partial'"))
    assert "ids wait for the next load" in reasons["content_posts"]
    plan = ready.run("plan", "--json", "--offline", "--now", NOW.isoformat()).json
    due = {(entry["table"], *entry["why"]) for entry in plan["tasks"] if entry["table"].startswith("content_")}
    assert due == {(table, "left by the last load") for table in reasons}
    later = NOW + timedelta(hours=3)
    sandbox.move_to(later)
    assert ready.load(*ONE_DAY, now=later).code == 0
    ids = all_named(sandbox, "900", PLACEMENTS, labels(DAY, DAY))
    assert_true(ready, sandbox, ids)
    assert not ready.ask("SELECT table_name FROM meta.slices WHERE state = 'partial'")


@pytest.mark.parametrize("nth", [1, 3])
def test_killed_while_looking_up(ready: Shop, sandbox: Sandbox, nth: int) -> None:
    """A load that is killed between look-ups and landing loses nothing and shows nothing twice."""
    assert ready.dying_load("content.looked_up", nth, *ONE_DAY) < 0
    assert ready.load(*ONE_DAY).code == 0
    assert_true(ready, sandbox, all_named(sandbox, "900", PLACEMENTS, labels(DAY, DAY)))
