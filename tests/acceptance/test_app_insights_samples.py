"""Every sample of a reply, served as it stands, loads as it stands."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.app_shop import AppShop, Entry, expected
from tests.acceptance.conftest import Sandbox, running_sandbox

SAMPLES = Path(__file__).parents[1] / "samples" / "app_insights"
CALLS: Entry = {"metric": "api_calls"}
COUNTRIES: Entry = {"metric": "api_calls", "breakdowns": ["country"]}
REPLIES: tuple[tuple[str, Entry, date, date], ...] = (
    ("reference_empty.json", CALLS, date(2017, 2, 1), date(2017, 2, 2)),
    ("captured_reply.json", CALLS, date(2014, 12, 18), date(2015, 7, 13)),
    ("two_days.json", CALLS, date(2014, 12, 18), date(2014, 12, 19)),
    ("breakdown.json", COUNTRIES, date(2017, 2, 1), date(2017, 2, 1)),
    ("redacted.json", COUNTRIES, date(2017, 2, 1), date(2017, 2, 1)),
    ("summary.json", CALLS, date(2017, 2, 1), date(2017, 2, 1)),
)
"""Each with the entry that asks, and the days that are asked."""


def text_of(name: str) -> str:
    return (SAMPLES / name).read_text(encoding="utf-8")


def served(sandbox: Sandbox, name: str, status: int = 200) -> None:
    reply = {"status": status, "body": text_of(name)}
    sandbox.script({"match": {"path": "/app_insights/"}, "times": None, "do": {"reply": reply}})


@pytest.fixture(scope="module")
def old() -> Iterator[Sandbox]:
    """A sandbox that only ever serves samples."""
    with running_sandbox("--size", "small", now=datetime(2015, 7, 14, 14, 0, tzinfo=UTC)) as sandbox:
        yield sandbox


@pytest.mark.parametrize(("name", "entry", "since", "until"), REPLIES, ids=[name for name, *_ in REPLIES])
def test_a_sample_loads_as_it_stands(
    name: str, entry: Entry, since: date, until: date, old: Sandbox, tmp_path: Path
) -> None:
    """Every row of the file is a row of the table and no other; each day without one is missing; nothing is aside."""
    now = datetime(until.year, until.month, until.day, 14, 0, tzinfo=UTC) + timedelta(days=1)
    old.move_to(now)
    served(old, name)
    shop = AppShop(tmp_path, old.url)
    shop.configure_apps(entry, since=since)
    ended = shop.load(now=now)
    assert (ended.code, ended.err if ended.code else "") == (0, "")
    rows: list[dict[str, Any]] = json.loads(text_of(name))["data"]
    assert shop.values() == expected("700", entry, rows)
    days = {since + timedelta(days=number) for number in range((until - since).days + 1)}
    there = {date.fromisoformat(row["time"][:10]) for row in rows}
    empty = shop.ask("SELECT slice_start::DATE FROM meta.slices WHERE state = 'empty' AND reason LIKE '%missing%'")
    assert {day for (day,) in empty} == days - there
    assert ended.json["quarantined_rows"] == 0


def test_the_captured_reply_has_its_missing_days() -> None:
    """208 days, of which the sample's own words say that the fourth is missing."""
    days = [row["time"][:10] for row in json.loads(text_of("captured_reply.json"))["data"]]
    assert (days[0], days[-1], "2014-12-21" in days) == ("2014-12-18", "2015-07-13", False)
    assert len(days) == len(set(days)) < 208


@pytest.mark.parametrize(
    ("name", "code", "remedy"),
    [
        ("error_100.json", 100, "fix"),
        ("error_3000.json", 3000, "permission"),
        ("error_3001.json", 3001, "fix"),
        ("error_3003.json", 3003, "permission"),
    ],
)
def test_a_sample_of_an_error_fails_the_metric(name: str, code: int, remedy: str, old: Sandbox, tmp_path: Path) -> None:
    """With its code, its words and what to do; the load ends with 1."""
    now = datetime(2015, 7, 14, 14, 0, tzinfo=UTC)
    old.move_to(now)
    served(old, name, 400)
    shop = AppShop(tmp_path, old.url)
    shop.configure_apps(CALLS, since=date(2015, 7, 13))
    ended = shop.load(now=now)
    [failure] = ended.json["failures"]
    assert (ended.code, failure["code"], failure["remedy"]) == (1, code, remedy)
    assert json.loads(text_of(name))["error"]["message"] in failure["error"]


def test_the_request_of_the_reference_is_understood(old: Sandbox) -> None:
    """`period=...&breakdowns[0]=client` as the page writes it; its `monthly` is not what any metric lists."""
    old.script()
    rows = old.get("truth/app_insights", app="700", metric="api_calls", period="daily", **{"breakdowns[0]": "client"})
    assert "client" in rows["rows"][0]["breakdowns"]
