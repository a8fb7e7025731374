"""Owns what follows from a row's numbers: ratios, costs and result lists (graph-api.md 2.7.10), and their printing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.facts import Entry, Measures
from sandbox.field_names import ACTION_LISTS
from sandbox.figures import Number, quotient, text

_SILENT_WINDOWS = ("7d_view", "28d_view")
"""Accepted since 2026-01-12, and without any key in the rows (2.8)."""

_RATIOS: dict[str, tuple[str, str, int]] = {
    "cpc": ("spend", "clicks", 1),
    "cpm": ("spend", "impressions", 1000),
    "cpp": ("spend", "reach", 1000),
    "ctr": ("clicks", "impressions", 100),
    "frequency": ("impressions", "reach", 1),
    "unique_ctr": ("unique_clicks", "reach", 100),
    "cost_per_unique_click": ("spend", "unique_clicks", 1),
    "inline_link_click_ctr": ("inline_link_clicks", "impressions", 100),
    "cost_per_inline_link_click": ("spend", "inline_link_clicks", 1),
    "cost_per_inline_post_engagement": ("spend", "inline_post_engagement", 1),
    "unique_inline_link_click_ctr": ("unique_inline_link_clicks", "reach", 100),
    "unique_link_clicks_ctr": ("unique_inline_link_clicks", "reach", 100),
    "cost_per_unique_inline_link_click": ("spend", "unique_inline_link_clicks", 1),
    "estimated_ad_recall_rate": ("estimated_ad_recallers", "reach", 100),
    "cost_per_estimated_ad_recallers": ("spend", "estimated_ad_recallers", 1),
}

_COSTS = {
    "cost_per_action_type": "actions",
    "cost_per_conversion": "conversions",
    "cost_per_unique_action_type": "unique_actions",
    "cost_per_unique_conversion": "unique_conversions",
    "cost_per_outbound_click": "outbound_clicks",
    "cost_per_unique_outbound_click": "unique_outbound_clicks",
    "cost_per_thruplay": "video_thruplay_watched_actions",
    "cost_per_2_sec_continuous_video_view": "video_continuous_2_sec_watched_actions",
}
"""Spend divided by each window of another list."""

_RATES = {
    "outbound_clicks_ctr": ("outbound_clicks", "impressions", "outbound_click"),
    "unique_outbound_clicks_ctr": ("unique_outbound_clicks", "reach", "outbound_click"),
    "website_ctr": ("actions", "impressions", "link_click"),
    "video_view_per_impression": ("actions", "impressions", "video_view"),
}
"""100 x one element of a list / a scalar."""

_RETURNS = {
    "purchase_roas": ("action_values", "omni_purchase"),
    "website_purchase_roas": ("action_values", "offsite_conversion.fb_pixel_purchase"),
}
"""One element of a value list / spend."""

_SECONDS, _PLAYS = "video_time_watched_actions", "video_play_actions"
_RESULTS = frozenset(
    {
        "results",
        "cost_per_result",
        "objective_results",
        "cost_per_objective_result",
        "result_rate",
        "objective_result_rate",
    }
)
_CURVE_LENGTH = 22


def printed_windows(asked: Iterable[str]) -> tuple[str, ...]:
    """Return the keys that elements may print: `value`, and the asked windows that still have data."""
    return ("value", *(name for name in asked if name not in _SILENT_WINDOWS))


def bases(fields: Iterable[str]) -> frozenset[str]:
    """Return the lists that must be summed so that every asked field can be worked out."""
    wanted: set[str] = set()
    for name in fields:
        if name in ACTION_LISTS:
            wanted.add(name)
        if name in _COSTS:
            wanted.add(_COSTS[name])
        if name in _RATES:
            wanted.add(_RATES[name][0])
        if name in _RETURNS:
            wanted.add(_RETURNS[name][0])
        if name in _RESULTS:
            wanted.add("actions")
        if name in {"video_avg_time_watched_actions", "video_play_curve_actions"}:
            wanted |= {_SECONDS, _PLAYS}
    return frozenset(wanted)


@dataclass(frozen=True, slots=True)
class Printer:
    """Prints one row's metrics: the keys of its elements, and the indicator that counts as its result."""

    keys: tuple[str, ...]
    indicator: str = ""

    def value(self, measures: Measures, name: str) -> Any:
        """Return the printed value of a field; None where the row has none and the key stays away."""
        if name in measures.verbatim:
            return measures.verbatim[name]
        if name in measures.scalars:
            return text(measures.scalars[name])
        if name in measures.lists:
            return self._elements(measures.lists[name]) or None
        if name in _RATIOS:
            return _ratio(measures.scalars, *_RATIOS[name])
        if name in _RESULTS:
            return self._results(measures, name)
        if name == "video_play_curve_actions":
            return _curve(measures)
        return self._elements(_derived(measures, name, self.keys)) or None

    def _elements(self, entries: Sequence[Entry]) -> list[dict[str, Any]]:
        printed = [
            (entry.labels, {key: text(entry.windows[key]) for key in self.keys if key in entry.windows})
            for entry in entries
        ]
        return [{**labels, **figures} for labels, figures in printed if figures]

    def _results(self, measures: Measures, name: str) -> Any:
        if not self.indicator:
            return None
        element: dict[str, Any] = {"indicator": f"actions:{self.indicator}"}
        counted = _windows_of(measures, "actions", self.indicator).get("value")
        figure = _result_figure(measures, name, counted)
        if figure is not None:
            element["values"] = [{"value": figure, "attribution_windows": ["default"]}]
        return [element]


