"""Owns what a monitoring system may read: slices, rows, ages, calls, quotas, waits, as OpenMetrics text. Pure.

The format: https://prometheus.io/docs/specs/om/open_metrics_spec/ (1.0.0).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from connectors.graph.door import Tally
from connectors.pace.quotas import Quota
from pipeline.ledger_file import Row

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
Labels = Mapping[str, str]
Level = tuple[Quota, float | None, datetime | None]


@dataclass(frozen=True, slots=True)
class Metric:
    """One family of samples; the name of a counter is without its `_total`, that of a unit ends in it."""

    name: str
    kind: Literal["gauge", "counter"]
    meaning: str
    samples: Sequence[tuple[Labels, float]]
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the process has counted and read since it started."""

    tally: Tally = field(default_factory=Tally)
    seconds_waited: float = 0.0
    levels: Sequence[Level] = ()


def of_store(states: Iterable[Row], runs: Mapping[str, Row], now: datetime) -> list[Metric]:
    """Slices, rows and ages by table, from the ledger's `states`; runs by command, from its `last_runs`."""
    slices: Counter[tuple[str, str]] = Counter()
    rows: Counter[str] = Counter()
    newest: dict[tuple[str, str], str] = {}
    for row in states:
        table, scope = row["table_name"], row["scope"]
        slices[table, row["state"]] += row["slices"]
        rows[table] += row["rows"]
        newest[table, scope] = max(newest.get((table, scope), ""), row["as_of"] or "")
    oldest: dict[str, str] = {}
    for (table, _), as_of in newest.items():
        oldest[table] = min(oldest.get(table, as_of), as_of)
    ages = [({"table": table}, _age(as_of, now)) for table, as_of in sorted(oldest.items()) if as_of]
    ended = [({"command": name}, _unix(row["started_at"])) for name, row in sorted(runs.items())]
    return [
        Metric(
            "insights_slices",
            "gauge",
            "Slices by table and state",
            [({"table": table, "state": state}, count) for (table, state), count in sorted(slices.items())],
        ),
        Metric(
            "insights_rows", "gauge", "Rows of the facts by table", [({"table": t}, n) for t, n in sorted(rows.items())]
        ),
        Metric(
            "insights_table_age_seconds",
            "gauge",
            "Time since the newest answer of the scope that is furthest behind",
            ages,
            "seconds",
        ),
        Metric(
            "insights_run_start_timestamp_seconds",
            "gauge",
            "Start of the newest run of each command that was not interrupted",
            ended,
            "seconds",
        ),
    ]


def of_process(measured: Measured, now: datetime) -> list[Metric]:
    """Calls, waits and quotas since the process started."""
    calls = [({"kind": kind, "outcome": came}, n) for (kind, came), n in sorted(measured.tally.outcomes.items())]
    used = [(_quota(quota), used / 100) for quota, used, _ in measured.levels if used is not None]
    closed = [(_quota(quota), (until - now).total_seconds() if until else 0.0) for quota, _, until in measured.levels]
    return [
        Metric("insights_calls", "counter", "Calls to Graph by kind and outcome: ok, or the name of the fault", calls),
        Metric("insights_requests", "counter", "HTTP requests; a batch is one", [({}, measured.tally.requests)]),
        Metric("insights_throttled", "counter", "Answers that refused for a quota", [({}, measured.tally.throttled)]),
        Metric(
            "insights_waited_seconds",
            "counter",
            "Time in which at least one call stood before a closed quota",
            [({}, measured.seconds_waited)],
            "seconds",
        ),
        Metric("insights_quota_used_ratio", "gauge", "Quota as last read, while the reading holds", used, "ratio"),
        Metric("insights_quota_closed_seconds", "gauge", "Time until the quota opens; 0: open", closed, "seconds"),
    ]


def rendered(metrics: Iterable[Metric]) -> str:
    """The text that is scraped."""
    return "".join(line + "\n" for metric in metrics for line in _lines(metric)) + "# EOF\n"


def _lines(metric: Metric) -> Iterable[str]:
    yield f"# TYPE {metric.name} {metric.kind}"
    if metric.unit:
        yield f"# UNIT {metric.name} {metric.unit}"
    yield f"# HELP {metric.name} {_escaped(metric.meaning)}"
    suffix = "_total" if metric.kind == "counter" else ""
    for labels, value in metric.samples:
        told = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
        yield f"{metric.name}{suffix}{f'{{{told}}}' if told else ''} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _by_table(values: Mapping[str, float]) -> Sequence[tuple[Labels, float]]:
    return [({"table": table}, value) for table, value in sorted(values.items())]


def _quota(quota: Quota) -> Labels:
    return {"owner": quota.account or "app", "kind": quota.kind}


def _age(as_of: str, now: datetime) -> float:
    return max(0.0, now.timestamp() - _unix(as_of))


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
