"""Fifteen days of hourly files with every fault: the table equals the truth, every line is accounted for."""

import json
import random
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb
import pytest

from schemas.brand_safety import IMPRESSIONS
from tests.acceptance.conftest import NOW, TOKEN, Ended, Sandbox, Shop, running_sandbox

SPEED = 20
"""So slow that no hour comes or goes while a test runs; waits are still short."""
BUSINESS = "900"
FEED = {"platform": "facebook", "position": "feed"}
CALM = {"late": 0, "lost": 0, "partial": 0, "empty": 0}
TOMORROW = NOW + timedelta(days=1)
LATER = NOW + timedelta(days=3)
SIDES = tuple(
    f"{side}_content_{name}"
    for side in ("above", "below")
    for name in ("id", "root_id", "owner_id", "root_owner_id", "language", "position", "distance", "privacy")
)
MEMBERS = ("time_key", "ad_account_id", "campaign_id", "ad_set_id", "ad_id", "impression_id", *SIDES)


def at(day: int, hour: int) -> dict[str, str]:
    return {"datetime": f"2026-11-{day:02}T{hour:02}:00"}


LOST, LATE, PARTIAL, EMPTY, VANISHED = at(6, 3), at(7, 4), at(8, 5), at(9, 6), at(9, 7)
HOURS = [
    {"match": LOST, "lost": True},
    {"match": LATE, "arrives": TOMORROW.isoformat()},
    {"match": {**PARTIAL, "business": BUSINESS}, "complete": TOMORROW.isoformat(), "parts": 2},
    *({"match": {**at(day, hour), "business": BUSINESS}, "parts": 2} for day in (10, 12) for hour in range(1, 7)),
    {"match": {**EMPTY, "business": BUSINESS}, "parts": 0},
    {"match": VANISHED, "vanishes": (NOW - timedelta(hours=1)).isoformat()},
]
FILES = [
    {"match": at(10, 1), "times": 2, "do": {"truncate": 700}},
    {"match": at(10, 2), "times": 1, "do": {"cut": 700}},
    {"match": at(10, 3), "times": 1, "do": {"wrong_crc": True}},
    {"match": at(10, 4), "times": 1, "do": {"html": True}},
    {"match": at(10, 5), "times": 2, "do": {"status": 403}},
    {"match": at(10, 6), "times": 1, "do": {"status": 500}},
]
LINES = [
    *({"match": {**at(13, hour), "every": 17}, "do": {"raw": '{"half'}} for hour in range(24)),
    {"match": {**at(11, 1), "line": 3}, "do": {"raw": ""}},
    {"match": {**at(11, 2), "line": 4}, "do": {"raw": "\udcc3("}},
    {"match": {**at(11, 3), "line": 5}, "do": {"spoil": {"above_content_distance": 1.5}}},
    {"match": {**at(11, 4), "line": 6}, "do": {"spoil": {"ad_id": ["1"]}}},
    {"match": {**at(11, 5)}, "do": {"set": {"brand_new": 5}}},
    {"match": {**at(11, 6)}, "do": {"numeric_ids": True}},
]
LISTINGS = [
    {"match": at(12, 1), "do": {"again": {"2": "other.gz"}}},
    {"match": at(12, 2), "do": {"rename": {"1": "odd.gz"}}},
    {"match": at(12, 3), "times": 1, "do": {"only": [1]}},
]
QUOTA = [
    {"match": {"op": "safety_ranges"}, "times": 1, "do": {"fault": "80011"}},
    {"match": {"op": "safety_files", "nth": 20}, "times": 2, "do": {"fault": "80011"}},
    {"match": {"op": "safety_files", "nth": 100}, "times": 1, "do": {"fault": "2"}},
]
"""Meta's own count of brand-safety calls says no, at once and in the middle; nothing is lost by it."""
FAULTS = {
    "lines": 40,
    "parts": 1,
    "shares": CALM,
    "hours": HOURS,
    "files": FILES,
    "lines_of": LINES,
    "listings": LISTINGS,
}


@contextmanager
def hourly(
    folder: Path, *options: str, rules: Sequence[Mapping[str, Any]] = (), **told: Any
) -> Iterator[tuple[Sandbox, Shop]]:
    """A sandbox with hourly files, and a shop that wants those of one business."""
    with running_sandbox("--size", "small", *options, speed=SPEED) as sandbox:
        sandbox.script(*rules, brand_safety={"lines": 40, "parts": 2, "shares": CALM, **told})
        yield sandbox, configured(folder, sandbox)


