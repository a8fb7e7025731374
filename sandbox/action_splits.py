"""Owns how the seeded world splits actions by action breakdowns, and the action-type groups made of their members."""

from collections.abc import Iterator, Sequence

from sandbox.digest import split
from sandbox.facts import Entry, Windows
from sandbox.figures import money
from sandbox.layout import GROUPS, PARTS, Vector, padded, windows

Parts = Sequence[int]
Labels = tuple[tuple[str, str], ...]

_DIMENSIONS: dict[str, tuple[tuple[str, int], ...]] = {
    "action_device": (("iPhone", 5), ("Android Smartphone", 4), ("Desktop", 2)),
    "action_destination": (("example.com", 7), ("120200000000000777", 3)),
    "action_reaction": (("like", 6), ("love", 3), ("haha", 1)),
    "action_target_id": (("120200000000000777", 4), ("120200000000000778", 1)),
    "action_carousel_card_id": (("31", 3), ("32", 2), ("33", 1)),
    "action_carousel_card_name": (("First card", 3), ("Second, card", 2), ('Third "card"', 1)),
    "action_video_sound": (("on", 1), ("off", 3)),
    "action_video_type": (("total", 1), ("auto_play", 1), ("click_to_play", 1)),
}
_ONLY_FOR: dict[str, frozenset[str]] = {
    "action_reaction": frozenset({"post_reaction"}),
    "action_carousel_card_id": frozenset({"link_click"}),
    "action_carousel_card_name": frozenset({"link_click"}),
    "action_video_sound": frozenset({"video_view"}),
    "action_video_type": frozenset({"video_view"}),
}
MICROS_PER_CENT = 10_000


def entries(leaves: dict[str, Parts], dimensions: Sequence[str], *, cents: bool = False) -> list[Entry]:
    """Build a list metric from leaf actions, split by the asked dimensions; groups only beside their action_type."""
    named = "action_type" in dimensions
    total: dict[Labels, Parts] = {}
    for action, parts in (leaves | _groups(leaves) if named else leaves).items():
        for labels, share in _shares(action, parts, dimensions):
            total[labels] = _plus(total.get(labels), share)
    found = ((labels, windows(parts)) for labels, parts in total.items())
    return [Entry(dict(labels), _priced(figures) if cents else dict(figures)) for labels, figures in found if figures]


def _priced(figures: dict[str, int]) -> Windows:
    return {name: money(figure * MICROS_PER_CENT) for name, figure in figures.items()}


def _groups(leaves: dict[str, Parts]) -> dict[str, Parts]:
    groups: dict[str, Parts] = {}
    for group, members in GROUPS.items():
        present = [leaves[name] for name in members if name in leaves]
        if present:
            groups[group] = tuple(map(sum, zip(*present, strict=True)))
    return groups


def _shares(action: str, parts: Parts, dimensions: Sequence[str]) -> Iterator[tuple[Labels, Parts]]:
    start: Labels = (("action_type", action),) if "action_type" in dimensions else ()
    shares: list[tuple[Labels, Parts]] = [(start, parts)]
    for name in dimensions:
        if name in _DIMENSIONS and action in _ONLY_FOR.get(name, {action}):
            shares = [found for labels, share in shares for found in _split(labels, share, name)]
    yield from shares


def _split(labels: Labels, parts: Parts, name: str) -> Iterator[tuple[Labels, Parts]]:
    values = _DIMENSIONS[name]
    cumulative = [sum(weight for _, weight in values[:index]) for index in range(len(values) + 1)]
    columns = [split(part, cumulative, index) for index, part in enumerate(parts)]
    for index, (value, _) in enumerate(values):
        yield (*labels, (name, value)), tuple(column[index] for column in columns)


def _plus(known: Parts | None, more: Parts) -> Parts:
    return more if known is None else tuple(map(sum, zip(known, more, strict=True)))


def leaves(vector: Vector, positions: dict[str, int], width: int = PARTS) -> dict[str, Parts]:
    """Return the parts of every action that the vector holds."""
    found = {name: padded(vector, at, width) for name, at in positions.items()}
    return {name: parts for name, parts in found.items() if any(parts)}
