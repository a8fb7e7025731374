"""Owns the seeded world's delivery: each ad-day is a pure function of the seed, the ad, the day and its revision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from sandbox import layout
from sandbox.action_splits import entries, leaves
from sandbox.digest import draw, octets
from sandbox.facts import Ask, Entry, Measures, Values
from sandbox.families import cut_by
from sandbox.figures import Number, money
from sandbox.layout import Vector
from sandbox.restatement import Revision, revision

_SIX_DECIMALS = 37
_CENT = 10_000
_UNIT = 1_000_000
_IDLE_OCTET = 36
"""An ad rests on a day whose first octet lies below this: about one in seven."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What decides an ad's numbers: when it ran, how much, to what end, and in which money."""

    ad_id: str
    account_id: str
    objective: str
    first: date
    last: date
    daily_impressions: int
    spend_step: int
    """Spend is rounded down to this many millionths: 1, a cent, or a whole unit."""
    forgets_breakdowns: bool = False
    """Now and then a breakdown row lacks the column's key."""


class SeededFacts:
    """The seeded source: vectors of whole numbers, cut on demand and summed by position."""

    def __init__(self, seed: int, deliveries: Mapping[str, Delivery]) -> None:
        self._seed = seed
        self._deliveries = deliveries
        self._vector = lru_cache(maxsize=50_000)(self._compute)

    def days(self, ad_id: str) -> tuple[date, date] | None:
        """Return the ad's first and last day of delivery."""
        delivery = self._deliveries.get(ad_id)
        return None if delivery is None else (delivery.first, delivery.last)

    def cells(self, ad_id: str, day: date, as_of: date, columns: tuple[str, ...]) -> Sequence[tuple[Values, Vector]]:
        """Return the ad-day's cells as known on `as_of`."""
        delivery = self._deliveries[ad_id]
        state = revision(self._seed, delivery.account_id, day, as_of)
        vector = None if state is None else self._vector(ad_id, day, state)
        if vector is None:
            return ()
        if not columns:
            return (((), vector),)
        cells = cut_by(vector, self._seed, ad_id, day.isoformat(), columns)
        return _forgetting(cells, draw(ad_id, day)) if delivery.forgets_breakdowns else cells

    def measures(self, cells: Sequence[Vector], ask: Ask) -> Measures:
        """Sum the cells and name the numbers that were asked for."""
        vector = layout.plus(cells)
        lists = {name: found for name in ask.wanted if (found := _list(vector, name, ask.action_breakdowns))}
        return Measures(_scalars(vector, len(cells), ask.row_key), lists)

    def _compute(self, ad_id: str, day: date, state: Revision) -> Vector | None:
        delivery = self._deliveries[ad_id]
        noise = octets(self._seed, ad_id, day)
        if noise[0] < _IDLE_OCTET or not delivery.first <= day <= delivery.last:
            return None
        numbers = [0] * layout.LENGTH
        _deliver(numbers, delivery, noise, state)
        _act(numbers, noise)
        _convert(numbers, delivery, noise)
        for number in range(1, state.total + 1):
            _restate(numbers, delivery, octets(self._seed, ad_id, day, number))
        _price(numbers, noise)
        return tuple(numbers)


def _forgetting(cells: Sequence[tuple[Values, Vector]], lot: int) -> Sequence[tuple[Values, Vector]]:
    if lot % 4 or not cells:
        return cells
    values, vector = cells[0]
    return [((None, *values[1:]), vector), *cells[1:]]


