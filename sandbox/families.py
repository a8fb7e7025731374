"""Owns how an ad-day is cut by breakdowns in the seeded world: the values, their weights, and the cutting."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from sandbox.digest import draw, split
from sandbox.layout import LENGTH, Vector

Values = tuple[str | None, ...]
Combination = dict[str, str]

_AGES = ("13-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+")
_GENDERS = ("male", "female", "unknown")
_COUNTRIES = {
    "US": ("California", "New York", "Texas"),
    "IN": ("Maharashtra", "Karnataka"),
    "NZ": ("Auckland", "Canterbury"),
    "BR": ("São Paulo (state)", "Rio de Janeiro (state)"),
    "GB": ("England", "Scotland"),
}
_POSITIONS = (
    ("facebook", "feed"),
    ("facebook", "facebook_stories"),
    ("facebook", "facebook_reels"),
    ("facebook", "marketplace"),
    ("instagram", "feed"),
    ("instagram", "instagram_stories"),
    ("instagram", "instagram_reels"),
    ("audience_network", "an_classic"),
    ("messenger", "messenger_inbox"),
)
_DEVICES = {
    "desktop": "desktop",
    "iphone": "mobile_app",
    "ipad": "mobile_app",
    "android_smartphone": "mobile_app",
    "android_tablet": "mobile_app",
    "other": "mobile_web",
}
_HOURS = tuple(f"{hour:02}:00:00 - {hour:02}:59:59" for hour in range(24))
_PLAIN: dict[str, tuple[str, ...]] = {
    "product_id": ("7001, Red shoe", '7002, Blue "sport" shoe', "7003, Schuhlöffel", "unknown"),
    "frequency_value": ("1", "2", "3", "4", "5", "6+"),
    "user_segment_key": ("prospecting", "engaged", "existing", "unknown"),
    "dma": ("New York", "Los Angeles", "unknown"),
    "comscore_market": ("New York, NY", "Los Angeles, CA", "unknown"),
    "media_type": ("image", "video"),
    "hourly_stats_aggregated_by_advertiser_time_zone": _HOURS,
    "hourly_stats_aggregated_by_audience_time_zone": _HOURS,
    "ad_format_asset": ("single_image", "carousel", "video"),
    **{
        f"{name}_asset": ("1", "2", "3")
        for name in ("body", "call_to_action", "description", "image", "link_url", "title", "video")
    },
}
_MANY = "demographic", "geographic", "placement"


def _demographic() -> list[Combination]:
    return [{"age": age, "gender": gender} for age in _AGES for gender in _GENDERS]


def _geographic() -> list[Combination]:
    return [{"country": country, "region": name} for country, regions in _COUNTRIES.items() for name in regions]


def _placement() -> list[Combination]:
    return [
        {
            "publisher_platform": platform,
            "platform_position": position,
            "impression_device": device,
            "device_platform": kind,
        }
        for platform, position in _POSITIONS
        for device, kind in _DEVICES.items()
        if (len(position) + len(device)) % 2
    ]


_FAMILIES: dict[str, Callable[[], list[Combination]]] = dict(
    zip(_MANY, (_demographic, _geographic, _placement), strict=True)
)
_FAMILY_OF = {name: family for family in _MANY for name in _FAMILIES[family]()[0]}


@lru_cache(maxsize=256)
def combinations(family: str) -> tuple[Combination, ...]:
    """Return every combination of values that the family knows; an unknown breakdown has one, `unknown`."""
    if family in _FAMILIES:
        return tuple(_FAMILIES[family]())
    return tuple({family: value} for value in _PLAIN.get(family, ("unknown",)))


def families(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the families that the breakdown columns belong to, each once."""
    return tuple(dict.fromkeys(_FAMILY_OF.get(name, name) for name in columns))


@lru_cache(maxsize=100_000)
def bounds(seed: int, ad_id: str, family: str) -> tuple[int, ...]:
    """Return the cumulative weights of the family's combinations for one ad; a third of them weigh nothing."""
    weights = [draw(seed, ad_id, family, index) % 1000 for index in range(len(combinations(family)))]
    kept = [weight if weight % 3 or index == 0 else 0 for index, weight in enumerate(weights)]
    kept[0] += 1
    total = [0]
    for weight in kept:
        total.append(total[-1] + weight)
    return tuple(total)


def cut(vector: Vector, cumulative: Sequence[int], phase: int) -> list[Vector]:
    """Cut a vector by cumulative weights; the parts sum to the vector in every position."""
    parts = [[0] * LENGTH for _ in range(len(cumulative) - 1)]
    for at, total in enumerate(vector):
        if total:
            for part, share in zip(parts, split(total, cumulative, phase + at * 2_654_435_761), strict=True):
                part[at] = share
    return [tuple(part) for part in parts]


def cut_by(vector: Vector, seed: int, ad_id: str, day: str, columns: tuple[str, ...]) -> list[tuple[Values, Vector]]:
    """Cut an ad-day by breakdown columns, one family after the other; cells without any number are left out."""
    cells: list[tuple[Combination, Vector]] = [({}, vector)]
    for family in families(columns):
        cumulative = bounds(seed, ad_id, family)
        cells = [
            (known | combination, part)
            for at, (known, whole) in enumerate(cells)
            for combination, part in zip(
                combinations(family), cut(whole, cumulative, draw(seed, ad_id, day, family, at)), strict=True
            )
            if any(part)
        ]
    return [(tuple(known[name] for name in columns), part) for known, part in cells]
