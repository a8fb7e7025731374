"""Whatever pages the quick path accepts, it makes exactly of them what the careful path makes."""

import json
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.reports import Report
from tests.unit.normalise.rows import KEY, PLAIN, carefully, learned, page, quickly, row

PEOPLE = Report("people", "campaign", breakdowns=("age", "gender"), fields=("impressions", "spend", "reach", "actions"))
CURVE = Report(
    "curve",
    "ad",
    fields=("spend", "actions", "video_play_curve_actions"),
    action_breakdowns=("action_type", "action_device"),
    action_attribution_windows=("1d_click", "7d_click"),
)
RESULTS = Report("outcomes", "adset", fields=("spend", "results", "cost_per_result"))
ALONE = Report("alone", "account", fields=("spend", "clicks", "objective"))
REPORTS = {report.name: report for report in (PLAIN, PEOPLE, CURVE, RESULTS, ALONE)}

TEXTS = st.text(max_size=8) | st.sampled_from(['"quoted"', "a\nb", "émoji 😀", "\u2028", "", "9007199254740993"])
IDS = st.integers(1, 2**70).map(str)
NUMBERS = (
    st.integers(-(2**66), 2**66).map(str)
    | st.decimals(-(10**13), 10**13, places=6).map(str)
    | st.decimals(-1000, 1000, places=8).map(str)
    | st.sampled_from(["0", "", "1e3", "+5", "0x1F", "nan", "inf", ".5", "5.", "-.5", "-", "12.0", "1.5", "--1", "٣"])
    | st.text(string.digits + "+-.eExX ", max_size=6)
)


def some(**cells: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with any of these keys; an absent metric is absent, or null."""
    return st.fixed_dictionaries({}, optional={name: values | st.none() for name, values in cells.items()})


def elements(*splits: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    kinds = {name: st.sampled_from(["link_click", "omni_purchase", "😀", ""]) for name in splits}
    windows = {"1d_click": NUMBERS, "7d_click": NUMBERS}
    return st.lists(some(value=NUMBERS, **kinds, **windows), max_size=4)


CURVES = st.lists(st.none() | st.integers(-5, 2**60) | st.floats(allow_nan=False, allow_infinity=False), max_size=4)
HISTOGRAMS = st.lists(some(value=CURVES, action_type=TEXTS, action_device=TEXTS), max_size=3)
VALUES = st.lists(some(value=NUMBERS, attribution_windows=st.lists(TEXTS, max_size=3)), max_size=3)
OUTCOMES = st.lists(some(indicator=TEXTS, values=VALUES), max_size=3)
CELLS = some(
    ad_name=TEXTS,
    objective=TEXTS,
    age=st.sampled_from(["18-24", "65+", ""]),
    gender=TEXTS,
    **dict.fromkeys(("impressions", "spend", "reach", "clicks", "ctr", "cpc"), NUMBERS),
    actions=elements("action_type"),
    purchase_roas=elements("action_type"),
    video_play_curve_actions=HISTOGRAMS,
    results=OUTCOMES,
    cost_per_result=OUTCOMES,
    surprise=TEXTS,
)
IDENTITIES = st.fixed_dictionaries(
    {
        "account_id": st.just("111"),
        "campaign_id": IDS,
        "adset_id": IDS,
        "ad_id": IDS,
        "date_start": st.sampled_from(["2026-09-01", "2026-09-02"]),
        "date_stop": st.just("2026-09-02"),
    }
)
ROWS = st.builds(lambda identity, cells: {**identity, **cells}, IDENTITIES, CELLS)


def of_report(name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with only what the report asks for, and the surprise."""
    report = REPORTS[name]
    asked = {*report.requested_fields, *report.breakdowns, "date_start", "date_stop", "surprise"}
    windows = set(report.asked_windows)
    return [{key: _asked(value, windows) for key, value in found.items() if key in asked} for found in rows]


def _asked(value: Any, windows: set[str]) -> Any:
    if isinstance(value, list):
        gone = {"1d_click", "7d_click"} - windows
        return [{k: v for k, v in element.items() if k not in gone} for element in value]
    return value


@pytest.mark.parametrize("name", REPORTS)
@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(ROWS, max_size=4), min_size=1, max_size=3), st.sampled_from([True, True, True, False]))
def test_equal(name: str, pages: list[list[dict[str, Any]]], knowing: bool) -> None:  # noqa: FBT001 - drawn
    """Rows of any report, odd numbers and odd texts among them: equal tables, equal quarantine, equal counts."""
    report = REPORTS[name]
    sent = [json.dumps(of_report(name, rows), ensure_ascii=False, separators=(",", ":")).encode() for rows in pages]
    quick = quickly(*sent, report=report, extras={"surprise": None} if knowing else None)
    if quick is not None:
        assert repr(carefully(*sent, report=report)) == repr(quick)