def configured(folder: Path, sandbox: Sandbox, businesses: tuple[str, ...] = (BUSINESS,), more: str = "") -> Shop:
    shop = Shop(folder, sandbox.url, speed=SPEED)
    shop.config.write_text(
        f"""
[graph]
base_url = "{sandbox.url}"
files_url = "{sandbox.files}"
[storage]
root = "{folder / "data"}"
[pace]
clock_speed = {SPEED}
[brand_safety]
business_ids = {json.dumps(businesses)}
placements = ["facebook/feed"]
content = false
{more}
""",
        encoding="utf-8",
    )
    return shop


def lines_of(sandbox: Sandbox, path: str, **query: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{sandbox.url}/sandbox/{path}?{urlencode(query)}") as reply:
        return [json.loads(line) for line in reply.read().splitlines()]


def true_hours(sandbox: Sandbox, now: datetime) -> dict[str, Mapping[str, Any]]:
    found = sandbox.get("truth/brand_safety/hours", business=BUSINESS, at=now.isoformat(), **FEED)["hours"]
    return {hour["datetime"]: hour for hour in found}


def expected(row: Mapping[str, Any]) -> tuple[str | None, ...]:
    """A line as the warehouse should show it, as texts."""
    values = (None if row.get(name) is None else str(row[name]) for name in MEMBERS)
    extra = {"brand_new": row["brand_new"]} if "brand_new" in row else None
    return (*values, json.dumps(extra, separators=(",", ":")) if extra else None)


def found_rows(shop: Shop, where: str = "true") -> Counter[tuple[Any, ...]]:
    members = ", ".join(f"{name}::VARCHAR" for name in (*MEMBERS, "extra"))
    return Counter(shop.ask(f"SELECT {members} FROM brand_safety_impressions WHERE {where}"))


def states(shop: Shop) -> dict[str, str]:
    wanted = "strftime(slice_start, '%Y-%m-%dT%H:00'), state"
    return dict(shop.ask(f"SELECT {wanted} FROM meta.slices WHERE table_name = 'brand_safety_impressions'"))


def assert_equal_to_truth(shop: Shop, sandbox: Sandbox, now: datetime) -> None:
    """Every hour in its state; every row of every listed part, and no other; every line accounted for."""
    hours = true_hours(sandbox, now)
    words = {"whole": "landed", "late": "skipped", "lost": "skipped", "partial": "partial", "empty": "empty"}
    words["vanished"] = "skipped"
    assert {label: words[hour["state"]] for label, hour in hours.items()} == states(shop)
    truth: Counter[tuple[Any, ...]] = Counter()
    lines = 0
    for label, hour in hours.items():
        rows = lines_of(sandbox, "truth/brand_safety", business=BUSINESS, datetime=label, **FEED)
        truth.update(expected(row) for row in rows if row["part"] <= hour["listed"])
        lines += sum(40 for _ in range(hour["listed"]))
    assert found_rows(shop) == truth
    unique = "count(*) = count(DISTINCT (platform, position, hour, impression_id))"
    assert shop.ask(f"SELECT {unique} FROM brand_safety_impressions") == [(True,)]
    [(aside, without)] = shop.ask(
        "SELECT count(*), count(*) FILTER (raw IS NULL OR reason IS NULL OR source NOT LIKE '%, line %') "
        "FROM meta.quarantine WHERE table_name = 'brand_safety_impressions'"
    )
    repeated = shop.ask("SELECT count(*) FROM meta.quarantine WHERE reason LIKE '%stood in its hour before'")
    assert repeated == [(0,)]
    assert (truth.total() + aside, without) == (lines, 0)
    assert_lake_equals_warehouse(shop)


def assert_lake_equals_warehouse(shop: Shop) -> None:
    """The one-line reader of the lake finds the warehouse's rows, partition columns with their types among them."""
    kinds = "{business_id: VARCHAR, platform: VARCHAR, position: VARCHAR, date: DATE}"
    files = (
        f"read_parquet('{shop.lake}/brand_safety_impressions/**/*.parquet', union_by_name = true, hive_types = {kinds})"
    )
    columns = ", ".join(f"{name}::VARCHAR" for name in IMPRESSIONS.names)
    sides = (f"SELECT {columns} FROM warehouse.brand_safety_impressions", f"SELECT {columns} FROM {files}")
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{shop.warehouse}' AS warehouse (READ_ONLY)")
        for one, other in (sides, sides[::-1]):
            assert connection.execute(f"SELECT count(*) FROM ({one} EXCEPT ALL {other})").fetchall() == [(0,)]


def assert_tokenless(sandbox: Sandbox, *ended: Ended) -> None:
    """No file was asked for with our token; no address of one was ever shown."""
    downloads = sandbox.get("brand_safety/downloads")["downloads"]
    assert downloads
    assert not [download for download in downloads if download["authorization"]]
    shown = "".join(end.out + end.err for end in ended)
    assert "signature=" not in shown
    assert TOKEN not in shown


def test_fifteen_days_with_every_fault_equal_the_truth(tmp_path: Path) -> None:
    """Killed four times on the way; the next days bring what was late; what never came is lost, and said once."""
    with hourly(tmp_path, "--file-url-seconds", "60", rules=QUOTA, **FAULTS) as (sandbox, shop):
        _killed(shop, sandbox, 4, random.Random(1))
        assert shop.load().code == 0, "an hour whose listing was cut short is partial after this one"
        ended = shop.load()
        assert ended.code == 0, ended.json["failures"]
        assert_equal_to_truth(shop, sandbox, NOW)
        assert [call["op"] for call in sandbox.calls() if call["code"] == 80011] == [
            "safety_ranges",
            *2 * ["safety_files"],
        ]
        sandbox.forget_calls()
        again = shop.load()
        assert again.code == 0, again.json["failures"]
        listings = [call for call in sandbox.calls() if "file_download" in call["path"]]
        assert len(listings) == 1, "only the hour that is partial is listed again"
        sandbox.move_to(TOMORROW)
        tomorrow = shop.load(now=TOMORROW)
        assert tomorrow.code == 0, tomorrow.json["failures"]
        found = states(shop)
        assert [found[hour["datetime"]] for hour in (LATE, PARTIAL, LOST)] == ["landed", "landed", "skipped"]
        sandbox.script(brand_safety={**FAULTS, "parts": 0})  # the days that follow are of no interest here
        sandbox.move_to(LATER)
        later = shop.load(now=LATER)
        assert (later.code, later.json["slices"]["lost"]) == (1, 1)
        assert [failure["slice"] for failure in later.json["failures"]] == [LOST["datetime"]]
        reason = "it left Meta's window of 15 days before it was whole"
        assert shop.ask("SELECT reason FROM meta.slices WHERE state = 'lost'") == [(reason,)]
        assert_tokenless(sandbox, ended, again, tomorrow, later)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3))
