"""Owns the attribution windows that a report may ask for; refuses to know what a report is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

DEFAULT = "default"
"""Asks for what `value` holds anyway: the ad set's own setting, mostly 7d_click and 1d_view. It adds no column."""

VIEWS_SILENT_SINCE = date(2026, 1, 12)
"""From this day on `7d_view`, `28d_view` and their suffix forms are accepted and return nothing, in all versions."""


@dataclass(frozen=True, slots=True)
class Window:
    """One attribution window; `silent_since` is the day from which Meta accepts it and returns nothing."""

    name: str
    meaning: str
    source: str = "AAS"
    silent_since: date | None = None


def _days(count: str) -> str:
    return "one day" if count == "1" else f"{count} days"


def _after(kind: str, meaning: str, counts: tuple[str, ...]) -> tuple[Window, ...]:
    return tuple(Window(f"{count}d_{kind}", f"within {_days(count)} after {meaning}") for count in counts)


def _silent_views() -> tuple[Window, ...]:
    suffixes = {"": "", "_first_conversion": ", first conversions only", "_all_conversions": ", all conversions"}
    return tuple(
        Window(f"{count}d_view{suffix}", f"within {count} days after a view{words}", "BAV", VIEWS_SILENT_SINCE)
        for count in ("7", "28")
        for suffix, words in suffixes.items()
    )


def _skan() -> tuple[Window, ...]:
    suffixes = {"": "first", "_second_postback": "second", "_third_postback": "third"}
    return tuple(
        Window(f"skan_{kind}{suffix}", f"SKAdNetwork, {which} postback after a {kind}")
        for kind in ("click", "view")
        for suffix, which in suffixes.items()
    )


_ALL = (
    Window(DEFAULT, "the ad set's own attribution setting", "AAI"),
    *_after("click", "a click", ("1", "7", "28")),
    *_after("view", "a view", ("1",)),
    Window("1d_ev", "within one day after an engaged view: ten seconds or nearly the whole video"),
    *_silent_views(),
    *_skan(),
    Window("dda", "credited by data-driven attribution"),
    Window("incrementality", "caused by the ads, by Meta's model"),
    Window("incrementality_first_conversion", "caused by the ads, first conversions only"),
    Window("incrementality_all_conversions", "caused by the ads, all conversions"),
    Window("custom", "the window set by hand in Ads Manager"),
)

WINDOWS: Mapping[str, Window] = MappingProxyType({window.name: window for window in _ALL})
"""Every window that `action_attribution_windows` accepts."""


def silent(names: tuple[str, ...], today: date | None) -> tuple[str, ...]:
    """Those of the windows that return nothing on that day; without a day, those that have ever fallen silent."""
    return tuple(
        name
        for name in names
        if name in WINDOWS and (since := WINDOWS[name].silent_since) is not None and (today is None or today >= since)
    )
