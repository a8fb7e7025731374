"""Lines are split into the cells that stand in them, whether these repeat or not, alone or with their neighbours."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.normalise import hourly_cells

CELLS = st.text(st.characters(codec="utf-8", exclude_characters=",", exclude_categories=["Cc", "Cs"]), max_size=4)


@st.composite
def grids(draw: st.DrawFn) -> list[list[str]]:
    """Lines of some width. Of each column the first lines, and those after them, are one text or few or all unlike."""
    width, early, late = draw(st.integers(1, 6)), draw(st.integers(1, 250)), draw(st.integers(0, 250))

    def column() -> list[str]:
        found = []
        for count in (early, late):
            different = draw(st.sampled_from([1, 3, 30, 10**9]))
            texts = draw(st.lists(CELLS, min_size=1, max_size=3))
            found += [
                texts[number % len(texts)] + str(hash((different, number)) % different) for number in range(count)
            ]
        return found

    return [list(line) for line in zip(*(column() for _ in range(width)), strict=True)]


@settings(max_examples=200, deadline=None)
@given(grids())
@example([["a", "b"], ["", ""]])
@example([[str(number), "x", str(number // 2)] for number in range(1000)])
def test_every_cell_is_found_in_its_column(grid: list[list[str]]) -> None:
    """For any grid, each with the separator after it."""
    text = "".join(",".join(line) + "\n" for line in grid).encode()
    columns = hourly_cells.split(memoryview(text), len(grid[0]))
    assert columns is not None
    ends = [b","] * (len(columns) - 1) + [b"\n"]
    assert [column.to_pylist() for column in columns] == [
        [cell.encode() + end for cell in column] for column, end in zip(zip(*grid, strict=True), ends, strict=True)
    ]


def test_what_repeats_is_a_dictionary_of_what_its_column_holds() -> None:
    """Two columns that repeat together have each its own; one that repeats nothing has none."""
    lines = [f"ad{number % 30},campaign{number % 30 // 3},{number}\n" for number in range(500)]
    ads, campaigns, numbers = hourly_cells.split(memoryview("".join(lines).encode()), 3) or []
    assert len(ads.dictionary) == 30
    assert len(campaigns.dictionary) == 10
    assert numbers.to_pylist() == [f"{number}\n".encode() for number in range(500)]


def test_other_numbers_of_cells_are_refused() -> None:
    """Also a line that has no end."""
    for text in (b"a,b\nc\n", b"a,b,c\nd\n,e", b"a,b\nc", b"\n"):
        assert hourly_cells.split(memoryview(text), 2) is None


def test_lines_of_wrong_widths_that_add_up_betray_themselves() -> None:
    """By the separators that their cells have kept."""
    first, second = hourly_cells.split(memoryview(b"a\nb,c,d\n"), 2) or []
    assert (first.to_pylist(), second.to_pylist()) == ([b"a\n", b"c,"], [b"b,", b"d\n"])
