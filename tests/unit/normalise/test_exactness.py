"""Nothing is lost, guessed or made 0: what fits no column is kept aside with its place, its raw text and the reason."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pipeline.errors import Inconsistent
from schemas.reports import Report
from tests.unit.normalise.rows import FETCHED_AT, KEY, PLAIN, Kept, carefully, page, quickly, raw_row, row

ROW_KEY = json.dumps(KEY, sort_keys=True, separators=(",", ":"))
CURVE = Report("curve", "ad", fields=("spend", "video_play_curve_actions"))


def both(sent: bytes, report: Report = PLAIN) -> Kept:
    """The same from both paths, where the quick one takes it."""
    found = carefully(sent, report=report)
    assert quickly(sent, report=report) in (None, found)
    return found


def fact(found: Kept, name: str) -> Any:
    """The one row's cell."""
    (only,) = found.facts
    return only[name]


# ---- cells of the facts ----


def test_text_in_a_number() -> None:
    """Text in a number is NULL; its row lands; the quarantine says table, key, column, raw text, reason and origin."""
    found = both(page(row(spend="much", impressions="5")))
    assert (fact(found, "spend"), fact(found, "impressions")) == (None, 5)
    assert found.aside == [
        {
            "table_name": "plain",
            "scope": "111",
            "row_key": ROW_KEY,
            "column_name": "spend",
            "raw": "much",
            "reason": "not a number",
            "source": "plain 111 2026-09-01",
            "fetched_at": FETCHED_AT,
            "run_id": "run",
        }
    ]
    assert found.days == [date(2026, 9, 1)]


def test_seventh_decimal() -> None:
    """A seventh decimal is rounded half-even and reported, but not in a quotient."""
    found = both(page(row(spend="1.0000005", cpc="1.0000015")))
    assert (fact(found, "spend"), fact(found, "cpc")) == (Decimal("1.000000"), Decimal("1.000002"))
    assert found.reasons == [("plain", "spend", "1.0000005", "rounded")]


def test_integer_digits() -> None:
    """More integer digits than fit are NULL, with the raw text kept."""
    found = both(page(row(spend="1234567890123.5")))
    assert fact(found, "spend") is None
    assert found.reasons == [("plain", "spend", "1234567890123.5", "does not fit DECIMAL(18,6)")]


def test_bare_numbers() -> None:
    """Numbers that are not quoted are read digit by digit, whatever the column."""
    sent = raw_row('"impressions":9007199254740993,"spend":0.10,"ctr":1E-2,"ad_name":12345678901234567890123')
    found = carefully(sent)
    assert quickly(sent) is None
    names = ("impressions", "spend", "ctr", "ad_name")
    assert [fact(found, name) for name in names] == [
        9007199254740993,
        Decimal("0.100000"),
        0.01,
        "12345678901234567890123",
    ]
    assert found.aside == []


def test_bare_numbers_keep_their_letters() -> None:
    """The raw text of a number is what was sent, not how somebody else would write it."""
    found = carefully(raw_row('"spend":0.00000005,"impressions":1.50E+0'))
    assert found.reasons == [
        ("plain", "impressions", "1.50E+0", "not a whole number"),
        ("plain", "spend", "0.00000005", "rounded"),
    ]


def test_no_json_numbers() -> None:
    """`NaN` is no number to JSON; a server that writes it all the same loses one cell, not the page."""
    found = carefully(raw_row('"spend":NaN,"impressions":-Infinity'))
    assert found.reasons == [
        ("plain", "impressions", "-Infinity", "not a whole number"),
        ("plain", "spend", "NaN", "not a number"),
    ]


def test_bare_ids() -> None:
    """Ids sent as numbers are the same text as ids sent as text, also beyond 2^53."""
    sent = page({**KEY, "account_id": 111, "ad_id": 9007199254740993})
    assert carefully(sent).cells("plain", "ad_id") == [("9007199254740993",)]


