"""How fast a store grows and when its disk is full follow from what lies there, by plain arithmetic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.footprint import Disk, Sizes, in_words
from pipeline.warehouse import SPARE_BYTES

ALL = ("lake", "warehouse", "ledger")


def test_growth_is_that_of_the_newest_days() -> None:
    """Seven days take 70 of 1,000 bytes: 10 a day, and warehouse and ledger in proportion."""
    sizes = Sizes(lake=1_000, warehouse=400, ledger=100, recent=70, recent_days=7)
    assert sizes.growth == {"lake": 10.0, "warehouse": 4.0, "ledger": 1.0}


@pytest.mark.parametrize(
    ("parts", "free", "days"),
    [
        (("lake", "ledger"), 1_100, 100),
        (("warehouse",), 400 + SPARE_BYTES + 800, 100),
        (ALL, 400 + SPARE_BYTES + 1_900, 100),
        (ALL, 400, 0),
    ],
)
def test_a_disk_is_full_when_nothing_more_fits(parts: tuple[str, ...], free: int, days: int) -> None:
    """Beside the warehouse there is room for one more copy of it, which grows too; each disk counts what lies on it."""
    sizes = Sizes(lake=1_000, warehouse=400, ledger=100, recent=70, recent_days=7)
    assert Disk(free, parts).days_left(sizes) == days


def test_a_store_that_does_not_grow_fills_nothing() -> None:
    """Only objects, or nothing at all."""
    assert Disk(10, ALL).days_left(Sizes(1_000, 400, 100, 0, 0)) is None


@given(st.integers(1, 10**12), st.integers(0, 10**12), st.integers(1, 28), st.integers(0, 10**13))
def test_less_room_never_lasts_longer(lake: int, warehouse: int, days: int, free: int) -> None:
    """Whatever the sizes."""
    sizes = Sizes(lake, warehouse, 1, lake, days)
    more, less = Disk(free * 2, ALL).days_left(sizes), Disk(free, ALL).days_left(sizes)
    assert more is not None
    assert less is not None
    assert 0 <= less <= more


def test_it_is_said_in_one_line() -> None:
    """In units that are read at a glance."""
    growth = {"lake": 10_000_000, "warehouse": 4_000_000, "ledger": 500_000, "from_days": 28}
    sizes = {"lake_bytes": 1_234_567_890, "warehouse_bytes": 400_000_000, "ledger_bytes": 999}
    found = {**sizes, "growth_bytes_per_day": growth, "free_bytes": 2 * 10**12, "days_until_full": 12_345}
    assert in_words(found) == (
        "disk: lake 1.2 GB, warehouse 400.0 MB, ledger 999 B; grows by about 14.5 MB a day, 2.0 TB are free; "
        "the disk is full in about 12,345 days"
    )
