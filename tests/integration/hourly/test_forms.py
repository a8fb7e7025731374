"""A file has one form, whatever path its stretches took and however their texts repeat; its sum knows only the rows."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.lake import Lake, TableWriter
from pipeline.normalise import hourly, hourly_lines, hourly_quick, hourly_uniform
from pipeline.normalise.frames import Source
from schemas.arrow import file_schema
from schemas.brand_safety import IMPRESSIONS
from schemas.periods import State
from schemas.work import Place, SliceFile, SliceId, SliceRecord
from tests.unit.brand_safety.lines import line

HOUR = datetime(2026, 11, 5, 7)  # noqa: DTZ001 - local wall time
SOURCE = Source(
    IMPRESSIONS.name, "900/facebook/feed", "business_id", "900", datetime(2026, 11, 6, tzinfo=UTC), "r", "f"
)


class Landing:
    """Writes rows to a file of the lake."""

    def __init__(self, folder: Path) -> None:
        self._lake = Lake(folder / "lake")
        self._lake.open("ledger")
        self._writer = TableWriter(self._lake, IMPRESSIONS, "some/file.parquet", 1, check_key=False)

    def write(self, _table: str, rows: pa.Table) -> None:
        self._writer.write(rows)

    def set_aside(self, rows: pa.Table) -> None:
        raise AssertionError(rows.to_pylist())

    def landed(self) -> tuple[SliceFile, pa.Table]:
        """What the file is said to hold, and what it holds."""
        file, hour = self._writer.close(""), SliceId(IMPRESSIONS.name, SOURCE.scope, HOUR)
        record = SliceRecord(hour, None, "UTC", State.LANDED, file.rows, None, None, "r", "d")
        written = self._writer.save(file, record, Place((), "file"))
        return file, pq.read_table(self._lake.root / written.temporary)


def landed(folder: Path, lines: list[bytes]) -> tuple[SliceFile, pa.Table]:
    folder.mkdir()
    (folder / "file.gz").write_bytes(gzip.compress(b"".join(entry + b"\n" for entry in lines), 1))
    sink = Landing(folder)
    counted = hourly.convert(hourly.HourlyFile(folder / "file.gz", IMPRESSIONS, HOUR, SOURCE), folder / "scratch", sink)
    assert counted.rows == len(lines)
    return sink.landed()


def repeating(number: int) -> bytes:
    return line(number=number, above_content_id=f"77{number % 5}", below_content_owner_id=None)


def unlike(number: int) -> bytes:
    return line(number=number)


def unspelt(number: int) -> bytes:
    """No quick path takes it."""
    return line(number=number, ad_id=number)


Spelling = Callable[[int], bytes]


@pytest.mark.parametrize("early", [repeating, unlike, unspelt])
@pytest.mark.parametrize("late", [repeating, unlike, unspelt])
def test_stretches_of_any_forms_are_one_file(
    early: Spelling, late: Spelling, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows and their sum are those of the same file read line by line."""
    lines = [(early if number < 1500 else late)(number) for number in range(3000)]
    monkeypatch.setattr(hourly_uniform, "read", lambda _text: None)  # as if no line were spelt like another
    monkeypatch.setattr(hourly_quick, "read", lambda *_: None)  # nor DuckDB sure of any
    expected, rows = landed(tmp_path / "careful", lines)
    monkeypatch.undo()
    monkeypatch.setattr(hourly_lines, "STRETCH_BYTES", 600_000)  # as if memory were small: the file need not be large
    found, quick = landed(tmp_path / "quick", lines)
    assert quick.equals(rows)
    assert found == expected
    assert rows.schema == file_schema(IMPRESSIONS)
