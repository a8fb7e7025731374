"""JSON is written back as it was read, at any depth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.normalise import exact_json
from pipeline.normalise.exact_json import Number

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False).map(str).map(Number)
NESTED = st.recursive(
    st.none() | st.booleans() | st.text(max_size=4) | NUMBERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(NESTED)
def test_what_is_nested_is_written_the_same_at_any_depth(value: object) -> None:
    """The way without a stack says what the quick one does."""
    assert exact_json._level_by_level(value) == exact_json.write(value)


@pytest.mark.parametrize("depth", [300, 400])
def test_what_is_nested_deeply_is_written_back(depth: int) -> None:
    """Deeper than the quick way goes."""
    text = '{"a":[' * (depth // 2) + "1.50" + "]}" * (depth // 2)
    assert exact_json.write(exact_json.read(text)) == text


def test_what_nobody_can_read_is_no_json() -> None:
    """Whatever the stack bears, it ends in the error of a text that is no JSON."""
    with pytest.raises(ValueError, match="nested too deeply"):
        exact_json.read("[" * 100_000 + "]" * 100_000)