def test_fifteen_days_killed_thirty_times_equal_the_truth(seed: int, tmp_path: Path) -> None:
    """The same faults, and a kill wherever it falls."""
    with hourly(tmp_path, "--file-url-seconds", "60", rules=QUOTA, **FAULTS) as (sandbox, shop):
        _killed(shop, sandbox, 30, random.Random(seed))
        assert shop.load().code == 0
        ended = shop.load()
        assert ended.code == 0, ended.json["failures"]
        assert_equal_to_truth(shop, sandbox, NOW)
        assert_tokenless(sandbox, ended)


def _killed(shop: Shop, sandbox: Sandbox, kills: int, chance: random.Random) -> None:
    """Loads killed one after the other, each a little way into its work; one that ended first counts, too."""
    for _ in range(kills):
        sandbox.move_to(NOW)
        shop.killed_load(chance.uniform(1.2, 3.5))
    sandbox.move_to(NOW)
    sandbox.post("reset_quotas", {})


def test_impressions_that_another_part_repeats_are_set_aside(tmp_path: Path) -> None:
    """A part listed once more under another number lands no row twice: each of its lines is in quarantine instead."""
    day = ("--since", "2026-11-12", "--until", "2026-11-12")
    with hourly(tmp_path) as (sandbox, shop):
        again = [{"match": at(12, 1), "do": {"again": {"2": "brand_suitability_again_3_of_3.jsonl.gz"}}}]
        sandbox.script(brand_safety={"lines": 40, "parts": 2, "shares": CALM, "listings": again})
        ended = shop.load(*day)
        assert ended.code == 0, ended.err
        where = "time_key = '2026-11-12T01:00'"
        truth = lines_of(sandbox, "truth/brand_safety", business=BUSINESS, **at(12, 1), **FEED)
        assert found_rows(shop, where) == Counter(expected(row) for row in truth)
        reasons = shop.ask("SELECT reason, count(*) FROM meta.quarantine GROUP BY ALL")
        assert reasons == [("this impression_id stood in its hour before", 40)]


