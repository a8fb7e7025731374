"""The life of a report run as a table, and when it is looked at next."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ads_insights.life import Rhythm, Seen, Step

PERCENTS = (0, 1, 35, 99, 100)
LIVES = {
    "Job Not Started": [Step.WAIT] * 5,
    "Job Started": [Step.WAIT] * 5,
    "Job Running": [Step.WAIT] * 5,
    "Job Completed": [Step.WAIT, Step.WAIT, Step.WAIT, Step.WAIT, Step.READ],
    "Job Failed": [Step.FAILED] * 5,
    "Job Skipped": [Step.SKIPPED] * 5,
    "Job Dreaming": [Step.WAIT] * 5,
    "": [Step.WAIT] * 5,
}


@pytest.mark.parametrize("status", LIVES)
def test_steps(status: str) -> None:
    """Rows are read when a run is completed and at 100 percent, never before; an unknown status is waited for."""
    assert [Seen(status, percent).step for percent in PERCENTS] == LIVES[status]


@pytest.mark.parametrize(
    ("node", "seen"),
    [
        ({}, Seen("", 0)),
        ({"async_status": "Job Running", "async_percent_completion": 35}, Seen("Job Running", 35)),
        ({"async_status": "Job Completed", "async_percent_completion": "100"}, Seen("Job Completed", 100)),
        ({"async_status": "Job Started", "async_percent_completion": None}, Seen("Job Started", 0)),
        (
            {
                "id": "6001",
                "async_status": "Job Completed",
                "async_percent_completion": 100,
                "error_code": 0,
                "error_subcode": "0",
                "error_message": None,
            },
            Seen("Job Completed", 100),
        ),
        (
            {
                "async_status": "Job Failed",
                "async_percent_completion": 35,
                "error_code": -3,
                "error_subcode": "1504045",
                "error_message": "Report too large",
            },
            Seen("Job Failed", 35, -3, 1504045, "Report too large"),
        ),
    ],
)
def test_nodes(node: dict[str, Any], seen: Seen) -> None:
    """A run node is read whether its numbers are numbers or text; 0 and absent are no error."""
    assert Seen.of(node) == seen


RHYTHM = Rhythm(initial_seconds=2, max_seconds=30)


@pytest.mark.parametrize(("usual", "first"), [(None, 2), (0.0, 2), (1.5, 2), (12.0, 12), (30.0, 30), (600.0, 30)])
def test_first_look(usual: float | None, first: float) -> None:
    """The first look comes when such a run is usually done, if that is known, within the bounds."""
    assert RHYTHM.first(usual) == first


@pytest.mark.parametrize(
    ("age", "percent", "following"),
    [
        (2, 0, 2),
        (20, 0, 10),
        (600, 0, 30),
        (10, 50, 10),
        (10, 80, 2.5),
        (10, 10, 30),
        (10, 99, 2),
        (10, 100, 2),
        (600, 100, 30),
        (0, 50, 2),
    ],
)
def test_next_look(age: float, percent: int, following: float) -> None:
    """The next look comes when the percentage foretells the end, within the bounds; slower while nothing moves."""
    assert RHYTHM.next(age, percent) == following


@given(
    st.floats(0.1, 100),
    st.floats(1, 100),
    st.floats(0, 1e6),
    st.integers(0, 200),
    st.none() | st.floats(0, 1e9, allow_nan=False),
)
def test_bounds(initial: float, factor: float, age: float, percent: int, usual: float | None) -> None:
    """No look comes sooner than the initial wait or later than the longest, whatever a run says of itself."""
    rhythm = Rhythm(initial, initial * factor)
    assert initial <= rhythm.first(usual) <= initial * factor
    assert initial <= rhythm.next(age, percent) <= initial * factor


def test_a_stuck_run_costs_few_polls() -> None:
    """One that stays at 100 % for an hour is looked at rarely: its percentage foretells an end that never comes."""
    rhythm, age, polls = Rhythm(2, 30), 2.0, 0
    while age < 3600:
        age += rhythm.next(age, 100)
        polls += 1
    assert polls < 150


@pytest.mark.parametrize(
    ("times", "took"),
    [
        ({"time_ref": 1459788928, "time_completed": 1459788990}, 63.0),
        ({"time_ref": 1459788928, "time_completed": 0}, None),
        ({"time_ref": 1459788928}, None),
        ({"time_completed": 1459788990}, None),
        ({"time_ref": 1459788990, "time_completed": 1459788928}, None),
    ],
)
def test_how_long_a_run_took(times: dict[str, Any], took: float | None) -> None:
    """Meta's own clock tells, in whole seconds; what is missing or makes no sense tells nothing."""
    assert Seen.of(times).took == took
