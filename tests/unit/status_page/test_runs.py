"""What is told of a run: how it stands, what it waited for, when it will be over."""

from datetime import UTC, datetime, timedelta

import orjson
from hypothesis import given
from hypothesis import strategies as st

from pipeline.status_page.runs import Progress, causes_of, run_line, state_of

STARTED = datetime(2026, 11, 26, 3, 30, tzinfo=UTC)


def after(minutes: float) -> datetime:
    return STARTED + timedelta(minutes=minutes)


def test_a_run_ends_when_its_pace_says() -> None:
    """A third done in ten minutes: twenty more from then."""
    progress = Progress(planned=300, done=95, failed=5, at=after(10))
    assert (progress.over, progress.left) == (100, 200)
    assert progress.ends_at(STARTED) == after(30)


def test_too_early_to_tell() -> None:
    """Two slices, or no time, tell no pace."""
    assert Progress(300, 2, 0, after(10)).ends_at(STARTED) is None
    assert Progress(300, 100, 0, STARTED).ends_at(STARTED) is None


@given(st.integers(3, 10**6), st.integers(0, 10**6), st.integers(1, 10**5))
def test_an_end_is_never_before_what_is_known(done: int, left: int, minutes: int) -> None:
    """Whatever the pace, the end lies at or after the last word of the run."""
    end = Progress(done + left, done, 0, after(minutes)).ends_at(STARTED)
    assert end is not None
    assert end >= after(minutes)


def test_a_run_that_nobody_carries_on_was_killed() -> None:
    """It never said that it ended, and no process holds the store."""
    assert state_of("running", writing=True) == "running"
    assert state_of("running", writing=False) == "killed"
    assert state_of("complete", writing=False) == "complete"


def test_failures_with_one_cause_are_told_once() -> None:
    """The most frequent first, each with an example and Meta's trace of it."""
    one = {"table": "t", "scope": "1", "slice": "2026-11-01", "error": "no", "remedy": "fix", "fbtrace_id": "A"}
    rare = {**one, "error": "never", "slice": ""}
    found = causes_of([rare, one, {**one, "slice": "2026-11-02"}])
    assert [(cause.error, cause.slices, cause.example, cause.fbtrace_id) for cause in found] == [
        ("no", 2, "t 1 2026-11-01", "A"),
        ("never", 1, "t 1", "A"),
    ]


def test_a_run_that_was_killed_tells_what_it_wrote_down() -> None:
    """Its summary was never written; its progress was."""
    progress = {"planned": 9, "done": 4, "failed": 1, "calls": 17, "waits": {"1/insights": 30.0, "app/platform": 90.0}}
    row = {
        "run_id": "r",
        "command": "load",
        "started_at": STARTED.isoformat(),
        "finished_at": None,
        "outcome": "running",
        "summary": "{}",
        "saved_at": after(5).isoformat(),
        "progress": orjson.dumps(progress).decode(),
    }
    line = run_line(row, writing=False)
    assert (line.state, line.calls, line.ends_at) == ("killed", 17, None)
    assert line.waits == [("app/platform", 90.0), ("1/insights", 30.0)]
    assert line.progress == Progress(9, 4, 1, after(5))
    assert run_line(row, writing=True).ends_at == after(9)