@pytest.mark.parametrize("sent", [{}, {"spend": None, "impressions": None, "actions": None, "results": None}], ids=str)
def test_absent(sent: dict[str, object]) -> None:
    """Absent and null are NULL, never 0, and no row in a long table."""
    found = both(page(row(**sent)))
    assert (fact(found, "spend"), fact(found, "impressions")) == (None, None)
    assert (found.tables["plain_actions"], found.tables["plain_results"], found.aside) == ([], [], [])


def test_structure_in_a_number() -> None:
    """A structure where a scalar was expected is NULL, and kept as JSON."""
    found = both(raw_row('"spend":{"b":[1.10],"a":null}'))
    assert fact(found, "spend") is None
    assert found.reasons == [("plain", "spend", '{"a":null,"b":[1.10]}', "a structure where a scalar was expected")]


def test_half_a_character() -> None:
    """Half a character lands as U+FFFD, and the raw text is kept with its escape."""
    found = both(raw_row(r'"ad_name":"a\ud83d b","spend":"1"'))
    assert fact(found, "ad_name") == "a\ufffd b"
    assert found.reasons == [("plain", "ad_name", r"'a\ud83d b'", "not Unicode")]


def test_key_given_twice() -> None:
    """Of a key that a row gives twice the last counts, and the earlier ones are kept in `extra` and counted."""
    found = both(raw_row('"spend":"1","spend":"2","spend":"3"'))
    assert fact(found, "spend") == Decimal("3.000000")
    assert fact(found, "extra") == '{"spend (given before)":"2","spend (given before) (given before)":"1"}'
    assert found.unknown == {"spend (given before)": 1, "spend (given before) (given before)": 1}


# ---- what no column declares ----


def test_unknown_scalar() -> None:
    """An undeclared scalar is kept in `extra`, exactly, and counted."""
    found = both(raw_row('"new_metric":0.1234567890123456789,"newer":"x","null":null'))
    assert fact(found, "extra") == '{"new_metric":0.1234567890123456789,"newer":"x"}'
    assert found.unknown == {"new_metric": 1, "newer": 1}
    assert found.aside == []


def test_unknown_structure() -> None:
    """An undeclared structure is kept in `extra` as JSON, digit by digit, and counted."""
    found = both(raw_row('"new_list":[{"b":12345678901234567890123,"a":true}]'))
    assert fact(found, "extra") == '{"new_list":[{"a":true,"b":12345678901234567890123}]}'
    assert found.unknown == {"new_list": 1}


def test_numbers_in_json_columns() -> None:
    """In columns of JSON numbers keep every digit."""
    report = Report("credited", "ad", fields=("spend", "dda_results"))
    sent = raw_row('"dda_results":[{"v":0.1234567890123456789,"n":12345678901234567890123,"e":1.0E-7}]')
    found = both(sent, report)
    assert fact(found, "dda_results") == '[{"e":1.0E-7,"n":12345678901234567890123,"v":0.1234567890123456789}]'


# ---- elements of lists ----


def test_unknown_key_in_an_element() -> None:
    """An undeclared key of an action is kept in the `extra` of that action's row."""
    found = both(page(row(actions=[{"action_type": "a", "value": "1", "28d_view": "4"}, {"action_type": "b"}])))
    names = ("action_type", "value", "extra")
    assert found.cells("plain_actions", *names) == [("a", Decimal("1.000000"), '{"28d_view":"4"}'), ("b", None, None)]
    assert found.unknown == {"actions.28d_view": 1}


def test_repeated_element() -> None:
    """An action that the API repeats in one row is told apart by its ordinal; elsewhere it is 0."""
    elements = [{"action_type": kind, "value": value} for kind, value in (("a", "1"), ("b", "2"), ("a", "3"))]
    found = both(page(row(actions=elements), row(ad_id="2", actions=elements[:1])))
    assert found.cells("plain_actions", "ad_id", "action_type", "ordinal", "value") == [
        ("1234", "a", 0, Decimal("1.000000")),
        ("1234", "b", 0, Decimal("2.000000")),
        ("1234", "a", 1, Decimal("3.000000")),
        ("2", "a", 0, Decimal("1.000000")),
    ]


