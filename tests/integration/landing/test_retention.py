"""Hours older than `keep_days` leave the warehouse first and the lake a day later, and are never asked for again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipeline import catalogue
from pipeline.catalogue import Owned
from pipeline.landing import land
from pipeline.meta_rows import meta_tables
from pipeline.retention import is_too_old, lose_retired, retire, too_old
from pipeline.slices import SliceWriter, Target
from pipeline.store import Places, Store
from pipeline.verify import verify
from schemas.columns import ORIGIN, Column, Kind, Table
from schemas.events import silent
from schemas.periods import State
from schemas.work import Place, SliceId, SliceRecord
from tests.integration.landing import world
from tests.integration.landing.stage import ask, begin, open_store, rebuild

ZONE = "America/Los_Angeles"
KEEP = 7
DAY = datetime(2026, 11, 1)  # noqa: DTZ001 - slices begin by local wall time
IMPRESSIONS = Table(
    "brand_safety_impressions",
    "Impressions of a business file",
    (
        Column("business_id", Kind.TEXT, "Business"),
        Column("date", Kind.DAY, "Day"),
        Column("hour", Kind.TEXT, "Hour"),
        Column("impression_id", Kind.TEXT, "Impression"),
        *ORIGIN,
    ),
    ("business_id", "date", "hour", "impression_id"),
    ("business_id", "date", "hour"),
)
OWNED = Owned("brand_safety_impressions", "hourly", "hourly", (IMPRESSIONS,))


def hour(number: int) -> SliceId:
    return SliceId("brand_safety_impressions", "900/facebook/feed", DAY + timedelta(hours=number))


def path_of(number: int) -> str:
    at = DAY + timedelta(hours=number)
    return f"brand_safety_impressions/business_id=900/date={at:%Y-%m-%d}/hour={at:%H}/1_of_1.parquet"


def land_hours(store: Store, numbers: Sequence[int]) -> None:
    """Hours of ten impressions each."""
    catalogue.settle([*world.OWNED, OWNED], store.ledger, store.lake)
    for number in numbers:
        at = DAY + timedelta(hours=number)
        folders = (("business_id", "900"), ("date", f"{at:%Y-%m-%d}"), ("hour", f"{at:%H}"))
        asked = (world.BORN, world.BORN)
        record = SliceRecord(hour(number), at + timedelta(hours=1), ZONE, State.LANDED, 0, *asked, "run", "hourly")
        writer = SliceWriter(store.lake, Target(record.id, Place(folders, "1_of_1"), (IMPRESSIONS,)))
        rows = [{"impression_id": f"{number}-{line}"} for line in range(10)]
        writer.write(IMPRESSIONS.name, world.arrow(IMPRESSIONS, rows, world.BORN, "run"))
        land(store.ledger, store.lake, [writer.close(store.ledger, record, final=True).ready], silent)


def publish(store: Store, keep_days: int, now: datetime) -> None:
    """As the assembly does it: what is too old is taken out before, deleted after."""
    retire(store.ledger, keep_days, now, silent)
    store.warehouse.publish(meta_tables(store.ledger, world.LOOKBACK_DAYS, "test"), now)
    lose_retired(store.ledger, store.lake, now, silent)


def hours_in(where: Places) -> list[int]:
    found = ask(where.warehouse, "SELECT DISTINCT date, hour FROM brand_safety_impressions ORDER BY ALL")
    return [(day - DAY.date()).days * 24 + int(at) for day, at in found]


def lying(where: Places) -> list[int]:
    return [number for number in range(48) if (where.lake / path_of(number)).exists()]


LIMIT = datetime(2026, 11, 8, 8, tzinfo=UTC)
"""Midnight in Los Angeles, seven days after the first hour began: an hour later it is too old."""


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (LIMIT + timedelta(minutes=59), False),
        (LIMIT + timedelta(hours=1), True),
        (LIMIT - timedelta(days=30), False),
        (LIMIT + timedelta(days=30), True),
    ],
)
def test_an_hour_is_old_by_its_own_clock(now: datetime, expected: bool) -> None:  # noqa: FBT001 - the table's
    """So many days after its end, in the zone of its slice; with 0 it never is."""
    assert is_too_old(DAY + timedelta(hours=1), ZONE, KEEP, now) is expected
    assert is_too_old(DAY + timedelta(hours=1), ZONE, 0, now) is False


@pytest.fixture
def hourly(where: Places) -> Places:
    """A store with two days of hours beside its days of facts."""
    begin(where)
    with open_store(where) as store:
        land_hours(store, range(48))
        publish(store, 0, LIMIT)
    return where


def test_old_hours_leave_the_warehouse_first_and_the_lake_a_day_later(hourly: Places) -> None:
    """Ten hours are too old; days of facts are not hours, and stay whatever their age."""
    facts = ask(hourly.warehouse, "SELECT count(*) FROM shop")
    now = LIMIT + timedelta(hours=10)
    with open_store(hourly) as store:
        publish(store, KEEP, now)
    assert (hours_in(hourly), lying(hourly)) == ([*range(10, 48)], [*range(48)])
    assert verify(hourly).wrong == []
    with open_store(hourly) as store:
        publish(store, KEEP, now + timedelta(hours=23, minutes=59))
    assert lying(hourly) == [*range(48)]
    with open_store(hourly) as store:
        publish(store, KEEP, now + timedelta(hours=24))
    assert (hours_in(hourly), lying(hourly)) == ([*range(34, 48)], [*range(10, 48)])
    assert verify(hourly).wrong == []
    assert ask(hourly.warehouse, "SELECT count(*) FROM shop") == facts
    states = (
        "SELECT state, reason, count(*), sum(rows) FROM meta.slices WHERE scope LIKE '900%' GROUP BY ALL ORDER BY 3"
    )
    assert ask(hourly.warehouse, states) == [
        ("landed", None, 14, 140),
        ("landed", "older than keep_days = 7, so it was taken out", 34, 0),
    ]


@pytest.mark.parametrize(
    ("state", "expected"), [(state, state in {"landed", "empty", "lost"}) for state in map(str, State)]
)
def test_an_hour_that_may_still_be_asked_for_waits(state: str, expected: bool) -> None:  # noqa: FBT001 - the table's
    """What is partial or failed is taken out when it is whole or lost."""
    end = DAY + timedelta(hours=1)
    record = SliceRecord(hour(0), end, ZONE, State(state), 1, world.BORN, world.BORN, "run", "hourly")
    day = replace(record, end=DAY + timedelta(days=1))
    assert bool(too_old([record], KEEP, LIMIT + timedelta(days=30))) is expected
    assert too_old([day], KEEP, LIMIT + timedelta(days=30)) == []


def test_nothing_is_taken_out_by_default(hourly: Places) -> None:
    """`keep_days = 0` keeps everything for ever."""
    with open_store(hourly) as store:
        publish(store, 0, LIMIT + timedelta(days=4_000))
    assert (hours_in(hourly), lying(hourly)) == ([*range(48)], [*range(48)])


def test_a_clock_that_was_wrong_deletes_nothing_at_once(hourly: Places) -> None:
    """It ran far ahead for one publication: every file is there, and a rebuild brings every row back."""
    with open_store(hourly) as store:
        publish(store, KEEP, LIMIT + timedelta(days=400))
    with open_store(hourly) as store:
        publish(store, KEEP, LIMIT)
    assert (hours_in(hourly), lying(hourly)) == ([], [*range(48)])
    rebuild(hourly, asked=True)
    assert hours_in(hourly) == [*range(48)]
    assert verify(hourly).wrong == []


def test_an_hour_that_landed_again_is_not_deleted(hourly: Places) -> None:
    """The file that lies there when the day is over is not the one that was taken out."""
    with open_store(hourly) as store:
        publish(store, KEEP, LIMIT + timedelta(hours=1))
        land_hours(store, [0])
        publish(store, 0, LIMIT + timedelta(hours=30))
    assert (hours_in(hourly), lying(hourly)) == ([*range(48)], [*range(48)])
    assert verify(hourly).wrong == []
