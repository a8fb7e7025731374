"""What a line becomes depends on nothing but the line: the quick path gives what the careful one does, or nothing."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings

from pipeline.normalise import hourly_careful, hourly_quick
from pipeline.normalise.hourly_probe import Probe, is_spaced
from tests.unit.brand_safety.lines import line, lines, row


def quickly(found: list[bytes]) -> dict[str, Any] | None:
    text = b"\n".join([*found, b""])
    probe = Probe(is_spaced(text))
    probe.look(text)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "lines"
        path.write_bytes(text)
        cells = hourly_quick.read(path, len(found), probe)
    return cells and {name: column.to_pylist() for name, column in cells.items()}


def carefully(found: list[bytes]) -> hourly_careful.Careful:
    return hourly_careful.read([entry + b"\n" for entry in found], 1)


@settings(max_examples=300, deadline=None)
@given(lines())
@example([line(), b'{"impression_id":"x","ad_id":1e3,"above_content_distance":"7"}'])
@example([line(), json.dumps({**row(), "above_content_language": ":null", "new": 5}).encode()])
@example([line(row(1, above_content_language=None)).replace(b'language":null', b'verified":true', 1)])
def test_the_quick_path_gives_what_the_careful_one_does_or_nothing(found: list[bytes]) -> None:
    """For any lines: the same values, no line set aside, nothing unknown lost."""
    quick = quickly(found)
    if quick is None:
        return
    careful = carefully(found)
    assert careful.aside == []
    assert careful.unknown == 0
    columns = {name: column.to_pylist() for name, column in careful.columns().items() if name != "extra"}
    assert columns == quick


@pytest.mark.parametrize("spaced", [False, True], ids=["compact", "spaced"])
def test_sound_lines_take_the_quick_path(spaced: bool) -> None:  # noqa: FBT001 - a case of the test
    """As Meta's sample has them and as Python writes them; members that are missing do not matter."""
    separators = (", ", ": ") if spaced else (",", ":")
    documents = [row(1), row(2, above_content_id=None), {n: v for n, v in row(3).items() if v is not None}]
    assert quickly([json.dumps(document, separators=separators).encode() for document in documents]) is not None


@pytest.mark.parametrize(
    "odd",
    [
        {"brand_new": 5},
        {"brand_new": "text"},
        {"brand_new": True},
        {"brand_new": {"a": None}},
        {"brand_new": []},
        {"ad_id": 10**18},
        {"ad_id": 1.5},
        {"above_content_distance": 1.5},
        {"above_content_distance": "1"},
        {"above_content_distance": True},
        {"impression_id": None},
        {"above_content_language": 'a"b'},
    ],
    ids=str,
)
def test_whatever_is_odd_about_one_line_is_read_with_care(odd: dict[str, Any]) -> None:
    """One line among a hundred is enough, and the others lose nothing by it."""
    found = [line(number=number) for number in range(99)]
    assert quickly([*found, line(**odd)]) is None
    assert carefully(found).columns()["ad_id"] == pa.array([f"14{number % 7}" for number in range(99)])


def test_unknown_members_are_kept_exactly() -> None:
    """In `extra`, with every digit; a null tells nothing and is not kept."""
    found = carefully([line(brand_new=5, other={"b": [1.50, "x"]}, nothing=None)])
    assert found.columns()["extra"].to_pylist() == ['{"brand_new":5,"other":{"b":[1.5,"x"]}}']
    exact = carefully([b'{"impression_id":"x","n":1.50000000000000000001}'])
    assert exact.columns()["extra"].to_pylist() == ['{"n":1.50000000000000000001}']
