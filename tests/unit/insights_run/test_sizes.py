"""What worked is remembered per account and report; after good nights a bigger size is tried, once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from connectors.ads_insights.ladder import Narrowing
from pipeline.errors import Inconsistent
from pipeline.lake import Lake
from pipeline.part_buffer import PartBuffer, joined
from pipeline.sizes import BIGGEST, GOOD_NIGHTS, LONGEST_DAYS, MOST_PARTS, Sizes
from pipeline.slices import Target
from schemas.ad_objects import OBJECT_TABLES
from schemas.arrow import file_schema
from schemas.reports import Filter
from schemas.work import SliceId, current_place

PARTS = (
    Narrowing((Filter.of("campaign.id", "IN", ["1", "2"]),)),
    Narrowing((Filter.of("campaign.id", "NOT_IN", ["1", "2"]),), ("spend",)),
    Narrowing((Filter.of("campaign.id", "NOT_IN", ["1", "2"]),), ("reach",)),
)


class Kept:
    """Notes as JSON would keep them."""

    def __init__(self) -> None:
        self.notes: dict[str, Any] = {}
        self.now = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)

    def note(self, name: str) -> Any:
        return self.notes.get(name)

    def save_note(self, name: str, value: object) -> None:
        self.notes[name] = value

    def sizes(self) -> Sizes:
        """The memory as the next process opens it."""
        return Sizes(self, lambda: self.now)

    def next_night(self) -> Sizes:
        self.now += timedelta(days=1)
        return self.sizes()


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_everybody_begins_with_the_biggest_and_nothing_is_noted(kept: Kept) -> None:
    """An account that was never refused anything leaves no note."""
    kept.sizes().worked("r", "1", LONGEST_DAYS)
    kept.sizes().save_pages({("1", "r"): 5000}, 5000)
    assert (kept.sizes().of("r", "1", "d"), kept.notes) == (BIGGEST, {})


def test_a_refused_size_is_halved_for_this_report_and_account_alone(kept: Kept) -> None:
    """The note is `size.<report>.<account>`."""
    kept.sizes().refused("r", "1", 30)
    kept.sizes().refused("r", "1", 15)
    assert kept.sizes().of("r", "1", "d").days == 7
    assert kept.sizes().of("r", "2", "d") == kept.sizes().of("s", "1", "d") == BIGGEST
    assert list(kept.notes) == ["size.r.1"]


def test_after_five_good_nights_twice_the_days_are_tried(kept: Kept) -> None:
    """A night counts once, and only if a run of that size was asked for."""
    kept.sizes().refused("r", "1", 10)
    for _ in range(GOOD_NIGHTS - 1):
        sizes = kept.next_night()
        sizes.worked("r", "1", 5)
        sizes.worked("r", "1", 5)
    kept.next_night().worked("r", "1", 2)
    assert kept.sizes().of("r", "1", "d").days == 5
    kept.next_night().worked("r", "1", 5)
    assert kept.sizes().of("r", "1", "d").days == 10


def test_parts_are_remembered_for_the_definition_that_they_were_found_for(kept: Kept) -> None:
    """A report that asks for other fields begins anew: its fields would not all be in the parts."""
    kept.sizes().parted("r", "1", 1, PARTS, "d")
    assert kept.sizes().of("r", "1", "d").parts == PARTS
    assert kept.sizes().of("r", "1", "other").parts == ()
    assert kept.sizes().of("r", "1", "other").days == 1


def test_after_five_good_nights_one_slice_is_asked_whole_again(kept: Kept) -> None:
    """Once; refused, it costs that call, and the parts are still known; answered, there are no parts any more."""
    for _ in range(GOOD_NIGHTS):
        kept.next_night().parted("r", "1", 1, PARTS, "d")
    sizes = kept.sizes()
    assert (sizes.dares("r", "1"), sizes.dares("r", "1")) == (True, False)
    sizes.refused("r", "1", 1)
    assert kept.sizes().of("r", "1", "d").parts == PARTS
    sizes.whole_again("r", "1", 1)
    assert kept.sizes().of("r", "1", "d").parts == ()


def test_too_many_parts_are_not_remembered(kept: Kept) -> None:
    """The note stays small."""
    kept.sizes().parted("r", "1", 1, PARTS[:1] * (MOST_PARTS + 1), "d")
    assert kept.sizes().of("r", "1", "d").parts == ()


def test_the_page_size_that_worked_is_remembered(kept: Kept) -> None:
    """And forgotten once the biggest page works again."""
    kept.sizes().save_pages({("1", "r"): 625}, 5000)
    assert kept.sizes().pages([("1", "r"), ("2", "r")]) == {("1", "r"): 625}
    kept.sizes().save_pages({("1", "r"): 5000}, 5000)
    assert kept.sizes().pages([("1", "r")]) == {}


def test_parts_of_fields_are_joined_by_key() -> None:
    """A row that one part lacks keeps NULL there; what no column declares is kept of all parts; nothing is added up."""
    one: list[dict[str, Any]] = [
        {"k": 1, "spend": 2, "reach": None, "extra": '{"a":1}'},
        {"k": 2, "spend": 3, "reach": None, "extra": None},
    ]
    other: list[dict[str, Any]] = [
        {"k": 1, "spend": None, "reach": 5, "extra": '{"b":2}'},
        {"k": 3, "spend": None, "reach": 6},
    ]
    assert joined([one, other], ["k"], "s") == [
        {"k": 1, "spend": 2, "reach": 5, "extra": '{"a":1,"b":2}'},
        {"k": 2, "spend": 3},
        {"k": 3, "reach": 6},
    ]


def test_rows_of_a_part_are_the_same_from_memory_and_from_disk(tmp_path: Path) -> None:
    """Few are held, many lie in a temporary file that goes when they are forgotten."""
    lake, temporary = Lake(tmp_path), tmp_path / ".tmp"
    temporary.mkdir()
    facts = OBJECT_TABLES["campaigns"].table
    target = Target(SliceId("campaigns", "1", None), current_place("account_id", "1"), (facts,))
    rows = pa.Table.from_pylist([{"id": str(n), "name": "é"} for n in range(5)], schema=file_schema(facts))
    for spill, files in ((100, 0), (4, 1)):
        buffer = PartBuffer(lake, target, spill)
        for at in range(5):
            buffer.write("campaigns", rows.slice(at, 1))
        assert len(list(temporary.iterdir())) == files
        assert pa.concat_tables(buffer.rows("campaigns")).equals(rows)
        buffer.discard()
        assert list(temporary.iterdir()) == []


def test_a_key_that_a_part_holds_twice_is_a_fault() -> None:
    """Not joined away."""
    with pytest.raises(Inconsistent, match="one key twice"):
        joined([[{"k": 1}, {"k": 1}]], ["k"], "s")


def test_what_a_run_took_is_remembered() -> None:
    """The next load looks first when the last run was done; other accounts begin without a memory."""
    kept = Kept()
    kept.sizes().save_seconds({("111", "r"): 21.0})
    assert kept.sizes().seconds([("111", "r"), ("222", "r")]) == {("111", "r"): 21.0}
