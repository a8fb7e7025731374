"""What a monitoring system reads is valid OpenMetrics, by a parser that nobody here wrote, and says what is so."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from connectors.graph.door import Tally
from connectors.pace.quotas import PLATFORM, of_account
from pipeline.metrics import Measured, Metric, of_process, of_store, rendered

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def state(table: str, scope: str, name: str, slices: int, rows: int, as_of: datetime | None) -> dict[str, object]:
    text = as_of.isoformat() if as_of else None
    return {"table_name": table, "scope": scope, "state": name, "slices": slices, "rows": rows, "as_of": text}


def parsed(metrics: list[Metric]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample by its name and labels."""
    families = text_string_to_metric_families(rendered(metrics))  # type: ignore[no-untyped-call]  # it ships no types
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def test_the_store() -> None:
    """Slices by state, rows, and the age of the scope that is furthest behind."""
    states = [
        state("a", "1", "landed", 10, 100, NOW - timedelta(hours=2)),
        state("a", "1", "failed", 1, 5, NOW - timedelta(hours=9)),
        state("a", "2", "landed", 4, 0, NOW - timedelta(hours=5)),
        state("b", "1", "failed", 2, 0, None),
    ]
    runs = {"nightly UTC": {"started_at": "2026-11-20T03:30:00.000000Z"}}
    found = parsed(of_store(states, runs, NOW))
    assert found == {
        ("insights_slices", (("state", "failed"), ("table", "a"))): 1,
        ("insights_slices", (("state", "landed"), ("table", "a"))): 14,
        ("insights_slices", (("state", "failed"), ("table", "b"))): 2,
        ("insights_rows", (("table", "a"),)): 105,
        ("insights_rows", (("table", "b"),)): 0,
        ("insights_table_age_seconds", (("table", "a"),)): 5 * 3600,
        ("insights_run_start_timestamp_seconds", (("command", "nightly UTC"),)): 1795145400,
    }


def test_the_process() -> None:
    """Calls by kind and outcome, requests, throttles, waits, and quotas as far as they are known."""
    outcomes = Counter({("submit", "ok"): 3, ("submit", "Throttled"): 1})
    levels = [(PLATFORM, 42.5, None), (of_account("111", "insights"), None, NOW + timedelta(minutes=5))]
    found = parsed(of_process(Measured(Tally(Counter(), 7, 1, outcomes), 12.5, levels), NOW))
    app, account = (("kind", "platform"), ("owner", "app")), (("kind", "insights"), ("owner", "111"))
    assert found == {
        ("insights_calls_total", (("kind", "submit"), ("outcome", "Throttled"))): 1,
        ("insights_calls_total", (("kind", "submit"), ("outcome", "ok"))): 3,
        ("insights_requests_total", ()): 7,
        ("insights_throttled_total", ()): 1,
        ("insights_waited_seconds_total", ()): 12.5,
        ("insights_quota_used_ratio", app): 0.425,
        ("insights_quota_closed_seconds", app): 0,
        ("insights_quota_closed_seconds", account): 300,
    }


@given(st.lists(st.tuples(st.text(), st.floats(allow_nan=False)), max_size=5, unique_by=lambda pair: pair[0]))
def test_any_label_survives(samples: list[tuple[str, float]]) -> None:
    """Quotes, backslashes, line ends and letters of any script come back as they were."""
    metric = Metric(
        "insights_x", "gauge", 'a "meaning"\\ with\nlines', [({"label": text}, value) for text, value in samples]
    )
    found = parsed([metric])
    assert found == {("insights_x", (("label", text),)): value for text, value in samples}


def test_nothing_is_valid_too() -> None:
    """Before anything was loaded."""
    assert parsed([*of_store([], {}, NOW), *of_process(Measured(), NOW)]).keys() == {
        ("insights_requests_total", ()),
        ("insights_throttled_total", ()),
        ("insights_waited_seconds_total", ()),
    }