@pytest.mark.parametrize(
    "cells",
    [
        {"ad_id": ""},
        {"ad_id": None},
        {"date_start": "2026-02-30"},
        {"date_start": "0000-01-01"},
        {"date_stop": "2026-9-1"},
        {"results": [{"indicator": "a", "values": [None, {"value": "1"}]}]},
        {"results": [{"indicator": "a", "values": []}, {"indicator": "b", "values": [None]}]},
        {"results": [{"indicator": "a", "values": [{"value": "1", "attribution_windows": ["1d_click", None]}]}]},
        {"actions": [None]},
        {"spend": 1.5},
    ],
    ids=repr,
)
def test_odd_rows(cells: dict[str, object]) -> None:
    """What makes no row, and what is null where something was expected, comes to the same on both paths."""
    sent = page(row(), {**row(ad_id="2"), **cells})
    assert quickly(sent) in (None, carefully(sent))


def test_ordinary_pages_are_quick() -> None:
    """A page as the API's own sample has it is taken by the quick path, and equally by the careful one."""
    sent = page(
        row(
            ad_name="émoji 😀",
            impressions="9708",
            spend="42.170001",
            ctr="1.349403",
            cpc="0.32190812",
            actions=[
                {"action_type": "link_click", "value": "97", "7d_click": "97"},
                {"action_type": "omni_purchase", "value": "3"},
            ],
            purchase_roas=[{"action_type": "omni_purchase", "value": "4.3040081"}],
            results=[
                {"indicator": "actions:link_click", "values": [{"value": "45", "attribution_windows": ["default"]}]},
                {"indicator": "profile_visits"},
            ],
        ),
        row(ad_id="1235", ad_name='"quoted"\nname'),
    )
    quick = quickly(sent)
    assert quick is not None
    assert carefully(sent) == quick
    assert quick.aside == []


def test_extras_are_learned() -> None:
    """A scalar that no column declares costs the careful path once; then the quick one keeps it the same way."""
    sent = page(row(brand_new="yes"), row(ad_id="2"))
    assert quickly(sent) is None
    assert learned(sent) == {"brand_new": None}
    assert quickly(sent, extras=learned(sent)) == carefully(sent)


@pytest.mark.parametrize("value", [1, 1.5, True, {"a": "b"}, ["a"]], ids=str)
def test_only_texts_are_learned(value: object) -> None:
    """What is not always a text is not learned: the quick path could not read it."""
    assert learned(page(row(brand_new="yes"), row(brand_new=value))) == {}


def test_odd_names_are_not_learned() -> None:
    """A key that is no Unicode is kept, counted, and not handed to the quick path."""
    sent = b"[" + json.dumps({**KEY, "\ud800": "x"}).encode() + b"]"
    assert learned(sent) == {}
    found = carefully(sent)
    assert found.unknown == {"\ufffd": 1}
    assert found.facts[0]["extra"] == '{"\ufffd":"x"}'


@pytest.mark.parametrize("value", ["12", "1e3", ".5", "5.", "-.5", "+5", "0x1F", "nan", "-", "1.1.1"])
def test_a_cell_between_others(value: str) -> None:
    """What a cell is does not depend on the cells beside it."""
    sent = page(row(spend="1", impressions="1"), row(spend=value, impressions=value), row(spend="5", impressions="5"))
    assert quickly(sent) == carefully(sent)


@pytest.mark.parametrize(
    "sent",
    [
        b"[]",
        b"[\n  ]",
        json.dumps([row(spend="1.5")], indent=2).encode(),
        b"[" + json.dumps(row(spend="1.5")).replace(",", ",\r\n").encode() + b"]",
    ],
    ids=["empty", "empty, printed", "printed", "printed by Windows"],
)
def test_spacing(sent: bytes) -> None:
    """Empty pages and pretty-printed ones give what is in them, whichever path takes them."""
    found = carefully(sent)
    assert [str(cells["spend"]) for cells in found.facts] == (["1.500000"] if b"spend" in sent else [])
    assert quickly(sent) in (None, found)


def test_pages_in_one_batch() -> None:
    """An empty page among others changes nothing."""
    one, two = page(row(spend="1")), page(row(ad_id="2", spend="2"))
    quick = quickly(one, b"[]", two)
    assert quick == carefully(one, two)
    assert quick is not None
    assert [found["ad_id"] for found in quick.facts] == ["1234", "2"]
