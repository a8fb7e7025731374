"""Owns whether a definition fits the columns that a line of business has, and what is posted of each. Pure.

Source: graph-api.md 6.3 and 6.6 [seed 003]: members are copied from the column, incompatibilities checked.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from schemas.legality import nearest

Column = Mapping[str, Any]

COPIED = ("category", "aggregation_usage", "attribution_model", "area")
ATTRIBUTION = "attribution"
MODEL_OF = {
    "attribution_position_based_param_first_touch_percentage": "positional_based",
    "attribution_position_based_param_last_touch_percentage": "positional_based",
    "attribution_time_exponential_decay_param_half_life": "time_exponential_decay",
}


def refusals(wanted: Sequence[Column], there: Iterable[Column]) -> list[str]:
    """Everything that stands against a definition's columns, each with its place, value and the nearest legal one."""
    known = {str(column["key"]): column for column in there}
    return [line for number, column in enumerate(wanted, 1) for line in _of(number, column, wanted, known)]


def _of(number: int, column: Column, wanted: Sequence[Column], known: Mapping[str, Column]) -> Iterator[str]:
    key, place = str(column["key"]), f"column_definitions number {number}"
    found = known.get(key)
    if found is None:
        near = nearest(key, known)
        yield f"{place} key = {key!r}: there is no such column" + (f"; did you mean {near!r}?" if near else "")
        return
    for name in COPIED:
        if name in column and name in found and column[name] != found[name]:
            yield f"{place} {name} = {column[name]!r}: of {key!r} it is {found[name]!r}; leave it out"
    yield from (
        f"{place} key = {key!r}: cannot stand beside {other!r}; leave one out" for other in _against(found, wanted)
    )
    yield from (f"{place} {line}" for line in _of_params(column, found, known))


def _against(found: Column, wanted: Sequence[Column]) -> list[str]:
    """The wanted columns that this one excludes."""
    excluded = {str(other.get("key")) for other in found.get("incompatibilities") or ()}
    return [str(column["key"]) for column in wanted if str(column["key"]) in excluded]


def _of_params(column: Column, found: Column, known: Mapping[str, Column]) -> Iterator[str]:
    params = column.get("additional_params") or {}
    if params and found.get("category", ATTRIBUTION) != ATTRIBUTION:
        yield f"additional_params: {found['key']!r} is no attribution column; leave them out"
        return
    for name in params:
        model = MODEL_OF.get(name)
        if model and found.get("attribution_model", model) != model:
            yield f"additional_params {name}: only for {model}, not {found['attribution_model']!r}; leave it out"
    for metric in metrics_of(column):
        if metric not in known:
            near = nearest(metric, known)
            yield f"additional_params selected_metrics: there is no column {metric!r}" + (
                f"; did you mean {near!r}?" if near else ""
            )


def metrics_of(column: Column) -> list[str]:
    """The metrics that an attribution column shows: a list, or a comma text as in the page's sample."""
    found = (column.get("additional_params") or {}).get("selected_metrics") or []
    return [word.strip() for word in found.split(",")] if isinstance(found, str) else [str(word) for word in found]


def completed(wanted: Sequence[Column], there: Iterable[Column]) -> list[dict[str, Any]]:
    """The columns as they are posted: what the configuration left out is copied, metrics are a comma text."""
    known = {str(column["key"]): column for column in there}
    return [_completed(column, known[str(column["key"])]) for column in wanted]


def _completed(column: Column, found: Column) -> dict[str, Any]:
    copied = {name: found[name] for name in (*COPIED, "name") if found.get(name) is not None}
    posted = {**copied, **column}
    if metrics_of(column):
        posted["additional_params"] = {**column["additional_params"], "selected_metrics": ",".join(metrics_of(column))}
    return posted


def is_metric(column: Column) -> bool:
    """Whether a column holds figures."""
    return column.get("aggregation_usage") == "metric"
