"""Which files of a listing are wanted, and when an hour is whole: by the names, whatever they are listed under."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.brand_safety.hours import ListedFile, listed_file
from pipeline.parts import Part, in_words, is_whole, landed, wanted

STEM = "brand_suitability_facebook_feed_2025-11-05T00:00_biz_900"


def listed(name: str, index: object = 1) -> ListedFile:
    return listed_file({"name": name, "index": index, "download_url": "https://files/1"}, 9)


@pytest.mark.parametrize(
    ("name", "index", "found"),
    [
        (f"{STEM}_3_of_25.jsonl.gz", 3, (3, 25)),
        (f"{STEM}_3_of_25.jsonl.gz", "8", (3, 25)),
        (f"{STEM}_26_of_25.jsonl.gz", 26, (26, None)),
        (f"{STEM}_0_of_25.jsonl.gz", 4, (4, None)),
        ("odd.gz", 4, (4, None)),
        ("odd.gz", "4", (4, None)),
        ("odd.gz", None, (9, None)),
        ("odd.gz", -1, (9, None)),
    ],
)
def test_a_file_is_known_by_its_name_or_else_by_its_index(
    name: str, index: object, found: tuple[int, int | None]
) -> None:
    """A name that does not parse is no fault; without an index, the place in the list counts."""
    file = listed(name, index)
    assert (file.index, file.of) == found
    assert "https" not in repr(file)


@given(st.integers(1, 30), st.sets(st.integers(1, 30)))
def test_what_has_landed_is_not_wanted_again(count: int, indexes: set[int]) -> None:
    """Of n listed parts those that are not there, each once, in order; with them the hour is whole."""
    there = frozenset(Part(index, count) for index in indexes if index <= count)
    files = [listed(f"{STEM}_{index}_of_{count}.jsonl.gz", index) for index in range(count, 0, -1)]
    found = [part for part, _ in wanted([*files, *files], there)]
    assert found == [Part(index, count) for index in range(1, count + 1) if index not in indexes]
    assert is_whole(there | set(found))
    assert is_whole(there) == (not found)


def test_another_name_for_the_same_part_is_the_same_part() -> None:
    """A name that does not parse has its siblings' count, listed now or landed before."""
    odd, sound = listed("odd.gz", 2), listed(f"{STEM}_1_of_2.jsonl.gz")
    assert [part for part, _ in wanted([sound, odd], frozenset())] == [Part(1, 2), Part(2, 2)]
    assert wanted([odd], frozenset({Part(2, 2)})) == []
    assert wanted([listed(f"{STEM}_2_of_2.jsonl.gz"), odd], frozenset({Part(2, None)})) == []
    both = wanted([odd, listed(f"{STEM}_2_of_2.jsonl.gz", 2)], frozenset())
    assert [(part, file.name) for part, file in both] == [(Part(2, 2), f"{STEM}_2_of_2.jsonl.gz")]


def test_an_hour_whose_count_nobody_tells_is_never_whole() -> None:
    """It says so, and is asked again until it leaves the window."""
    there = frozenset({Part(1, None), Part(2, None)})
    assert not is_whole(there)
    assert in_words(there) == "2 parts have landed, and no file's name says how many there are"
    assert is_whole(there | {Part(3, 3)})


def test_another_division_of_the_hour_is_whole_by_itself() -> None:
    """Parts of two and parts of three are not added up."""
    mixed = {Part(1, 2), Part(2, 3), Part(3, 3)}
    assert not is_whole(mixed)
    assert in_words(mixed) == "2 of 3 parts have landed"
    assert is_whole({*mixed, Part(1, 3)})


def test_landed_parts_are_told_by_their_files() -> None:
    """The file of an hour in which nothing happened is no part."""
    paths = ["t/date=2026-11-05/07-1_of_25.parquet", "t/07-3_of_unknown.parquet", "t/07-0_of_0.parquet", "t/x.parquet"]
    assert landed(paths) == {Part(1, 25), Part(3, None)}
