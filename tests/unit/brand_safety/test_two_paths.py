"""What a line becomes depends on nothing but the line: a quick path gives what the careful one does, or nothing."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.normalise import hourly_careful, hourly_quick, hourly_uniform
from tests.unit.brand_safety.lines import NAMES, line, lines, row

Cells = Mapping[str, list[Any]]
Quick = Callable[[list[bytes]], Cells | None]


def strictly(found: list[bytes]) -> Cells | None:
    with TemporaryDirectory() as folder:
        scratch = Path(folder) / "lines"
        cells = hourly_quick.read(memoryview(b"\n".join([*found, b""])), len(found), scratch)
        assert not scratch.exists()
    return cells and {name: column.to_pylist() for name, column in cells.items()}


def uniformly(found: list[bytes]) -> Cells | None:
    cells = hourly_uniform.read(memoryview(b"\n".join([*found, b""])))
    return cells and {name: column.to_pylist() for name, column in cells.items()}


QUICK = pytest.mark.parametrize("quickly", [strictly, uniformly])


def carefully(found: list[bytes]) -> hourly_careful.Careful:
    return hourly_careful.read([entry + b"\n" for entry in found], 1)


def agrees(quick: Cells | None, found: list[bytes]) -> None:
    """The same values, no line set aside, nothing unknown lost; or nothing at all."""
    if quick is None:
        return
    careful = carefully(found)
    assert careful.aside == []
    assert careful.unknown == 0
    assert {name: column.to_pylist() for name, column in careful.columns().items() if name != "extra"} == quick


@QUICK
@settings(max_examples=300, deadline=None)
@given(found=lines())
@example(found=[line(), b'{"impression_id":"x","ad_id":1e3,"above_content_distance":"7"}'])
@example(found=[line(), json.dumps({**row(), "above_content_language": ":null", "new": 5}).encode()])
@example(found=[line(row(1, above_content_language=None)).replace(b'language":null', b'verified":true', 1)])
def test_a_quick_path_gives_what_the_careful_one_does_or_nothing(quickly: Quick, found: list[bytes]) -> None:
    """For any lines."""
    agrees(quickly(found), found)


SIGNS = [*(bytes([sign]) for sign in b'",:{}[]\\ \t\r\0n017-.e'), b"null", b'""', b'","', b"\xc3\x28", b"\xc3\xbc", b""]
SPOTS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 700), st.integers(0, 4), st.sampled_from(SIGNS)), max_size=3
)


@QUICK
@settings(max_examples=1000, deadline=None)
@given(spots=SPOTS, spaced=st.booleans())
@example(spots=[(1, 26, 0, b"\r")], spaced=False)
def test_lines_spelt_alike_that_are_spoilt_anywhere_deceive_no_quick_path(
    quickly: Quick, spots: list[tuple[int, int, int, bytes]], *, spaced: bool
) -> None:
    """Some octets of three sound lines replaced, taken out or put in: at worst nothing is said of them."""
    separators = (", ", ": ") if spaced else (",", ":")
    found = [json.dumps(row(number), separators=separators).encode() for number in range(3)]
    for number, start, length, sign in spots:
        found[number] = found[number][:start] + sign + found[number][start + length :]
    agrees(quickly(found), found)


SOUND = line()


@QUICK
@pytest.mark.parametrize(
    "found",
    [
        [SOUND, SOUND.replace(b'"111"', b'"')],
        [SOUND, SOUND.replace(b'"111"', b'"1"1"')],
        [SOUND, SOUND.replace(b'"111"', b'"1\\u0031"')],
        [SOUND, SOUND.replace(b'"111"', b'"1\x011"')],
        [SOUND, SOUND.replace(b'"111"', b"nul")],
        [SOUND, line(above_content_distance=2).replace(b"above_content_distance", b"below_content_distance")],
        [SOUND, line(above_content_distance=None).replace(b'distance":null', b'distance":007')],
        [SOUND, SOUND + b"\r" + SOUND],
        [SOUND + b"\r" + SOUND],
        [SOUND.replace(b',"ad_account_id"', b',{"ad_account_id"')] * 2,
        [SOUND.replace(b'"ad_id"', b'"ad_set_id"')] * 2,
    ],
    ids=[
        "half a text",
        "a quote within",
        "an escape",
        "a control character",
        "half a null",
        "another member of the same length",
        "a number that is none",
        "two objects in a line",
        "only two objects",
        "an object within",
        "a member twice",
    ],
)
def test_what_looks_sound_and_is_not_deceives_no_quick_path(quickly: Quick, found: list[bytes]) -> None:
    """Each is caught by one check only."""
    agrees(quickly(found), found)


@QUICK
@pytest.mark.parametrize("spaced", [False, True], ids=["compact", "spaced"])
def test_sound_lines_take_a_quick_path(quickly: Quick, *, spaced: bool) -> None:
    """As Meta's sample has them and as Python writes them, in any order; of what is missing in all nothing is said."""
    separators = (", ", ": ") if spaced else (",", ":")
    documents = [row(1), row(2, above_content_id=None), row(3, time_key="")]
    for names in (NAMES, NAMES[::-1], NAMES[3:]):
        found = [json.dumps({name: one[name] for name in names}, separators=separators).encode() for one in documents]
        quick = quickly(found)
        assert quick is not None
        agrees(quick, found)


def test_lines_that_lack_different_members_take_the_strict_path() -> None:
    """They are not spelt alike."""
    found = [line(row(1)), line({name: value for name, value in row(3).items() if value is not None})]
    assert uniformly(found) is None
    agrees(strictly(found), found)
    assert strictly(found) is not None


@QUICK
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
def test_whatever_is_odd_about_one_line_is_read_with_care(quickly: Quick, odd: dict[str, Any]) -> None:
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
