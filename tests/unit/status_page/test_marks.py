"""What a square shows: its mark, and the worst where it stands for several."""

from itertools import permutations

import pytest

from pipeline.status_page.marks import LETTERS, MEANINGS, Mark, in_order, mark_of, worst
from schemas.periods import State


def test_every_mark_is_told_apart_without_colour() -> None:
    """Each has a meaning in the legend and a letter that no other has."""
    assert set(MEANINGS) == set(LETTERS) == set(Mark)
    assert len(set(LETTERS.values())) == len(Mark)


@pytest.mark.parametrize(
    ("state", "final", "due", "mark"),
    [
        (None, False, True, Mark.NEVER),
        (State.LANDED, False, False, Mark.LANDED),
        (State.LANDED, False, True, Mark.DUE),
        (State.LANDED, True, False, Mark.FINAL),
        (State.EMPTY, False, False, Mark.LANDED),
        (State.EMPTY, True, False, Mark.FINAL),
        (State.FAILED, False, True, Mark.FAILED),
        (State.PARTIAL, True, False, Mark.PARTIAL),
        (State.LOST, False, False, Mark.LOST),
        (State.SKIPPED, False, True, Mark.SKIPPED),
        (State.UNKNOWN, True, False, Mark.UNKNOWN),
    ],
)
def test_a_state_has_its_mark(state: State | None, final: bool, due: bool, mark: Mark) -> None:  # noqa: FBT001 - pytest's
    """What is amiss stays so whatever else is true; what landed is final, due or neither."""
    assert mark_of(state, final=final, due=due) is mark


def test_one_that_failed_outshines_all_that_landed() -> None:
    """In whatever order they come."""
    marks = (Mark.FINAL, Mark.FAILED, Mark.LANDED, Mark.NEVER)
    assert {worst(order) for order in permutations(marks)} == {Mark.FAILED}
    assert worst([Mark.FINAL, Mark.LANDED]) is Mark.LANDED
    assert worst([Mark.NEVER, Mark.DUE]) is Mark.NEVER


def test_counts_are_told_the_best_first() -> None:
    """Marks that nothing has are left out."""
    assert in_order({Mark.FAILED: 2, Mark.FINAL: 9, Mark.LOST: 0}) == [(Mark.FINAL, 9), (Mark.FAILED, 2)]
