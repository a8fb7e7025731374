"""An impression is unique within its hour: whatever repeats one is found, by the impression itself, not by its hash."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.hour_ids import HashingSink, HourIds


class Nowhere:
    """Takes rows and forgets them."""

    def write(self, _table: str, _rows: pa.Table) -> None:
        """Forgets."""

    def set_aside(self, _rows: pa.Table) -> None:
        """Forgets."""


def table(ids: list[str]) -> pa.Table:
    return pa.table({"impression_id": pa.array(ids, pa.string())})


def kept(hour: HourIds, stretches: list[list[str]]) -> list[str]:
    """What of a part, read stretch by stretch, is not set aside; the part then lands."""
    sink = HashingSink(Nowhere())  # type: ignore[arg-type]  # where the rows go is not the question here
    for ids in stretches:
        sink.write("brand_safety_impressions", table(ids))
    repeats = hour.repeats(sink)
    found = []
    for ids in stretches:
        dropped = repeats.found_in(table(ids)) if repeats else []
        found += [name for number, name in enumerate(ids) if number not in dropped]
    return found


IDS = st.lists(st.lists(st.integers(0, 30).map(str), max_size=12), max_size=3)


@settings(max_examples=60, deadline=None)
@given(IDS, IDS)
def test_of_equal_impressions_the_first_stays(first: list[list[str]], second: list[list[str]]) -> None:
    """For any two parts in any stretches: each impression once, in its order, and none is missing."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "1.parquet"
        landed = kept(HourIds([]), first)
        assert landed == list(dict.fromkeys(name for ids in first for name in ids))
        pq.write_table(table(landed), path)
        rest = kept(HourIds([path]), second)
    assert rest == [name for name in dict.fromkeys(n for ids in second for n in ids) if name not in landed]


def test_a_part_of_the_same_run_is_remembered_without_the_lake(tmp_path: Path) -> None:
    """The hashes of what landed before are at hand; only where two are alike is its file read."""
    hour, sink = HourIds([]), HashingSink(Nowhere())  # type: ignore[arg-type]  # as above
    path = tmp_path / "1.parquet"
    sink.write("brand_safety_impressions", table(["a", "b"]))
    assert hour.repeats(sink) is None
    pq.write_table(table(["a", "b"]), path)
    hour.landed(sink, path)
    assert kept(hour, [["b", "c"], ["c", "a", "d"]]) == ["c", "d"]
