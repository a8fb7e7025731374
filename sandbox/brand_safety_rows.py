"""Owns the lines of hourly files: worked out block by block from the seed, so that a part of any size costs no memory.

A line is put together from fragments that were encoded once: the ad's ids, the content above, the content below. Which
ones stand together follows from 8 octets of a hash stream for each line (some 1.5 million lines a second).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import shake_256
from typing import Any

import orjson

from sandbox.brand_safety_content import Content, ContentWorld
from sandbox.brand_safety_hours import Fate, Hour
from sandbox.brand_safety_scenario import SafetyRule
from sandbox.digest import draw
from sandbox.world import Node, World

Row = dict[str, Any]

BLOCK = 2_000
"""Lines made at once."""

_OCTETS = 8
_SPAN = 10**10
_STRIDE = 2_654_435_761
"""Has no factor in common with the span, so that numbers of lines give distinct impressions."""

_IDS = frozenset({"ad_account_id", "campaign_id", "ad_set_id", "ad_id", "impression_id"}) | {
    f"{side}_content_{name}" for side in ("above", "below") for name in ("id", "root_id", "owner_id", "root_owner_id")
}
_NEVER_DELIVERED = frozenset({"PREAPPROVED"})


@dataclass(frozen=True, slots=True)
class Part:
    """One file of an hour; `index` counts from 1."""

    hour: Hour
    index: int
    of: int
    lines: int
    first: int
    """The number of its first line within the hour, from 0."""

    @property
    def name(self) -> str:
        """Return the file's name (graph-api.md 4.4)."""
        hour = self.hour
        place = f"{hour.platform}_{hour.position}_{hour.label}_biz_{hour.owner}"
        return f"brand_suitability_{place}_{self.index}_of_{self.of}.jsonl.gz"

    @property
    def placed(self) -> Mapping[str, Any]:
        """Return what a scenario's rules select by."""
        return {**self.hour.placed, "index": self.index}


def parts_of(hour: Hour, fate: Fate, seed: int) -> list[Part]:
    """Return an hour's parts; their sizes vary by half unless they are told."""
    parts: list[Part] = []
    first = 0
    for index in range(1, fate.parts + 1):
        varied = fate.lines // 2 + draw(seed, "lines", *hour.key, index) % (fate.lines + 1)
        lines = fate.lines if fate.exact else varied
        parts.append(Part(hour, index, fate.parts, lines, first))
        first += lines
    return parts


class LineMaker:
    """Makes lines from the world's ads and the content of a seed."""

    def __init__(self, seed: int, world: World, contents: ContentWorld) -> None:
        self._seed = seed
        self._ads = {business: _ads(world, business) for business in world.businesses}
        self._above = {place: _fragments("above", shown) for place, shown in contents.shown.items()}
        self._below = {place: _fragments("below", shown) for place, shown in contents.shown.items()}

    def has_ads(self, business: str) -> bool:
        """Tell whether anything can be shown for a business."""
        return bool(self._ads.get(business))

    def blocks(self, part: Part) -> Iterator[list[bytes]]:
        """Yield a part's lines without their ends, as they should be, some thousand at once."""
        for first in range(0, part.lines, BLOCK):
            yield self._block(part, first, min(BLOCK, part.lines - first))

    def _block(self, part: Part, first: int, count: int) -> list[bytes]:
        hour = part.hour
        noise = shake_256("|".join(map(str, (self._seed, *hour.key, part.index, first))).encode())
        lots = memoryview(noise.digest(count * _OCTETS)).cast("H").tolist()
        ads, place = self._ads[hour.owner], (hour.platform, hour.position)
        above, below = self._above[place], self._below[place]
        many, pool = len(ads), len(above)
        head = b'{"time_key":"%s",' % hour.label.encode()
        prefix = 10**7 + draw(self._seed, "impressions", *hour.key) % (9 * 10**7)
        number = part.first + first
        return [
            b'%b%b"impression_id":"%d%010d",%b,%b}'
            % (
                head,
                ads[lots[at] % many],
                prefix,
                (number + at // 4) * _STRIDE % _SPAN,
                above[(lots[at + 1] * lots[at + 1] >> 16) % pool],
                below[lots[at + 2] % pool],
            )
            for at in range(0, count * 4, 4)
        ]


def _ads(world: World, business: str) -> list[bytes]:
    found = world.businesses[business]
    accounts = [account for account in (*found.owned, *found.clients) if account in world.accounts]
    ads = [ad for account in accounts for ad in world.children(account, "ad") if ad.status not in _NEVER_DELIVERED]
    return [_ad_fragment(ad) for ad in ads]


def _ad_fragment(ad: Node) -> bytes:
    ids = {
        "ad_account_id": ad.account_id,
        "campaign_id": ad.campaign_id,
        "ad_set_id": ad.adset_id,
        "ad_id": ad.id,
    }
    return orjson.dumps(ids)[1:-1] + b","


def _fragments(side: str, shown: Sequence[Content]) -> list[bytes]:
    return [orjson.dumps(_beside(side, content, at))[1:-1] for at, content in enumerate(shown)]


def _beside(side: str, content: Content, at: int) -> Row:
    """Show a unit; one in forty above is no content at all, such as another ad (graph-api.md 4.4)."""
    hidden = content.private or (side == "above" and at % 40 == 7)  # noqa: PLR2004 - any fixed place
    ids = (content.id, content.root_id, content.owner_id, content.root_owner_id)
    names = ("id", "root_id", "owner_id", "root_owner_id")
    return {
        **{f"{side}_content_{name}": None if hidden else found for name, found in zip(names, ids, strict=True)},
        f"{side}_content_language": None if hidden else content.language,
        f"{side}_content_position": side,
        f"{side}_content_distance": 1,
        f"{side}_content_privacy": "private" if hidden else "public",
    }


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it is served, and the row that it stands for; None when it stands for no row."""

    number: int
    text: bytes
    row: Row | None


def told(number: int, plain: bytes, rules: Sequence[SafetyRule]) -> Line:
    """Return a line after the scenario's rules for its part."""
    meant = [rule.do for rule in rules if rule.means_line(number)]
    row: Row = orjson.loads(plain)
    if not meant:
        return Line(number, plain, row)
    served, spoilt, raw = dict(row), False, None
    for do in meant:
        row |= do.get("set", {})
        served |= {**do.get("set", {}), **do.get("spoil", {})}
        spoilt = spoilt or "spoil" in do or "raw" in do
        raw = do.get("raw", raw)
        if do.get("numeric_ids"):
            served |= {name: int(served[name]) for name in _IDS & served.keys() if str(served[name]).isdigit()}
    text = orjson.dumps(served) if raw is None else raw.encode("utf-8", "surrogateescape")
    return Line(number, text, None if spoilt else row)