def _deliver(numbers: list[int], delivery: Delivery, noise: bytes, state: Revision) -> None:
    full = max(1, delivery.daily_impressions * (64 + noise[1]) // 160)
    settled = full + full * state.early // 100
    impressions = max(1, settled * 2 // 5) if state.partial else settled
    spend = impressions * (3000 + noise[3] * 40 + _SIX_DECIMALS)
    numbers[layout.IMPRESSIONS] = impressions
    numbers[layout.CLICKS] = impressions * (5 + noise[2] % 40) // 1000
    numbers[layout.SPEND] = spend // delivery.spend_step * delivery.spend_step
    numbers[layout.SOCIAL_SPEND] = spend // 9 // _CENT * _CENT if noise[4] % 3 else 0


def _act(numbers: list[int], noise: bytes) -> None:
    impressions, clicks = numbers[layout.IMPRESSIONS], numbers[layout.CLICKS]
    link_clicks = clicks * (40 + noise[5] % 50) // 100
    totals = (
        link_clicks,
        clicks // 4,
        clicks // 30,
        clicks // 40,
        clicks // 50,
        clicks // 12 if noise[6] % 2 else 0,
        impressions // 9 if noise[7] % 2 else 0,
        link_clicks * 3 // 4,
        clicks // 60,
    )
    for name, total in zip(layout.ON_SITE, totals, strict=True):
        at = layout.ON_SITE_AT[name]
        numbers[at], numbers[at + 1] = total - total // 20, total // 20
    numbers[layout.OUTBOUND_AT] = link_clicks * 9 // 10
    plays = impressions // 9 if noise[7] % 2 else 0
    for index, name in enumerate(layout.VIDEO[:-1]):
        numbers[layout.VIDEO_AT[name]] = plays * (20 - 2 * index) // 20
    numbers[layout.VIDEO_AT[layout.VIDEO[-1]]] = plays * (3 + noise[8] % 9)


_RATES: dict[str, tuple[int, ...]] = {
    "OUTCOME_SALES": (700, 240, 110, 60, 0, 9, 0, 0, 0, 14),
    "OUTCOME_LEADS": (300, 0, 0, 0, 80, 4, 0, 30, 40, 0),
    "OUTCOME_TRAFFIC": (400, 30, 9, 4, 0, 0, 0, 0, 0, 0),
    "OUTCOME_APP_PROMOTION": (0, 0, 0, 0, 0, 0, 90, 0, 0, 9),
    "OUTCOME_ENGAGEMENT": (90, 0, 0, 0, 0, 0, 0, 60, 20, 0),
    "OUTCOME_AWARENESS": (),
}
"""Conversions per 1000 link clicks, in the order of layout.OFF_SITE and then layout.CONVERSIONS."""

_CONVERSION_POSITIONS = (*layout.OFF_SITE_AT.values(), *layout.CONVERSIONS_AT.values())


def _convert(numbers: list[int], delivery: Delivery, noise: bytes) -> None:
    link_clicks = numbers[layout.ON_SITE_AT["link_click"]]
    for index, rate in enumerate(_RATES[delivery.objective]):
        at = _CONVERSION_POSITIONS[index]
        total = (link_clicks * rate + noise[10 + index] * 3) // 1000
        numbers[at] = total - total // 3
        numbers[at + 1] = total // 3
        numbers[at + 3] = total // 5
        numbers[at + 4] = total // 8


def _restate(numbers: list[int], delivery: Delivery, noise: bytes) -> None:
    for index, rate in enumerate(_RATES[delivery.objective]):
        at = _CONVERSION_POSITIONS[index]
        if rate and numbers[at] and noise[index] % 2:
            numbers[at + 1] += 1 + noise[20 + index] % 2
            numbers[at + 2] += noise[40 + index] % 2


def _price(numbers: list[int], noise: bytes) -> None:
    sources = {**layout.OFF_SITE_AT, **layout.CONVERSIONS_AT}
    for name, at in {**layout.VALUES_AT, **layout.CONVERSION_VALUES_AT}.items():
        cents = 1500 + noise[30] * 25 + len(name)
        for part in range(layout.PARTS):
            numbers[at + part] = numbers[sources[name] + part] * cents


def _scalars(vector: Vector, cells: int, row_key: tuple[str, ...]) -> dict[str, Number]:
    impressions, clicks = vector[layout.IMPRESSIONS], vector[layout.CLICKS]
    link_clicks = vector[layout.ON_SITE_AT["link_click"]]
    engagement = sum(vector[layout.ON_SITE_AT[name]] for name in layout.ENGAGEMENT)
    figures: dict[str, Number] = {
        "impressions": impressions,
        "clicks": clicks,
        "spend": money(vector[layout.SPEND]),
        "social_spend": money(vector[layout.SOCIAL_SPEND]),
        "reach": _people(impressions, cells, row_key),
        "unique_clicks": _people(clicks, cells, row_key),
        "inline_link_clicks": link_clicks,
        "unique_inline_link_clicks": _people(link_clicks, cells, row_key),
        "inline_post_engagement": engagement,
        "full_view_impressions": impressions * 2 // 3,
        "full_view_reach": _people(impressions * 2 // 3, cells, row_key),
        "instagram_profile_visits": clicks // 25,
        "estimated_ad_recallers": impressions // 150,
    }
    return layout.nonzero(figures)


def _people(events: int, cells: int, row_key: tuple[str, ...]) -> int:
    """De-duplicate: fewer people than events, and the fewer the more days and cells one row joins."""
    if not events:
        return 0
    rate = 600 + draw(row_key) % 350
    return max(1, events * rate * 100 // (100 + 9 * cells.bit_length()) // 1000)


_ONE_ELEMENT = {**dict.fromkeys(layout.VIDEO, "video_view"), "outbound_clicks": "outbound_click"}


def _list(vector: Vector, name: str, dimensions: tuple[str, ...]) -> list[Entry]:
    if name in _ONE_ELEMENT:
        at = layout.VIDEO_AT.get(name, layout.OUTBOUND_AT)
        return entries({_ONE_ELEMENT[name]: layout.padded(vector, at, 1)}, ("action_type",)) if vector[at] else []
    if name == "actions":
        return entries(leaves(vector, layout.ON_SITE_AT, 2) | leaves(vector, layout.OFF_SITE_AT), dimensions)
    if name == "action_values":
        return entries(leaves(vector, layout.VALUES_AT), dimensions, cents=True)
    if name == "conversions":
        return entries(leaves(vector, layout.CONVERSIONS_AT), dimensions)
    if name == "conversion_values":
        return entries(leaves(vector, layout.CONVERSION_VALUES_AT), dimensions, cents=True)
    if name in _DEDUPLICATED:
        return [_fewer(entry) for entry in _list(vector, _DEDUPLICATED[name], dimensions)]
    return []


_DEDUPLICATED = {
    "unique_actions": "actions",
    "unique_conversions": "conversions",
    "unique_outbound_clicks": "outbound_clicks",
}


def _fewer(entry: Entry) -> Entry:
    return Entry(entry.labels, {name: figure - int(figure) // 9 for name, figure in entry.windows.items()})


def spend_step(currency: str, index: int) -> int:
    """Return how finely an ad's spend is counted: whole units in yen, six decimals for every third ad, else cents."""
    if currency == "JPY":
        return _UNIT
    return 1 if index % 3 == 0 else _CENT
