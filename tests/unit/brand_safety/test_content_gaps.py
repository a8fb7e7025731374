"""Which content is looked up: what was never asked, seen longest ago first, and refusals ever more rarely."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.content_gaps import FILES, REPORTS, Known, Landed, Wanted, come_again, wanted

FEED, REELS, INSTAGRAM = ("facebook", "feed"), ("facebook", "reels"), ("instagram", "feed")
NOBODY = Known(())
START = datetime(2026, 11, 19)  # noqa: DTZ001 - an hour of local wall time
SIDES = [
    f"{side}_content_{name}" for side in ("above", "below") for name in ("id", "owner_id", "root_id", "root_owner_id")
]
ITEM = ["content_id", "content_owner_id", "content_root_id", "content_root_owner_id", "ig_content_id"]


def written(path: Path, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> str:
    """A file of impressions; `hour` counts from the start."""
    whole = [{name: row.get(name) for name in columns} | {"hour": START + timedelta(hours=row["hour"])} for row in rows]
    schema = pa.schema([*((name, pa.string()) for name in columns), ("hour", pa.timestamp("us"))])
    pq.write_table(pa.Table.from_pylist(whole, schema=schema), path)
    return str(path)


def beside(
    hour: int, content: str | None, owner: str | None, root: str | None = None, above: str = "above"
) -> dict[str, Any]:
    """An impression with content on one side; what it shares belongs to the owner R."""
    ids = {"id": content, "owner_id": owner, "root_id": root or content, "root_owner_id": "R" if root else owner}
    return {"hour": hour, **{f"{above}_content_{name}": value for name, value in ids.items()}}


def test_oldest_first(tmp_path: Path) -> None:
    """Ids come once, in the order of the hour in which they were seen first, on whatever side."""
    rows = [beside(3, "30", "9"), beside(1, "10", "8", above="below"), beside(2, "20", "9"), beside(0, "30", "9")]
    files = Landed(FILES, FEED, (written(tmp_path / "a", SIDES, rows),))
    assert wanted("content_posts", [files], [], NOBODY) == Wanted(("9_30", "8_10", "9_20"))
    assert wanted("content_pages", [files], [], NOBODY) == Wanted(("9", "8"))


def test_what_a_post_shares_is_content_too(tmp_path: Path) -> None:
    """The root of shared content and its owner are looked up as well."""
    files = Landed(FILES, FEED, (written(tmp_path / "a", SIDES, [beside(0, "1", "5", root="2")]),))
    assert set(wanted("content_posts", [files], [], NOBODY).ids) == {"5_1", "R_2"}
    assert set(wanted("content_pages", [files], [], NOBODY).ids) == {"5", "R"}


def test_private_content_is_nobody(tmp_path: Path) -> None:
    """Content without ids asks for nothing."""
    files = Landed(FILES, FEED, (written(tmp_path / "a", SIDES, [beside(0, None, None)]),))
    assert wanted("content_posts", [files], [], NOBODY) == Wanted(())


def test_placements(tmp_path: Path) -> None:
    """Reels are videos, Instagram's content is media, its owners are no pages, and Threads has nothing to ask for."""
    path = written(tmp_path / "a", SIDES, [beside(0, "1", "5")])
    files = [Landed(FILES, place, (path,)) for place in (REELS, INSTAGRAM, ("threads", "feed"))]
    assert wanted("content_videos", files, [], NOBODY).ids == ("1",)
    assert wanted("content_ig_media", files, [], NOBODY).ids == ("1",)
    assert wanted("content_posts", files, [], NOBODY).ids == ()
    assert wanted("content_pages", files[1:], [], NOBODY).ids == ()


def test_ad_set_reports(tmp_path: Path) -> None:
    """Reports name Instagram's content in a column of its own, beside an id on Facebook that is not asked for."""
    row = {"hour": 0, "content_id": "1", "content_owner_id": "5", "ig_content_id": "77"}
    files = [Landed(REPORTS, place, (written(tmp_path / place[0], ITEM, [row]),)) for place in (FEED, INSTAGRAM)]
    assert wanted("content_posts", files, [], NOBODY).ids == ("5_1",)
    assert wanted("content_ig_media", files, [], NOBODY).ids == ("77",)
    assert wanted("content_pages", files, [], NOBODY).ids == ("5",)


def test_attachments(tmp_path: Path) -> None:
    """Videos and photos that posts have attached are looked up, also those inside an album; links are not."""
    inside = {"type": "photo", "target": {"id": "3"}}
    items = [
        {"type": "video_autoplay", "target": {"id": "1"}},
        {"type": "album", "target": {"id": "9"}, "subattachments": {"data": [inside]}},
        {"type": "photo", "target": {"id": "2"}},
        {"type": "share", "target": {"id": "8"}},
        {"type": "video_inline"},
    ]
    posts: list[dict[str, Any]] = [{"attachments": json.dumps({"data": items})}, {"attachments": None}]
    at = datetime(2026, 11, 20, tzinfo=UTC)
    schema = pa.schema([("attachments", pa.string()), ("fetched_at", pa.timestamp("us", "UTC"))])
    pq.write_table(pa.Table.from_pylist([{**post, "fetched_at": at} for post in posts], schema=schema), tmp_path / "p")
    paths = [str(tmp_path / "p")]
    assert wanted("content_videos", [], paths, NOBODY).ids == ("1",)
    assert wanted("content_photos", [], paths, NOBODY).ids == ("2", "3")


def test_each_is_asked_once(tmp_path: Path) -> None:
    """What has a row, whoever saw it first, and what was refused is not wanted; refusals whose time has come are."""
    rows = [beside(hour, name, "5") for hour, name in enumerate("1234")]
    files = Landed(FILES, FEED, (written(tmp_path / "a", SIDES, rows),))
    pq.write_table(pa.table({"id": ["5_1"]}), tmp_path / "known")
    known = Known((str(tmp_path / "known"),), {"5_2": datetime.max.replace(tzinfo=UTC)})
    assert wanted("content_posts", [files], [], known) == Wanted(("5_3", "5_4"))
    assert wanted("content_posts", [files], [], known, again=("5_2",)) == Wanted(("5_3", "5_4", "5_2"))
    assert wanted("content_posts", [files], [], known, again=("5_2",), most=2) == Wanted(("5_3", "5_4"), more=True)
    assert wanted("content_posts", [files], [], known, most=1) == Wanted(("5_3",), more=True)
    assert wanted("content_posts", [], [], known, again=("5_2",)) == Wanted(("5_2",))


@pytest.mark.parametrize(("tries", "weeks"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 16), (60, 16)])
def test_weeks_between_tries(tries: int, weeks: int) -> None:
    """After a week, then two, four, eight, and from then on sixteen."""
    asked = datetime(2026, 11, 1, tzinfo=UTC)
    assert come_again({"tries": tries, "last_tried_at": asked.isoformat()}) == asked + timedelta(weeks=weeks)


@given(st.integers(1, 10_000))
def test_ever_more_rarely(tries: int) -> None:
    """No try follows sooner than the one before it did."""
    row = {"last_tried_at": "2026-11-01T00:00:00+00:00"}
    assert come_again({**row, "tries": tries + 1}) >= come_again({**row, "tries": tries})