def _result_figure(measures: Measures, name: str, counted: Number | None) -> str | None:
    if not counted:
        return None
    if name.startswith("cost_per"):
        found = quotient(measures.scalars.get("spend", 0), counted)
    elif name.endswith("rate"):
        found = quotient(counted, measures.scalars.get("impressions", 0), 100)
    else:
        return text(counted)
    return None if found is None else text(found)


def _ratio(scalars: Mapping[str, Number], above: str, below: str, factor: int) -> str | None:
    found = quotient(scalars.get(above, 0), scalars.get(below, 0), factor)
    return None if found is None else text(found)


def _derived(measures: Measures, name: str, keys: tuple[str, ...]) -> list[Entry]:
    spend = measures.scalars.get("spend", 0)
    if name in _COSTS:
        spends = dict.fromkeys(keys, spend)
        entries = measures.lists.get(_COSTS[name], ())
        return [Entry(entry.labels, _divided(spends, entry.windows)) for entry in entries]
    if name in _RATES:
        source, scalar, action = _RATES[name]
        found = _windows_of(measures, source, action)
        return _single(action, _divided(found, dict.fromkeys(found, measures.scalars.get(scalar, 0)), 100))
    if name in _RETURNS:
        source, action = _RETURNS[name]
        found = _windows_of(measures, source, action)
        return _single(action, _divided(found, dict.fromkeys(found, spend)))
    if name == "video_avg_time_watched_actions":
        seconds, plays = _windows_of(measures, _SECONDS, "video_view"), _windows_of(measures, _PLAYS, "video_view")
        whole = int(seconds.get("value", 0)) // int(plays["value"]) if plays.get("value") else 0
        return _single("video_view", {"value": whole} if whole else {})
    return []


def _divided(above: Mapping[str, Number], below: Mapping[str, Number], factor: int = 1) -> dict[str, Number]:
    found = {key: quotient(above[key], below.get(key, 0), factor) for key in above}
    return {key: figure for key, figure in found.items() if figure is not None}


def _single(action: str, figures: dict[str, Number]) -> list[Entry]:
    return [Entry({"action_type": action}, figures)] if figures else []


def _windows_of(measures: Measures, source: str, action: str) -> Mapping[str, Number]:
    for entry in measures.lists.get(source, ()):
        if entry.labels.get("action_type") == action and len(entry.labels) == 1:
            return entry.windows
    return {}


def _curve(measures: Measures) -> list[dict[str, Any]] | None:
    plays = int(_windows_of(measures, _PLAYS, "video_view").get("value", 0))
    if not plays:
        return None
    first = 100 - plays % 7
    return [{"action_type": "video_view", "value": [first * 10 // (10 + at) for at in range(_CURVE_LENGTH)]}]
