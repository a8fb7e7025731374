"""Fifteen days of hourly files with every fault: the table equals the truth, every line is accounted for."""

import json
import random
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.acceptance.conftest import NOW, TOKEN, Ended, Sandbox, Shop, running_sandbox

SPEED = 20
"""So slow that no hour comes or goes while a test runs; waits are still short."""
BUSINESS = "900"
FEED = {"platform": "facebook", "position": "feed"}
CALM = {"late": 0, "lost": 0, "partial": 0, "empty": 0}
TOMORROW = NOW + timedelta(days=1)
LATER = NOW + timedelta(days=17)
SIDES = tuple(
    f"{side}_content_{name}"
    for side in ("above", "below")
    for name in ("id", "root_id", "owner_id", "root_owner_id", "language", "position", "distance", "privacy")
)
MEMBERS = ("time_key", "ad_account_id", "campaign_id", "ad_set_id", "ad_id", "impression_id", *SIDES)


def at(day: int, hour: int) -> dict[str, str]:
    return {"datetime": f"2026-11-{day:02}T{hour:02}:00"}


LOST, LATE, PARTIAL, EMPTY = at(6, 3), at(7, 4), at(8, 5), at(9, 6)
HOURS = [
    {"match": LOST, "lost": True},
    {"match": LATE, "arrives": TOMORROW.isoformat()},
    {"match": {**PARTIAL, "business": BUSINESS}, "complete": TOMORROW.isoformat()},
    {"match": {**EMPTY, "business": BUSINESS}, "parts": 0},
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
    {"match": {"every": 17}, "do": {"raw": '{"half'}},
    {"match": {**at(11, 1), "line": 3}, "do": {"raw": ""}},
    {"match": {**at(11, 2), "line": 4}, "do": {"raw": "\udcc3\udc28"}},
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
FAULTS = {
    "lines": 40,
    "parts": 2,
    "shares": CALM,
    "hours": HOURS,
    "files": FILES,
    "lines_of": LINES,
    "listings": LISTINGS,
}


@contextmanager
def hourly(folder: Path, *options: str, **told: Any) -> Iterator[tuple[Sandbox, Shop]]:
    """A sandbox with hourly files, and a shop that wants those of one business."""
    with running_sandbox("--size", "small", *options, speed=SPEED) as sandbox:
        sandbox.script(brand_safety={"lines": 40, "parts": 2, "shares": CALM, **told})
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
    with hourly(tmp_path, "--file-url-seconds", "60", **FAULTS) as (sandbox, shop):
        _killed(shop, sandbox, 4, random.Random(1))
        ended = shop.load()
        assert ended.code == 0, ended.json["failures"]
        assert_equal_to_truth(shop, sandbox, NOW)
        asked = Counter(call["path"] for call in sandbox.calls() if "file_download" in call["path"])
        sandbox.forget_calls()
        again = shop.load()
        assert again.code == 0, again.json["failures"]
        assert asked
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
    with hourly(tmp_path, "--file-url-seconds", "60", **FAULTS) as (sandbox, shop):
        _killed(shop, sandbox, 30, random.Random(seed))
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
        assert ended.code == 0, ended.json["failures"]
        where = "time_key = '2026-11-12T01:00'"
        truth = lines_of(sandbox, "truth/brand_safety", business=BUSINESS, **at(12, 1), **FEED)
        assert found_rows(shop, where) == Counter(expected(row) for row in truth)
        reasons = shop.ask("SELECT reason, count(*) FROM meta.quarantine GROUP BY ALL")
        assert reasons == [("this impression_id stood in its hour before", 40)]


def test_without_the_capability_the_family_fails_and_others_go_on(tmp_path: Path) -> None:
    """Exit 3, with what to ask Meta for; ads insights land meanwhile."""
    with hourly(tmp_path) as (sandbox, _):
        insights = '[ads_insights]\nad_accounts = ["act_111"]\nsince = 2026-11-18\n'
        shop = configured(tmp_path, sandbox, more=insights)
        refusal = {"code": 200, "message": "(#200) Missing capability", "type": "OAuthException"}
        sandbox.script(
            {"match": {"op": "safety_ranges"}, "do": {"status": 403, "error": refusal}},
            brand_safety={"lines": 40, "parts": 2, "shares": CALM},
        )
        ended = shop.load()
        assert ended.code == 3, ended.err
        [failure] = ended.json["failures"]
        assert "ask Meta, through your representative, for the capability" in failure["error"]
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
        assert ended.code == 0, ended.json["failures"]
        assert "availability.odd_hour" in ended.err
        sandbox.script(brand_safety={"lines": 40, "parts": 2, "shares": CALM})
        assert shop.load(*day).code == 0
        assert shop.load(*day).code == 0
        columns = "platform, position, is_download, earliest_datetime"
        assert shop.ask(f"SELECT {columns} FROM brand_safety_availability") == [
            ("facebook", "feed", True, "2026-11-05T00:00")
        ]
        history = shop.ask("SELECT earliest_datetime FROM brand_safety_availability_history ORDER BY fetched_at")
        assert history == [("2024-02-31T00:00",), ("2026-11-05T00:00",)]