def test_element_without_its_split() -> None:
    """An action without its `action_type` has '' in the key."""
    found = both(page(row(actions=[{"value": "1"}])))
    assert found.cells("plain_actions", "action_type", "value", "value_7d_click") == [("", Decimal("1.000000"), None)]


def test_number_in_an_element() -> None:
    """A cell of an action that is no number is NULL; the quarantine names the column, the metric and the action."""
    found = both(page(row(actions=[{"action_type": "a", "value": "1", "7d_click": "x"}])))
    assert found.cells("plain_actions", "value", "value_7d_click") == [(Decimal("1.000000"), None)]
    assert found.reasons == [("plain_actions", "value_7d_click", "x", "not a number")]
    assert json.loads(found.aside[0]["row_key"]) == {**KEY, "metric": "actions", "action_type": "a"}


def test_structure_in_an_element() -> None:
    """A window that holds a list where a number was expected is NULL, under the name of its column."""
    found = both(page(row(actions=[{"action_type": "a", "7d_click": ["1"]}])))
    assert found.reasons == [
        ("plain_actions", "value_7d_click", '["1"]', "a structure where a scalar was expected"),
    ]


@pytest.mark.parametrize(("element", "raw"), [("link_click", '"link_click"'), (None, "null"), (["a"], '["a"]')])
def test_element_that_is_no_object(element: object, raw: str) -> None:
    """An element that is no object is kept aside whole; its neighbours land."""
    found = both(page(row(actions=[element, {"action_type": "b", "value": "2"}])))
    assert found.cells("plain_actions", "action_type", "value") == [("b", Decimal("2.000000"))]
    assert found.reasons == [("plain_actions", None, raw, "not an object")]
    assert json.loads(found.aside[0]["row_key"]) == {**KEY, "metric": "actions"}


def test_metric_that_is_no_list() -> None:
    """A list metric that is no list is kept aside; its row lands."""
    found = both(page(row(actions="5", spend="1")))
    assert fact(found, "spend") == Decimal("1.000000")
    assert found.reasons == [("plain_actions", None, '"5"', "not a list")]


# ---- histograms ----


def test_histogram() -> None:
    """A histogram is a list of numbers, quoted or not, with gaps where the API has null."""
    sent = page(row(video_play_curve_actions=[{"action_type": "video_view", "value": [100, 87.5, None]}]))
    assert both(sent, CURVE).cells("curve_actions", "action_type", "histogram") == [("video_view", [100.0, 87.5, None])]
    quoted = page(row(video_play_curve_actions=[{"value": ["100", "87.5"]}, {"value": []}, {}]))
    assert both(quoted, CURVE).cells("curve_actions", "histogram") == [([100.0, 87.5],), ([],), (None,)]


@pytest.mark.parametrize(
    ("value", "raw"), [([1, "x"], '[1,"x"]'), ("5", '"5"'), ([[1]], "[[1]]"), ([1e400], "[Infinity]")]
)
def test_histogram_without_numbers(value: object, raw: str) -> None:
    """A histogram that is no list of numbers is NULL and kept aside."""
    found = carefully(page(row(video_play_curve_actions=[{"action_type": "a", "value": value}])), report=CURVE)
    assert found.cells("curve_actions", "action_type", "histogram", "extra") == [("a", None, None)]
    assert found.reasons == [
        ("curve_actions", "histogram", raw.replace("Infinity", '"Infinity"'), "not a list of numbers")
    ]


# ---- results ----


def results(found: Kept) -> list[tuple[Any, ...]]:
    """The rows of the table of results."""
    return found.cells("plain_results", "indicator", "attribution_windows", "ordinal", "value", "extra")


