"""Owns whether an entry of app insights may be asked; each refusal names the key, the value and the nearest legal."""

from collections.abc import Iterable, Iterator

from schemas.app_insights import AppMetric
from schemas.app_insights_metrics import (
    AGGREGATIONS,
    APP_EVENT,
    AUDIENCE_NETWORK,
    BREAKDOWNS,
    COUNT,
    DAILY,
    ECOSYSTEMS,
    HOURLY,
    INTERVALS,
    LIFETIME,
    METRICS,
    OF_EVENTS,
    PAIR,
    RANGE,
    TOPK,
    Metric,
)
from schemas.legality import Refusal, nearest

_MEANT = {
    "count": (RANGE, LIFETIME, DAILY),
    "mins_15": (HOURLY, DAILY),
    "weekly": (DAILY,),
    "days_28": (DAILY,),
    "monthly": (RANGE, DAILY),
}
"""What takes the place of a period that the enum or a metric's line names and no metric promises, best first."""
_WINDOWS = {"weekly": 7, "days_28": 28}


def refusals(entry: AppMetric) -> tuple[Refusal, ...]:
    """Everything that stands against the entry; nothing if it may be asked."""
    metric = METRICS.get(entry.metric)
    if metric is None:
        return (Refusal("metric", entry.metric, "is not a metric of app insights", nearest(entry.metric, METRICS)),)
    return (
        *_period(entry, metric),
        *_event(entry),
        *_aggregation(entry, metric),
        *_breakdowns(entry, metric),
        *_intervals(entry),
        *_ecosystem(entry),
    )


def clashes(entries: Iterable[AppMetric]) -> tuple[Refusal, ...]:
    """Entries that ask the same."""
    seen: set[str] = set()
    found = []
    for entry in entries:
        if entry.definition in seen:
            found.append(Refusal("metric", entry.metric, "is asked twice in the same way"))
        seen.add(entry.definition)
    return tuple(found)


def _period(entry: AppMetric, metric: Metric) -> Iterator[Refusal]:
    if entry.period in metric.periods:
        return
    meant = next((period for period in _MEANT.get(entry.period, ()) if period in metric.periods), None)
    instead = meant or nearest(entry.period, metric.periods)
    window = _WINDOWS.get(entry.period) if instead == DAILY else None
    with_window = f"; {window} days are intervals_to_aggregate" if window else ""
    reason = f"is not a period of {metric.name}, which has {', '.join(metric.periods)}{with_window}"
    yield Refusal("period", entry.period, reason, instead)


def _event(entry: AppMetric) -> Iterator[Refusal]:
    if entry.metric == APP_EVENT and not entry.event_name:
        yield Refusal("event_name", "", f"is required for {APP_EVENT}: the name of the event")
    elif entry.metric != APP_EVENT and entry.event_name:
        yield Refusal("event_name", entry.event_name, f"goes only with metric {APP_EVENT}, not with {entry.metric}")
    elif entry.event_name.startswith(AUDIENCE_NETWORK):
        reason = "is an event of Audience Network, which Meta moved to /adnetworkanalytics; leave it out"
        yield Refusal("event_name", entry.event_name, reason)


def _aggregation(entry: AppMetric, metric: Metric) -> Iterator[Refusal]:
    name = entry.aggregate_by
    if name in OF_EVENTS and metric.name != APP_EVENT:
        yield Refusal("aggregate_by", name, f"goes only with metric {APP_EVENT}, not with {metric.name}", COUNT)
    elif name and name not in AGGREGATIONS:
        legal = (legal for legal in metric.aggregations if legal != TOPK or entry.breakdowns)
        yield Refusal("aggregate_by", name, "is not an aggregation", nearest(name, legal))
    elif name == TOPK and not entry.breakdowns:
        yield Refusal("aggregate_by", name, "gives the highest combinations of breakdowns, and there are none", COUNT)


def _breakdowns(entry: AppMetric, metric: Metric) -> Iterator[Refusal]:
    for name in entry.breakdowns:
        known = BREAKDOWNS.get(name)
        if not metric.allows(name):
            elsewhere = METRICS[APP_EVENT].allows(name)
            reason = f"goes only with metric {APP_EVENT}" if elsewhere else "is not a breakdown of app insights"
            yield Refusal("breakdowns", name, reason, nearest(name, (b for b in BREAKDOWNS if metric.allows(b))))
        elif known is not None and known.only_count and entry.aggregate_by != COUNT:
            yield Refusal("breakdowns", name, f'goes only with aggregate_by = "{COUNT}"', "acquisition_source")
    if len(entry.breakdowns) > len(set(entry.breakdowns)):
        yield Refusal("breakdowns", ", ".join(entry.breakdowns), "names one breakdown twice")
    given = PAIR.intersection(entry.breakdowns)
    if len(given) == 1:
        yield Refusal("breakdowns", min(given), "goes only together with the other of age and gender", "age, gender")


def _intervals(entry: AppMetric) -> Iterator[Refusal]:
    number = entry.intervals_to_aggregate
    if number not in INTERVALS:
        best = min(INTERVALS, key=lambda legal: abs(legal - number))
        yield Refusal("intervals_to_aggregate", str(number), "is neither 1 nor 7 nor 28", str(best))
    elif number > 1 and entry.period in {RANGE, LIFETIME}:
        yield Refusal("intervals_to_aggregate", str(number), f"goes not with period {entry.period}, one value", "1")


def _ecosystem(entry: AppMetric) -> Iterator[Refusal]:
    if entry.ecosystem and entry.ecosystem not in ECOSYSTEMS:
        yield Refusal("ecosystem", entry.ecosystem, "is not an ecosystem", nearest(entry.ecosystem, ECOSYSTEMS))
