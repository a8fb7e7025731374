"""Rows of ad-set reports: none is lost, none comes twice, and what cannot be typed is set aside with its reason."""

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.normalise.adjacent import AdjacentRows
from pipeline.normalise.frames import Source
from schemas.arrow import file_schema
from schemas.brand_safety_ad_sets import AD_SET_IMPRESSIONS

NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)
HOUR = datetime(2026, 11, 19, 5)  # noqa: DTZ001 - an hour of local wall time
SOURCE = Source(AD_SET_IMPRESSIONS.name, "7/facebook/feed", "ad_set_id", "7", NOW, "run", "the hour")
ABOVE = {"content_position": "above", "content_id": "1", "content_distance": 1, "content_privacy": "public"}


def taken(*rows: object) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    reading = AdjacentRows(AD_SET_IMPRESSIONS, SOURCE, {"hour": pa.scalar(HOUR, pa.timestamp("us"))})
    reading.take([json.dumps(rows).encode()])
    table, aside = reading.table()
    assert [field.name for field in table.schema] == [field.name for field in file_schema(AD_SET_IMPRESSIONS)]
    origin = {"fetched_at", "run_id", "assumed_time_zone"}
    shown = [{k: v for k, v in row.items() if v is not None and k not in origin} for row in table.to_pylist()]
    return shown, aside


def test_a_row_for_each_content() -> None:
    """An impression with two contents is two rows; one without any is one, under an empty position."""
    below = {**ABOVE, "content_position": "below", "content_id": None, "content_privacy": "private"}
    rows, aside = taken(
        {"impression_id": "a", "ad_id": "5", "content": [ABOVE, below]},
        {"impression_id": "b", "ad_id": "5", "content": []},
        {"impression_id": "c", "ad_id": "6"},
    )
    shared = {"hour": HOUR, "impression_id": "a", "ad_id": "5"}
    assert rows == [
        {**shared, **ABOVE},
        {**shared, "content_position": "below", "content_distance": 1, "content_privacy": "private"},
        {"hour": HOUR, "impression_id": "b", "ad_id": "5", "content_position": ""},
        {"hour": HOUR, "impression_id": "c", "ad_id": "6", "content_position": ""},
    ]
    assert not aside


def test_ids_may_be_numbers() -> None:
    """An id that comes as a number keeps every digit."""
    rows, aside = taken(
        {"impression_id": "a", "ad_id": 12345678901234567890, "content": [{**ABOVE, "content_id": 2**70}]}
    )
    assert (rows[0]["ad_id"], rows[0]["content_id"], aside) == ("12345678901234567890", str(2**70), [])


def test_unknown_members_are_kept() -> None:
    """What no column declares stands in `extra`, that of the content under its name."""
    rows, _ = taken({"impression_id": "a", "mood": "good", "content": [{**ABOVE, "topic": ["x"]}]})
    assert json.loads(rows[0]["extra"]) == {"mood": "good", "content": {"topic": ["x"]}}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("text", "not an object"),
        ({"ad_id": "5", "content": []}, "lacks a key"),
        ({"impression_id": "a", "content": "none"}, "not a list"),
        ({"impression_id": "a", "content": ["none"]}, "not an object"),
        ({"impression_id": "a", "content": [{"content_id": "1"}]}, "lacks a key"),
    ],
)
def test_whole_rows_that_are_set_aside(row: object, reason: str) -> None:
    """A row that is none, or lacks a key, is set aside as a whole, and the others are taken."""
    rows, aside = taken(row, {"impression_id": "z"})
    assert [found["impression_id"] for found in rows] == ["z"]
    assert [(found["raw"], found["reason"]) for found in aside] == [
        (json.dumps(row, separators=(",", ":"), sort_keys=True), reason)
    ]


def test_a_cell_that_cannot_be_typed() -> None:
    """The cell is NULL, its row lands, and the raw text is set aside with the row's key."""
    rows, aside = taken({"impression_id": "a", "content": [{**ABOVE, "content_distance": "near"}]})
    assert "content_distance" not in rows[0]
    assert [(found["column_name"], found["raw"]) for found in aside] == [("content_distance", "near")]
    assert json.loads(aside[0]["row_key"]) == {"impression_id": "a", "content_position": "above"}


PLACES = st.lists(st.tuples(st.sampled_from("abc"), st.lists(st.sampled_from(["above", "below"]), max_size=3)))


@given(PLACES)
def test_no_key_stands_twice_and_no_content_is_lost(places: list[tuple[str, list[str]]]) -> None:
    """Whatever is given again is set aside: rows and what is set aside are together all that came."""
    given_rows = [{"impression_id": name, "content": [{"content_position": side} for side in s]} for name, s in places]
    rows, aside = taken(*given_rows)
    keys = [(row["impression_id"], row["content_position"]) for row in rows]
    assert len(set(keys)) == len(keys)
    assert set(keys) == {(name, side) for name, sides in places for side in sides or [""]}
    assert len(rows) + len(aside) == sum(max(1, len(sides)) for _, sides in places)
