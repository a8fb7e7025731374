"""Owns the rules of the section `[app_insights]`: its entries as values, and everything that is wrong with them."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from schemas.app_insights import AppMetric
from schemas.app_insights_legality import clashes, refusals

SECTION = "[app_insights]"
KINDS: Mapping[str, tuple[type, str]] = {
    "metric": (str, "a text"),
    "event_name": (str, "a text"),
    "aggregate_by": (str, "a text"),
    "period": (str, "a text"),
    "breakdowns": (list, "a list of texts"),
    "intervals_to_aggregate": (int, "a whole number"),
    "ecosystem": (str, "a text"),
}
"""The keys of an entry, with what each holds."""
Given = str | Mapping[str, Any]


def entries(metrics: Sequence[Given]) -> tuple[AppMetric, ...]:
    """The entries of a section in which nothing is wrong."""
    return tuple(map(AppMetric.of, metrics))


def wrong(app_ids: Sequence[str], since: date, metrics: Sequence[Given], today: date) -> Iterator[str]:
    """Everything that is wrong with the section, one line each."""
    if not app_ids:
        yield f'{SECTION} names no app: set app_ids = ["..."]'
    if not metrics:
        yield f'{SECTION} names no metric: set metrics = ["api_calls", ...]'
    if since > today:
        yield f"{SECTION} since = {since} lies after today, {today}; write a day that has been"
    for app in sorted({app for app in app_ids if app_ids.count(app) > 1}):
        yield f"{SECTION} app_ids: {app!r} is given twice; leave one out"
    legal = []
    for number, given in enumerate(metrics, 1):
        place = f"{SECTION} metrics number {number}"
        shape = list(_shape(given))
        yield from (f"{place}: {line}" for line in shape)
        if not shape:
            entry = AppMetric.of(given)
            yield from (f"{place}: {refusal}" for refusal in refusals(entry))
            legal.append(entry)
    yield from (f"{SECTION} metrics: {refusal}; leave one out" for refusal in clashes(legal))


def _shape(given: Given) -> Iterator[str]:
    """What of an entry is no entry at all: keys that there are not, values of another kind."""
    if isinstance(given, str):
        return
    if "metric" not in given:
        yield "metric is missing; add it"
    for name, value in given.items():
        if name not in KINDS:
            near = difflib.get_close_matches(name.lower(), KINDS, n=1, cutoff=0.5)
            yield f"{name} is not a setting" + (f"; did you mean {near[0]}?" if near else "; remove it")
            continue
        kind, words = KINDS[name]
        texts = kind is not list or (isinstance(value, list) and all(isinstance(part, str) for part in value))
        if not isinstance(value, kind) or isinstance(value, bool) or not texts:
            yield f"{name} = {value!r}: should be {words}"
