"""Every line of a file ends as a row or in quarantine, whatever stands in it; a broken file is one to fetch again."""

import gzip
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.normalise import hourly_lines
from pipeline.normalise.frames import Source
from pipeline.normalise.hourly import Counted, HourlyFile, convert
from pipeline.normalise.hourly_lines import Broken
from schemas.brand_safety import ASSUMED_ZONE, IMPRESSIONS
from tests.unit.brand_safety.lines import line

HOUR = datetime(2026, 11, 5, 7)  # noqa: DTZ001 - local wall time
READ = datetime(2026, 11, 6, 1, tzinfo=UTC)
NAME = "brand_suitability_1_of_1.jsonl.gz"


class Kept:
    """What a file became."""

    def __init__(self) -> None:
        self.tables: list[pa.Table] = []
        self.aside: list[dict[str, Any]] = []

    def write(self, table: str, rows: pa.Table) -> None:
        assert table == IMPRESSIONS.name
        self.tables.append(rows)

    def set_aside(self, rows: pa.Table) -> None:
        self.aside += rows.to_pylist()

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [row for table in self.tables for row in table.to_pylist()]


def converted(folder: Path, packed: bytes) -> tuple[Counted, Kept]:
    path, kept = folder / "file.gz", Kept()
    path.write_bytes(packed)
    source = Source(IMPRESSIONS.name, "900/facebook/feed", "business_id", "900", READ, "run", NAME)
    counted = convert(HourlyFile(path, IMPRESSIONS, HOUR, source), folder / "scratch", kept)
    assert not (folder / "scratch").exists()
    return counted, kept


def packed(lines: Sequence[bytes]) -> bytes:
    return gzip.compress(b"".join(entry + b"\n" for entry in lines), 1)


def test_a_sound_file_is_typed_at_once(tmp_path: Path) -> None:
    """Every column as it was sent, the hour and the assumed zone beside it."""
    counted, kept = converted(tmp_path, packed([line(number=number) for number in range(3000)]))
    assert counted == Counted(lines=3000, rows=3000, stretches=1, uniform=1)
    first = kept.rows[1]
    assert {name: first[name] for name in ("time_key", "hour", "assumed_time_zone", "impression_id", "extra")} == {
        "time_key": "2026-11-05T07:00",
        "hour": HOUR,
        "assumed_time_zone": ASSUMED_ZONE,
        "impression_id": "im1",
        "extra": None,
    }
    assert (first["above_content_id"], first["above_content_root_id"], first["below_content_distance"]) == (
        "771",
        None,
        1,
    )
    assert (first["fetched_at"], first["run_id"]) == (READ, "run")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b'{"half', "not JSON"),
        (b"", "an empty line"),
        (b"[1]", "no object"),
        (b"null", "no object"),
        (b"{}", "no impression_id"),
        (line(above_content_distance=1.5), "above_content_distance: not a whole number"),
        (line(above_content_distance=2**63), "above_content_distance: does not fit BIGINT"),
        (line(above_content_distance="near"), "above_content_distance: not a whole number"),
        (line(ad_id=["1"]), "ad_id: a list where a scalar was expected"),
        (line(impression_id=None), "no impression_id"),
        (line().replace(b"public", b"\xc3\x28"), "not UTF-8"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_line_that_is_no_row_is_kept_with_its_number_and_reason(tmp_path: Path, bad: bytes, reason: str) -> None:
    """And all others land: rows and quarantined are together the lines."""
    sound = [line(number=number) for number in range(3000)]
    counted, kept = converted(tmp_path, packed([*sound[:1200], bad, *sound[1200:]]))
    assert (counted.lines, counted.rows, counted.quarantined) == (3001, 3000, 1)
    assert [row["impression_id"] for row in kept.rows] == [f"im{number}" for number in range(3000)]
    [aside] = kept.aside
    raw = bad.decode("utf-8", "backslashreplace")
    assert (aside["reason"], aside["raw"], aside["source"]) == (reason, raw, f"{NAME}, line 1201")
    assert (aside["table_name"], aside["scope"], aside["slice_start"]) == (IMPRESSIONS.name, "900/facebook/feed", HOUR)


@pytest.mark.parametrize(
    ("odd", "name", "value"),
    [
        ({"brand_new": 5}, "extra", '{"brand_new":5}'),
        ({"ad_id": 12345678901234567890123}, "ad_id", "12345678901234567890123"),
        ({"ad_id": 2**63 + 1}, "ad_id", str(2**63 + 1)),
        ({"above_content_distance": "7"}, "above_content_distance", 7),
        ({"time_key": "2024-02-31T00:00"}, "time_key", "2024-02-31T00:00"),
        ({"above_content_language": "bp"}, "above_content_language", "bp"),
    ],
    ids=str,
)
def test_what_can_be_kept_exactly_is_kept(tmp_path: Path, odd: dict[str, Any], name: str, value: object) -> None:
    """Unknown members, ids as numbers of any length, numbers as text, days that are none."""
    _, kept = converted(tmp_path, packed([line(), line(number=2, **odd), line(number=3)]))
    assert (len(kept.rows), kept.aside) == (3, [])
    assert kept.rows[1][name] == value


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-5],
        lambda data: data[: len(data) // 2],
        lambda data: data[:-8] + bytes([data[-8] ^ 1]) + data[-7:],
        lambda data: data[:-4] + b"\1\1\1\1",
        lambda _: b"",
        lambda _: b"<html>Sorry</html>" * 10,
        lambda data: data[:15] + b"\xff\xff\xff" + data[18:],
    ],
    ids=["end cut", "half", "checksum", "length", "nothing", "a page", "spoilt"],
)
def test_a_broken_file_is_one_to_fetch_again(tmp_path: Path, spoil: Any) -> None:
    """Cut, with a wrong checksum, or no gzip at all: whatever was read of it does not count."""
    with pytest.raises(Broken):
        converted(tmp_path, spoil(packed([line(number=number) for number in range(3000)])))