@pytest.mark.parametrize("op", ["safety_ranges", "safety_files"])
def test_without_the_capability_the_family_fails_and_others_go_on(op: str, tmp_path: Path) -> None:
    """Exit 3, with what to ask Meta for, whichever call is refused first; ads insights land meanwhile."""
    day = ("--since", "2026-11-18", "--until", "2026-11-18")
    with hourly(tmp_path) as (sandbox, _):
        shop = configured(tmp_path, sandbox, more='[ads_insights]\nad_accounts = ["act_111"]\nsince = 2026-11-18\n')
        rule = {"match": {"op": op}, "times": None, "do": {"fault": "200/capability"}}
        sandbox.script(rule, brand_safety={"lines": 40, "parts": 2, "shares": CALM})
        ended = shop.load(*day)
        assert ended.code == 3, ended.err
        errors = {failure["error"] for failure in ended.json["failures"]}
        assert all("ask Meta, through your representative, for the capability" in error for error in errors)
        assert errors
        assert len([call for call in sandbox.calls() if call["op"] == op]) <= 3
        assert shop.ask("SELECT count(*) > 0 FROM ads_insights") == [(True,)]


def test_a_business_that_may_not_be_read_fails_alone(tmp_path: Path) -> None:
    """One refusal costs one call; the other business lands, exit 1."""
    day = ("--since", "2026-11-12", "--until", "2026-11-12")
    with hourly(tmp_path, no_capability=["901"]) as (sandbox, _):
        shop = configured(tmp_path, sandbox, (BUSINESS, "901"))
        ended = shop.load(*day)
        assert ended.code == 1, ended.err
        assert Counter(failure["scope"] for failure in ended.json["failures"]) == {"901/facebook/feed": 24}
        refused = [call for call in sandbox.calls() if "/901/file_download" in call["path"]]
        assert len(refused) <= 3
        landed = shop.ask("SELECT count(*) FROM meta.slices WHERE state = 'landed' AND scope = '900/facebook/feed'")
        assert landed == [(24,)]


def test_days_that_are_none_are_kept_as_text_and_reported(tmp_path: Path) -> None:
    """Impossible dates in a reply are no crash: availability keeps them as sent, with a history of its changes."""
    day = ("--since", "2026-11-18", "--until", "2026-11-18")
    with hourly(tmp_path, dates={"earliest_datetime": "2024-02-31T00:00"}) as (sandbox, shop):
        ended = shop.load(*day)
        assert ended.code == 0, ended.err
        assert "availability.odd_hour" in ended.err
        sandbox.script(brand_safety={"lines": 40, "parts": 2, "shares": CALM})
        for minutes in (10, 20):
            assert shop.load(*day, now=NOW + timedelta(minutes=minutes)).code == 0
        columns = "platform, position, is_download, earliest_datetime"
        assert shop.ask(f"SELECT {columns} FROM brand_safety_availability") == [
            ("facebook", "feed", True, "2026-11-05T00:00")
        ]
        history = shop.ask("SELECT earliest_datetime FROM brand_safety_availability_history ORDER BY fetched_at")
        assert history == [("2024-02-31T00:00",), ("2026-11-05T00:00",)]


def test_a_load_that_gives_up_in_the_middle_leaves_the_rest_due(tmp_path: Path) -> None:
    """What was landed stays, what was being typed lands or does not; the next load ends with the truth."""
    days = ("--since", "2026-11-10", "--until", "2026-11-16")
    with hourly(tmp_path) as (sandbox, shop):
        patient = shop.config.read_text(encoding="utf-8")
        shop.config.write_text(patient.replace("[pace]", "[pace]\ngive_up_after_minutes = 1"), encoding="utf-8")
        ended = shop.load(*days)
        assert ended.code == 1, ended.err
        assert "give_up_after_minutes is over" in ended.json["failures"][0]["error"]
        shop.config.write_text(patient, encoding="utf-8")
        sandbox.move_to(NOW)
        done = shop.load(*days)
        assert done.code == 0, done.json["failures"]
        hours = [label for label in true_hours(sandbox, NOW) if "2026-11-10" <= label[:10] <= "2026-11-16"]
        truth: Counter[tuple[Any, ...]] = Counter()
        for label in hours:
            rows = lines_of(sandbox, "truth/brand_safety", business=BUSINESS, datetime=label, **FEED)
            truth.update(expected(row) for row in rows)
        assert found_rows(shop) == truth
        assert states(shop) == dict.fromkeys(hours, "landed")
        assert list((shop.lake / ".tmp").iterdir()) == []


def test_what_hours_there_are_can_be_asked_alone(tmp_path: Path) -> None:
    """`--table brand_safety_availability` lists no file."""
    with hourly(tmp_path) as (sandbox, shop):
        ended = shop.load("--table", "brand_safety_availability")
        assert ended.code == 0, ended.json["failures"]
        assert ended.json["slices"]["landed"] == 1
        assert [call["op"] for call in sandbox.calls()] == ["safety_ranges"]