def test_results() -> None:
    """A row per value; an element without values is one row with NULL; no windows are ''."""
    values = [{"value": "45", "attribution_windows": ["1d_view", "7d_click"]}, {"value": "57"}]
    sent = [{"indicator": "a", "values": values}, {"indicator": "b"}, {"indicator": "c", "values": []}]
    assert results(both(page(row(results=sent)))) == [
        ("a", "1d_view,7d_click", 0, Decimal("45.000000"), None),
        ("a", "", 0, Decimal("57.000000"), None),
        ("b", "", 0, None, None),
        ("c", "", 0, None, None),
    ]


def test_windows_as_text() -> None:
    """Windows sent as one text are that text, not its letters."""
    sent = page(row(results=[{"indicator": "a", "values": [{"value": "1", "attribution_windows": "7d_click"}]}]))
    assert results(both(sent)) == [("a", "7d_click", 0, Decimal("1.000000"), None)]


@pytest.mark.parametrize("windows", [{"a": 1}, ["a", None], [["a"]], True], ids=str)
def test_windows_that_are_none(windows: object) -> None:
    """Windows that are neither a list of texts nor a text are '' and kept aside."""
    found = both(page(row(results=[{"indicator": "a", "values": [{"value": "1", "attribution_windows": windows}]}])))
    assert results(found) == [("a", "", 0, Decimal("1.000000"), None)]
    raw = json.dumps(windows, separators=(",", ":"))
    assert found.reasons == [("plain_results", "attribution_windows", raw, "not a list of windows")]


@pytest.mark.parametrize("values", ["45", 45, ["45"], [45]], ids=repr)
def test_values_that_are_no_objects(values: object) -> None:
    """Values of a result that are no objects are kept aside; the element keeps its row."""
    found = both(page(row(results=[{"indicator": "a", "values": values}])))
    assert results(found) == [("a", "", 0, None, None)]
    raw = json.dumps(values[0] if isinstance(values, list) else values)
    assert found.reasons == [("plain_results", "value", raw, "not an object")]


def test_unknown_keys_of_results() -> None:
    """Undeclared keys of a result and of its value stand side by side in `extra`, each counted once."""
    sent = {"indicator": "a", "name": "n", "values": [{"value": "1", "name": "v"}]}
    found = both(page(row(results=[sent])))
    assert results(found) == [("a", "", 0, Decimal("1.000000"), '{"name":"n","values":{"name":"v"}}')]
    assert found.unknown == {"results.name": 2}


# ---- whole rows ----


@pytest.mark.parametrize(("sent", "raw"), [("text", '"text"'), (None, "null"), ([1], "[1]"), (5, "5")])
def test_row_that_is_no_object(sent: object, raw: str) -> None:
    """A row that is no object is kept aside whole; its neighbours land."""
    found = both(page(sent, row()))
    assert len(found.facts) == 1
    assert [(*reason, found.aside[0]["row_key"]) for reason in found.reasons] == [
        ("plain", None, raw, "not an object", None)
    ]


@pytest.mark.parametrize(
    "lack",
    [
        {"ad_id": None},
        {"ad_id": ""},
        {"ad_id": {"id": "1"}},
        {"account_id": True},
        {"date_start": "2026-02-30"},
        {"date_start": "20260901"},
        {"date_stop": 20260901},
    ],
    ids=repr,
)
def test_row_without_its_key(lack: dict[str, object]) -> None:
    """A row that lacks an id, or has a date that is none, is kept aside whole."""
    odd = {**row(spend="1"), **lack}
    found = both(page(odd, row(ad_id="2")))
    assert found.cells("plain", "ad_id") == [("2",)]
    raw = json.dumps(odd, sort_keys=True, separators=(",", ":"))
    assert found.reasons == [("plain", None, raw, "lacks a key")]


def test_row_of_another_account() -> None:
    """A row of an account that was not asked discredits the whole answer."""
    sent = page(row(), {**KEY, "account_id": "222"})
    with pytest.raises(Inconsistent, match=r"^plain 111: the answer holds rows of account_id 222$"):
        carefully(sent)
    with pytest.raises(Inconsistent, match=r"^plain 111: the answer holds rows of account_id 222$"):
        quickly(sent)