@pytest.mark.parametrize("tail", [b"\0" * 12, packed([line(number=7)])], ids=["zeros", "a second member"])
def test_what_gzip_allows_behind_the_data_is_no_fault(tmp_path: Path, tail: bytes) -> None:
    """Zeros are passed over, a second member is more lines."""
    counted, _ = converted(tmp_path, packed([line()]) + tail)
    assert counted.rows == (1 if tail.startswith(b"\0") else 2)


def test_the_last_line_needs_no_end(tmp_path: Path) -> None:
    """A file whose last line has no newline loses nothing."""
    counted, _ = converted(tmp_path, gzip.compress(line() + b"\n" + line(number=2)))
    assert (counted.lines, counted.rows, counted.careful) == (2, 2, 0)


def test_only_the_stretch_with_a_doubtful_line_is_read_with_care(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large file is typed stretch by stretch, each line keeping its number in the file."""
    monkeypatch.setattr(hourly_lines, "STRETCH_BYTES", 600_000)  # as if memory were small: the file need not be large
    lines = [line(number=number) for number in range(4000)]
    lines[3500] = b"{"
    counted, kept = converted(tmp_path, packed(lines))
    assert (counted.lines, counted.rows, counted.quarantined) == (4000, 3999, 1)
    assert counted.stretches > 2
    assert counted.careful == 1
    assert kept.aside[0]["source"] == f"{NAME}, line 3501"


def test_a_doubtful_line_costs_its_portion_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others of its stretch take the quickest path, and lines keep their numbers across portions."""
    monkeypatch.setattr(hourly_lines, "PORTION_BYTES", 100_000)  # as if memory were small: the file need not be large
    lines = [line(number=number) for number in range(4000)]
    lines[1], lines[3500] = b"[", b"{"
    counted, kept = converted(tmp_path, packed(lines))
    assert (counted.lines, counted.rows, counted.quarantined) == (4000, 3998, 2)
    assert (counted.careful, counted.uniform) == (2, counted.stretches - 2)
    assert counted.stretches > 10
    assert [row["source"] for row in kept.aside] == [f"{NAME}, line 2", f"{NAME}, line 3501"]
    assert [row["impression_id"] for row in kept.rows] == [f"im{n}" for n in range(4000) if n not in {1, 3500}]


@pytest.mark.parametrize(("length", "is_borne"), [(500_000, True), (2_000_000, False)])
def test_a_long_line_is_read_as_far_as_memory_bears(
    length: int, *, is_borne: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its neighbours lose nothing by it; beyond the limit the file counts as broken."""
    monkeypatch.setattr(hourly_lines, "STRETCH_BYTES", 900_000)  # as if memory were small: the file need not be large
    long = line(number=1, above_content_language="x" * length)
    data = packed([line(number=number) for number in range(2, 1500)] + [long, line(number=0)])
    if not is_borne:
        with pytest.raises(Broken, match="a line is longer than the 900,000 bytes"):
            converted(tmp_path, data)
        return
    counted, kept = converted(tmp_path, data)
    assert (counted.lines, counted.rows, counted.quarantined) == (1500, 1500, 0)
    assert {row["impression_id"] for row in kept.rows} == {f"im{number}" for number in range(1500)}
    assert max(len(row["above_content_language"] or "") for row in kept.rows) == length
