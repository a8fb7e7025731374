"""The five usage headers, read into values. Pure and lenient: whatever a server sends, this returns what can be told.

Forms: graph-api.md 3.2 [seed 004] [docs: RL] [obs: o:php483, o:captured]; the largest number counts (3.5 rule 4).
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from connectors.pace.quotas import INSIGHTS_PLATFORM, PLATFORM, Quota, Reading, digits, of_account

LONGEST_REGAIN = 24 * 3600.0  # no documented block is longer; a larger number is a lie and must not stop us for ever
HIGHEST_PERCENT = 10_000.0

# The names of the business use cases (3.1 [seed 004]) where ours are shorter.
KINDS = {"ads_insights": "insights", "ads_management": "management"}
OURS = frozenset(KINDS.values())


def readings(headers: Mapping[str, str], account: str | None = None) -> list[Reading]:
    """Everything these headers (names in lower case) tell; `account` is the one the call was about."""
    found: list[Reading] = []
    for name, read in _READERS.items():
        if name in headers:
            for value in _objects(headers[name]):
                found.extend(read(value, account))
    return _highest(found)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The plain HTTP hint in seconds; Graph does not document it, proxies send it."""
    return _seconds(headers.get("retry-after"))


def _app(value: dict[str, Any], _account: str | None) -> Iterator[Reading]:
    yield from _one(PLATFORM, _percents(value, "call_count", "total_time", "total_cputime"))


def _score(value: dict[str, Any], account: str | None) -> Iterator[Reading]:
    if account is not None:
        reset = _seconds(value.get("reset_time_duration"))  # seconds, unlike the business header [seed 004]
        yield from _one(of_account(account, "score"), _percents(value, "acc_id_util_pct"), reset, _tier(value))


def _insights(value: dict[str, Any], account: str | None) -> Iterator[Reading]:
    yield from _one(INSIGHTS_PLATFORM, _percents(value, "app_id_util_pct"), tier=_tier(value))
    if account is not None:
        yield from _one(of_account(account, "insights"), _percents(value, "acc_id_util_pct"), tier=_tier(value))


def _reach(value: dict[str, Any], account: str | None) -> Iterator[Reading]:
    """The form is not published: the largest number found (3.2 [inferred])."""
    if account is not None:
        yield from _one(of_account(account, "reach"), _percents(value, *value))


def _business(value: dict[str, Any], account: str | None) -> Iterator[Reading]:
    """Keyed by account digits on Marketing calls [obs: o:captured]; if ours is not named, all entries speak for it."""
    own = digits(account) if account is not None else None
    for key, entries in value.items():
        for entry in entries if isinstance(entries, list) else [entries]:
            if isinstance(entry, dict):
                yield from _entry(key, entry)
                if own is not None and own not in value:
                    yield from (reading for reading in _entry(own, entry) if reading.quota.kind in OURS)


def _entry(key: str, entry: dict[str, Any]) -> Iterator[Reading]:
    name = entry.get("type")
    if not isinstance(name, str):
        return
    minutes = _number(entry.get("estimated_time_to_regain_access"))
    regain = None if minutes is None else _seconds(minutes * 60)
    percents = _percents(entry, "call_count", "total_time", "total_cputime")
    yield from _one(of_account(key, KINDS.get(name, name)), percents, regain, _tier(entry))


_READERS: dict[str, Callable[[dict[str, Any], str | None], Iterator[Reading]]] = {
    "x-app-usage": _app,
    "x-ad-account-usage": _score,
    "x-fb-ads-insights-throttle": _insights,
    "x-fb-ads-insights-reach-throttle": _reach,
    "x-business-use-case-usage": _business,
}


def _one(
    quota: Quota,
    percents: list[float],
    regain: float | None = None,
    tier: str | None = None,
) -> Iterator[Reading]:
    if percents or regain:
        yield Reading(quota, max(percents, default=0.0), regain, tier)


def _highest(found: Iterable[Reading]) -> list[Reading]:
    """One reading per quota, with the largest numbers of all that spoke of it."""
    merged: dict[Quota, Reading] = {}
    for reading in found:
        known = merged.get(reading.quota, reading)
        regains = [seconds for seconds in (known.regain_seconds, reading.regain_seconds) if seconds is not None]
        merged[reading.quota] = Reading(
            reading.quota,
            max(known.utilisation_percent, reading.utilisation_percent),
            max(regains, default=None),
            known.tier or reading.tier,
        )
    return list(merged.values())


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects of a header: one, or several when the header came more than once and was joined."""
    decoder = json.JSONDecoder(object_pairs_hook=_merged)
    at = 0
    while at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        if isinstance(value, dict):
            yield value
        at += len(text[at:]) - len(text[at:].lstrip(", \t"))


def _merged(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose repeated keys keep all their entries: the documentation's own sample repeats one (3.2)."""
    merged: dict[str, Any] = {}
    for key, value in pairs:
        known = merged.get(key)
        merged[key] = [*known, *value] if isinstance(known, list) and isinstance(value, list) else value
    return merged


def _percents(value: dict[str, Any], *names: str) -> list[float]:
    numbers = (_number(value.get(name)) for name in names)
    return [min(number, HIGHEST_PERCENT) for number in numbers if number is not None]


def _seconds(value: object) -> float | None:
    number = _number(value)
    return None if number is None else min(number, LONGEST_REGAIN)


def _number(value: object) -> float | None:
    """A finite number that is not negative, also when it was sent as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _tier(value: dict[str, Any]) -> str | None:
    tier = value.get("ads_api_access_tier")
    return tier if isinstance(tier, str) else None
