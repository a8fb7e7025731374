"""Owns how a question to app insights is read from its parameters, and what is refused (graph-api.md 5.2 to 5.4)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone

from sandbox.app_insights_names import (
    AGGREGATIONS,
    ECOSYSTEMS,
    ENUM,
    EVENT,
    EVENT_AGGREGATIONS,
    INTERVALS,
    METRICS,
    ONLY_COUNT,
    ONLY_EVENTS,
    PAIR,
    VALUES,
)
from sandbox.faults import invalid, named
from sandbox.parameters import whole, words

BORDER = timezone(timedelta(hours=-8))
"""Days begin at 08:00 UTC all year (5.5)."""
LONGEST_DAYS = 93
"""The longest range that is answered; no page names one [inferred]."""
_USUAL_DAYS = 30
_EVENT_PARAMETER = re.compile(r"fb_[a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class AppQuestion:
    """One metric of one app, as it was asked; days are those of GMT-8, half-open."""

    app_id: str
    metric: str
    event_name: str
    aggregation: str
    period: str
    breakdowns: tuple[str, ...]
    intervals: int
    ecosystem: str
    since: datetime
    until: datetime

    @property
    def days(self) -> tuple[date, ...]:
        """Return the days that begin in the range."""
        first = self.since.astimezone(BORDER)
        start = first.date() + timedelta(days=first.time() != time.min)
        end = self.until.astimezone(BORDER)
        count = (end.date() - start).days + (end.time() != time.min)
        return tuple(start + timedelta(days=number) for number in range(count))


def read_app_question(app_id: str, metric: str, parameters: Mapping[str, str], now: datetime) -> AppQuestion:
    """Read a question; raises GraphError where it is not legal."""
    if metric not in METRICS:
        raise invalid(f"Metric {metric or '(none)'} is not a valid app insights metric")
    event = parameters.get("event_name", "")
    if metric == EVENT and not event:
        raise invalid("The parameter event_name is required for metric app_event")
    aggregation, breakdowns = _aggregation(metric, parameters), words(parameters, "breakdowns") or ()
    _check_breakdowns(metric, aggregation, breakdowns)
    period = _period(metric, parameters)
    since, until = _range(period, parameters, now)
    return AppQuestion(
        app_id,
        metric,
        event,
        aggregation,
        period,
        breakdowns,
        _intervals(parameters),
        _one_of(parameters, "ecosystem", ECOSYSTEMS),
        since,
        until,
    )


def _one_of(parameters: Mapping[str, str], name: str, legal: tuple[str, ...]) -> str:
    value = parameters.get(name, "")
    if value and value not in legal:
        raise invalid(f"Param {name} must be one of {{{', '.join(legal)}}}")
    return value


def _period(metric: str, parameters: Mapping[str, str]) -> str:
    legal = [period for period in METRICS[metric] if period != "count"]
    period = _one_of(parameters, "period", ENUM) or legal[0]
    if period not in legal:
        raise invalid(f"Period {period} is not available for metric {metric}")
    return period


def _aggregation(metric: str, parameters: Mapping[str, str]) -> str:
    aggregation = _one_of(parameters, "aggregateBy", AGGREGATIONS)
    if aggregation in EVENT_AGGREGATIONS and metric != EVENT:
        raise invalid(f"aggregateBy {aggregation} is only available for app events")
    if aggregation == "TOPK" and not words(parameters, "breakdowns"):
        raise named("3001")
    return aggregation


def _check_breakdowns(metric: str, aggregation: str, breakdowns: tuple[str, ...]) -> None:
    for name in breakdowns:
        if name not in VALUES and not (metric == EVENT and _EVENT_PARAMETER.fullmatch(name)):
            raise invalid(f"{name} is not a valid breakdown")
        if name in ONLY_EVENTS and metric != EVENT:
            raise invalid(f"Breakdown {name} is not available for metric {metric}")
        if name in ONLY_COUNT and aggregation != "COUNT":
            raise invalid(f"Breakdown {name} can only be used with aggregateBy=COUNT")
    if len(PAIR.intersection(breakdowns)) == 1:
        raise invalid("Breakdowns gender and age should be used together")


def _intervals(parameters: Mapping[str, str]) -> int:
    found = whole(parameters, "intervals_to_aggregate")
    if found is not None and found not in INTERVALS:
        raise invalid("Param intervals_to_aggregate must be one of {1, 7, 28}")
    return found or 1


def _range(period: str, parameters: Mapping[str, str], now: datetime) -> tuple[datetime, datetime]:
    since, until = (_moment(parameters, name) for name in ("since", "until"))
    if period == "range" and (since is None or until is None):
        raise named("3001")
    until = until or datetime.combine(now.astimezone(BORDER).date() + timedelta(days=1), time.min, BORDER)
    since = since or until - timedelta(days=_USUAL_DAYS)
    if until <= since:
        raise invalid("since param must be before until param")
    if until - since > timedelta(days=LONGEST_DAYS):
        raise invalid(
            f"There cannot be more than {LONGEST_DAYS} days ({LONGEST_DAYS * 86_400} s) between since and until"
        )
    return since, until


def _moment(parameters: Mapping[str, str], name: str) -> datetime | None:
    """Read Unix seconds, a day of GMT-8, or an ISO moment."""
    text = parameters.get(name, "").strip()
    if not text:
        return None
    try:
        if text.isdecimal():
            return datetime.fromtimestamp(int(text), UTC)
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise invalid(f"Param {name} must be a valid datetime") from error
    return found if found.tzinfo else found.replace(tzinfo=BORDER)