# ---- breakdowns ----


def test_lacking_breakdown() -> None:
    """A breakdown that a row lacks is '' in every table, and counted."""
    report = Report("people", "ad", breakdowns=("age", "gender"), fields=("spend", "actions"))
    found = both(page(row(age="18-24", actions=[{"action_type": "a"}]), row(age="65+", gender="male")), report)
    assert found.cells("people", "age", "gender") == [("18-24", ""), ("65+", "male")]
    assert found.cells("people_actions", "age", "gender") == [("18-24", "")]
    assert found.lacking == {"gender": 1}


@pytest.mark.parametrize(
    ("sent", "key", "detail"),
    [
        ('{"url":"u","hash":"h","id":"9"}', "9", '{"hash":"h","id":"9","url":"u"}'),
        ('{"hash":"h"}', "h", '{"hash":"h"}'),
        ('{"id":"","hash":"h"}', "h", '{"hash":"h","id":""}'),
        ('{"id":12345678901234567890123}', "12345678901234567890123", '{"id":12345678901234567890123}'),
        ('"plain"', "plain", '"plain"'),
    ],
)
def test_assets(sent: str, key: str, detail: str) -> None:
    """An asset's key is its `id`, else its `hash`; the whole of it stands beside, as sent."""
    report = Report("pictures", "ad", breakdowns=("image_asset",), fields=("spend",))
    found = both(raw_row(f'"image_asset":{sent}'), report)
    assert found.cells("pictures", "image_asset", "image_asset_detail") == [(key, detail)]
    assert (found.aside, found.lacking) == ([], {})


def test_video_assets() -> None:
    """A video without an `id` is known by its `video_id`."""
    report = Report("videos", "ad", breakdowns=("video_asset",), fields=("spend",))
    found = carefully(raw_row('"video_asset":{"video_id":"7","url":"u"}'), report=report)
    assert found.cells("videos", "video_asset") == [("7",)]


def test_assets_that_lack() -> None:
    """A row without the asset has '' as key, NULL as detail, and is counted."""
    report = Report("pictures", "ad", breakdowns=("image_asset",), fields=("spend",))
    found = carefully(page(row()), report=report)
    assert found.cells("pictures", "image_asset", "image_asset_detail") == [("", None)]
    assert found.lacking == {"image_asset": 1}


@pytest.mark.parametrize("sent", [r'{"id":"\ud83d"}', r'"\ud83d"'])
def test_half_a_character_in_an_asset(sent: str) -> None:
    """Half a character in an asset's key lands as U+FFFD and is kept aside as in every other text."""
    report = Report("pictures", "ad", breakdowns=("image_asset",), fields=("spend",))
    found = carefully(raw_row(f'"image_asset":{sent}'), report=report)
    assert found.cells("pictures", "image_asset") == [("\ufffd",)]
    assert found.reasons == [("pictures", "image_asset", r"'\ud83d'", "not Unicode")]


def test_structured_asset_key() -> None:
    """An asset whose id is a structure has '' as key; what was sent stands in the detail and in the quarantine."""
    report = Report("pictures", "ad", breakdowns=("image_asset",), fields=("spend",))
    found = carefully(raw_row('"image_asset":{"id":{"a":1}}'), report=report)
    assert found.cells("pictures", "image_asset", "image_asset_detail") == [("", '{"id":{"a":1}}')]
    assert found.reasons == [
        ("pictures", "image_asset", '{"a":1}', "a structure where a scalar was expected"),
    ]


# ---- origin ----


def test_origin() -> None:
    """Every row of every table says when it was read and by which run; the partition column stays out."""
    found = both(page(row(actions=[{"action_type": "a"}], results=[{"indicator": "b"}])))
    for table, rows in found.tables.items():
        assert [(table, entry["fetched_at"], entry["run_id"]) for entry in rows] == [(table, FETCHED_AT, "run")]
        assert "account_id" not in rows[0]
