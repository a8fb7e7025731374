"""Owns repeatable randomness: every draw is a pure function of the words it is given, never of a moment."""

from collections.abc import Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")
_SPAN = 1 << 64


def draw(*words: object) -> int:
    """Return a whole number from 0 to 2^64 - 1 that follows from the words."""
    text = "\x1f".join(map(str, words))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def octets(*words: object) -> bytes:
    """Return 64 random octets that follow from the words; cheaper than 64 draws."""
    text = "\x1f".join(map(str, words))
    return blake2b(text.encode(), digest_size=64).digest()


def share(*words: object) -> float:
    """Return a number in [0, 1) that follows from the words."""
    return draw(*words) / _SPAN


def pick(options: Sequence[T], *words: object) -> T:
    """Return one of the options."""
    return options[draw(*words) % len(options)]


def split(total: int, bounds: Sequence[int], phase: int) -> list[int]:
    """Cut `total` into whole parts after the cumulative weights in `bounds` (first 0); the parts sum to the total."""
    weight = bounds[-1]
    offset = phase % weight
    cuts = [(total * bound + offset) // weight for bound in bounds]
    return [after - before for before, after in pairwise(cuts)]
