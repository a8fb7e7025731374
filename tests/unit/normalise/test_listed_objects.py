"""Listed objects become typed rows of their table, and meet the rows that are known already."""

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from pipeline.errors import Inconsistent
from pipeline.normalise.frames import Source
from pipeline.normalise.objects import ObjectRows, upserted
from schemas.ad_objects import AD_ACCOUNTS, ADS, ADSETS, CAMPAIGNS, ObjectTable
from schemas.arrow import file_schema

FETCHED_AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def read(known: ObjectTable, *pages: str) -> tuple[pa.Table, list[dict[str, object]]]:
    """The typed rows of some pages, and what was set aside of them."""
    name = known.table.name
    rows = ObjectRows(known.table, Source(name, "111", "account_id", "111", FETCHED_AT, "run", f"{name} 111"))
    rows.take(text.encode() for text in pages)
    return rows.table()


def only(known: ObjectTable, text: str) -> dict[str, Any]:
    """The one row of a page with one object, without anything set aside."""
    table, aside = read(known, f"[{text}]")
    assert aside == []
    (row,) = table.to_pylist()
    return dict(row)


def reasons(aside: list[dict[str, object]]) -> list[tuple[object, ...]]:
    """Where, what and why."""
    return [tuple(entry[name] for name in ("column_name", "row_key", "raw", "reason")) for entry in aside]


def test_nested() -> None:
    """A column whose path leads into an object takes the member; other members are kept in `extra`."""
    row = only(AD_ACCOUNTS, '{"id":"act_111","business":{"id":"900","name":"Shop","link":"l"}}')
    assert (row["business_id"], row["business_name"]) == ("900", "Shop")
    assert row["extra"] == '{"business":{"link":"l"}}'
    assert only(ADS, '{"id":"1","creative":{"id":"7"}}')["creative_id"] == "7"
    assert only(ADS, '{"id":"1"}')["creative_id"] is None


def test_nested_that_is_no_object() -> None:
    """Where an object was expected and something else came, it is kept in `extra`."""
    row = only(ADS, '{"id":"1","creative":"7"}')
    assert (row["creative_id"], row["extra"]) == (None, '{"creative":"7"}')


def test_minor_unit() -> None:
    """Money of objects is a whole number of the smallest unit, exactly as sent, quoted or not."""
    row = only(CAMPAIGNS, '{"id":"1","daily_budget":"5000","lifetime_budget":0,"spend_cap":9223372036854775807}')
    names = ("daily_budget", "lifetime_budget", "spend_cap", "budget_remaining")
    assert [row[name] for name in names] == [5000, 0, 9223372036854775807, None]


def test_minor_unit_with_decimals() -> None:
    """A budget with decimals is no whole number of the smallest unit: NULL, and kept aside."""
    table, aside = read(CAMPAIGNS, '[{"id":"1","daily_budget":"50.5"}]')
    assert table.column("daily_budget").to_pylist() == [None]
    assert reasons(aside) == [("daily_budget", '{"id":"1"}', "50.5", "not a whole number")]


def test_instants() -> None:
    """Instants with an offset without colon are read; one without an offset is kept aside."""
    row = only(CAMPAIGNS, '{"id":"1","start_time":"2026-11-21T22:30:00-0700"}')
    assert row["start_time"] == datetime(2026, 11, 22, 5, 30, tzinfo=UTC)
    _, aside = read(CAMPAIGNS, '[{"id":"1","start_time":"2026-11-21T22:30:00"}]')
    assert reasons(aside) == [
        ("start_time", '{"id":"1"}', "2026-11-21T22:30:00", "an instant without its offset"),
    ]


def test_json_columns() -> None:
    """A column of JSON keeps the structure with every digit, keys sorted."""
    row = only(ADSETS, '{"id":"1","targeting":{"z":0.1234567890123456789,"a":[12345678901234567890123,"é"]}}')
    assert row["targeting"] == '{"a":[12345678901234567890123,"é"],"z":0.1234567890123456789}'


def test_flags() -> None:
    """True and false of JSON."""
    assert only(ADSETS, '{"id":"1","is_dynamic_creative":true}')["is_dynamic_creative"] is True


def test_extra() -> None:
    """What no column declares is kept in `extra`; null is absent."""
    assert only(ADS, '{"id":"1","brand_new":[1.50],"gone":null}')["extra"] == '{"brand_new":[1.50]}'
    assert only(ADS, '{"id":"1"}')["extra"] is None


def test_structure_in_a_scalar() -> None:
    """A structure in a plain column is NULL and kept aside."""
    table, aside = read(ADS, '[{"id":"1","name":["a"]}]')
    assert table.column("name").to_pylist() == [None]
    assert reasons(aside) == [("name", '{"id":"1"}', '["a"]', "a structure where a scalar was expected")]


