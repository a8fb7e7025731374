"""The log: one JSON object a line with what the console says, the run in all of them, and never a secret."""

import io
import json
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.journal import Journal, log_to

SECRET = "EAAB-s3cr3t/of+this=test"
HOLDERS = st.recursive(
    st.sampled_from([SECRET, f"token={SECRET}&x=1", "harmless", 7, None, 1.5, True]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", SECRET]), inner, max_size=3),
    max_leaves=8,
)


def logged(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["one", "two", "three"]), HOLDERS, max_size=3), st.booleans())
def test_a_secret_never_reaches_the_log(fields: Mapping[str, Any], as_json: bool) -> None:  # noqa: FBT001 - hypothesis'
    """Wherever it stands in a field: alone, inside a text, in a list, as a key; in words and as JSON."""
    stream = io.StringIO()
    journal = Journal([log_to(stream, as_json=as_json)], [SECRET])
    with journal.about(run=f"r {SECRET}"):
        journal("something.happened", **fields)
    assert SECRET not in stream.getvalue()
    assert "something.happened" in stream.getvalue()


def test_every_event_of_a_run_names_it() -> None:
    """Also one said in a thread; before and after it none does."""
    stream = io.StringIO()
    journal = Journal([log_to(stream, as_json=True)])
    journal("schedule.began")
    with journal.about(run="20261120T033000-abcdef"):
        journal("slices.landed", table="ads_insights", scope="111", slice="2026-11-19T00:00")
    journal("schedule.ended")
    first, second, third = logged(stream)
    assert "run" not in first
    assert "run" not in third
    wanted = {"event", "timestamp", "run", "table", "scope", "slice"}
    assert second.keys() == wanted
    assert second["run"] == "20261120T033000-abcdef"


def test_the_console_says_the_same() -> None:
    """The same events with the same fields, readable."""
    machine, person = io.StringIO(), io.StringIO()
    journal = Journal([log_to(machine, as_json=True), log_to(person)])
    journal("slices.failed", table="ads", scope="1", slice="current", because="no", fbtrace_id="A1b2")
    [event] = logged(machine)
    for name in ("table", "scope", "slice", "because", "fbtrace_id"):
        assert f"{name}={event[name]}" in person.getvalue()
    assert "slices.failed" in person.getvalue()