def test_half_a_character() -> None:
    """Half a character lands as U+FFFD, with the raw text kept."""
    table, aside = read(ADS, r'[{"id":"1","name":"a\ud83d"}]')
    assert table.column("name").to_pylist() == ["a\ufffd"]
    assert reasons(aside) == [("name", '{"id":"1"}', r"'a\ud83d'", "not Unicode")]


def test_ids_sent_as_numbers() -> None:
    """An id sent as a number is the text of its digits, the owner's too."""
    row = only(ADS, '{"id":9007199254740993,"account_id":111,"adset_id":12345678901234567890123}')
    assert (row["id"], row["adset_id"]) == ("9007199254740993", "12345678901234567890123")
    _, aside = read(ADS, '[{"id":9007199254740993,"bid_amount":"x"}]')
    assert reasons(aside) == [("bid_amount", '{"id":"9007199254740993"}', "x", "not a whole number")]


@pytest.mark.parametrize(
    ("sent", "raw", "reason"),
    [
        ('"text"', '"text"', "not an object"),
        ("null", "null", "not an object"),
        ('{"name":"a"}', '{"name":"a"}', "lacks a key"),
        ('{"id":""}', '{"id":""}', "lacks a key"),
        ('{"id":null}', '{"id":null}', "lacks a key"),
        ('{"id":{"a":1}}', '{"id":{"a":1}}', "lacks a key"),
        ('{"id":true}', '{"id":true}', "lacks a key"),
    ],
)
def test_no_object(sent: str, raw: str, reason: str) -> None:
    """What is no object, or has no id, is kept aside whole; its neighbours land."""
    table, aside = read(ADS, f'[{sent},{{"id":"2"}}]')
    assert table.column("id").to_pylist() == ["2"]
    assert reasons(aside) == [(None, None, raw, reason)]


@pytest.mark.parametrize("owner", ['"222"', "222", '{"id":"111"}'])
def test_object_of_another_account(owner: str) -> None:
    """An object of another account discredits the listing."""
    with pytest.raises(Inconsistent, match=r"^ads 111: the listing holds an object of "):
        read(ADS, f'[{{"id":"1","account_id":{owner}}}]')


def test_owner_left_out() -> None:
    """An object that does not name its account belongs to the one that was asked."""
    assert only(ADS, '{"id":"1","account_id":null}')["id"] == "1"


def test_listed_twice() -> None:
    """Of an object that two listings show the last one counts."""
    table, _ = read(ADS, '[{"id":"1","status":"ACTIVE"},{"id":"2"}]', '[{"id":"1","status":"ARCHIVED"}]')
    assert sorted(zip(table.column("id").to_pylist(), table.column("status").to_pylist(), strict=True)) == [
        ("1", "ARCHIVED"),
        ("2", None),
    ]


def test_nothing_listed() -> None:
    """An empty listing is an empty table of the same columns."""
    table, aside = read(ADS, "[]")
    assert (table.num_rows, table.schema.names, aside) == (0, file_schema(ADS.table).names, [])


def test_upsert() -> None:
    """What a listing no longer shows keeps its last row; what it shows again is replaced."""
    known, _ = read(ADS, '[{"id":"1","name":"old"},{"id":"2","name":"kept"}]')
    seen, _ = read(ADS, '[{"id":"1","name":"new"},{"id":"3"}]')
    both = upserted(known, seen)
    assert {row["id"]: row["name"] for row in both.to_pylist()} == {"1": "new", "2": "kept", "3": None}
    assert both.schema.names == file_schema(ADS.table).names


def test_upsert_into_nothing() -> None:
    """The first listing is the whole table; an empty one leaves everything."""
    seen, _ = read(ADS, '[{"id":"1"}]')
    nothing, _ = read(ADS, "[]")
    assert upserted(None, seen) == seen
    assert upserted(nothing, seen) == seen
    assert upserted(seen, nothing) == seen


def test_upsert_of_old_files() -> None:
    """Rows from before a column existed hold NULL in it."""
    known, _ = read(ADS, '[{"id":"1","name":"old"}]')
    seen, _ = read(ADS, '[{"id":"2","name":"new"}]')
    both = upserted(known.drop_columns(["name"]), seen)
    assert {row["id"]: row["name"] for row in both.to_pylist()} == {"1": None, "2": "new"}


def test_quarantine_says_whence() -> None:
    """What is set aside names its table, its account and its listing."""
    _, (entry,) = read(ADS, "[1]")
    assert json.loads(json.dumps(entry, default=str)) == {
        "table_name": "ads",
        "scope": "111",
        "row_key": None,
        "column_name": None,
        "raw": "1",
        "reason": "not an object",
        "source": "ads 111",
        "fetched_at": "2026-11-22 04:00:00+00:00",
        "run_id": "run",
    }
