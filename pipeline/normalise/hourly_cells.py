"""Owns how lines that all have as many members are split into the cells of their columns, at every comma.

Neighbouring columns that repeat together, as an ad and its campaign do, are compared as one, and only what is different
among them is split further. All is done by arithmetic on the positions of the separators, in half the time of Arrow's
reader of CSV (measured).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Offsets = npt.NDArray[np.int32]

_PIECE = 512 * 1024
"""What a processor's cache holds."""
_FOLD = 12
"""By `^ 12` the comma becomes 32, control characters stay below it and all else is above: one comparison finds both."""
_SAMPLE = 200
"""How many lines are looked at to tell which columns repeat together."""
_NEW = 0.7
"""Of these lines, so many may have contents that no other has; about as often do those that follow have new ones."""
_FEW, _MORE = 40, 1.25
"""How many different contents a group of columns may always have, and how many times those of one of them."""


def split(text: memoryview, width: int) -> list[pa.Array] | None:
    """The cells of each column as octets, each with the separator after it; None unless each line has so many cells.

    Columns that repeat are dictionaries. Whatever is a control character separates too, and must be found again at the
    end of its cell by who reads it.
    """
    offsets = _offsets(np.frombuffer(text, np.uint8))
    lines, rest = divmod(len(offsets) - 1, width)
    if rest or offsets[-1] != len(text):
        return None
    cells = _octets(offsets, text)
    groups = list(_groups(cells[: _SAMPLE * width], width))
    ends = offsets[1:].reshape(lines, width)[:, [group.stop - 1 for group in groups]]
    repeating = np.tile([group.repeats for group in groups], lines)
    grouped = _octets(np.append(offsets[:1], ends), text, repeating).dictionary_encode()
    codes = np.frombuffer(grouped.indices.buffers()[1], np.int32, ends.size).reshape(ends.shape)
    found: list[pa.Array] = []
    for group, of_group in zip(groups, codes.T, strict=True):
        found += _columns(of_group, grouped.dictionary, group) if group.repeats else [_every(cells, group.first, width)]
    return found


class _Group(NamedTuple):
    """Neighbouring columns; whether what they hold together is the same in many lines. If not, it is but one column."""

    first: int
    stop: int
    repeats: bool


def _offsets(octets: npt.NDArray[np.uint8]) -> Offsets:
    """Where cells begin and end."""
    found = [np.zeros(1, np.int64)]
    for start in range(0, len(octets), _PIECE):
        separates = np.bitwise_xor(octets[start : start + _PIECE], _FOLD) <= ord(",") ^ _FOLD
        found.append(np.flatnonzero(separates) + (start + 1))
    return np.concatenate(found, dtype=np.int32, casting="unsafe")


def _octets(offsets: Offsets, text: memoryview, there: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """What stands between the offsets; what is not `there` is null."""
    valid = None if there is None else pa.py_buffer(np.packbits(there, bitorder="little"))
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, [valid, pa.py_buffer(offsets), pa.py_buffer(text)])


def _groups(cells: pa.Array, width: int) -> Iterator[_Group]:
    """All columns in their order, in groups that have hardly more different contents than one of their columns has."""
    codes = cells.dictionary_encode().indices.to_numpy().reshape(-1, width)
    first, group = 0, _Contents.of(codes[:, 0])
    for column in range(1, width):
        alone = _Contents.of(codes[:, column])
        both = _Contents.of(group.numbers * len(codes) + alone.numbers)
        if both.repeat and both.different <= max(_FEW, _MORE * max(group.different, alone.different)):
            group = both
        else:
            yield _Group(first, column, group.repeat)
            first, group = column, alone
    yield _Group(first, width, group.repeat)


class _Contents(NamedTuple):
    """What stands in a column of the first lines: each different content has a number."""

    numbers: npt.NDArray[np.int64]
    different: int
    repeat: bool

    @classmethod
    def of(cls, values: npt.NDArray[np.integer]) -> "_Contents":
        _, numbers, counts = np.unique(values, return_inverse=True, return_counts=True)
        return cls(numbers, len(counts), bool(np.count_nonzero(counts == 1) <= _NEW * len(values)))


def _columns(codes: Offsets, known: pa.Array, group: _Group) -> Iterator[pa.Array]:
    """The columns of a group, by which of the known texts each line holds."""
    has = np.zeros(len(known), np.bool_)
    has[codes] = True
    own = (np.cumsum(has, dtype=np.int32) - np.int32(1))[codes]
    text = memoryview(known.take(pa.array(np.flatnonzero(has))).buffers()[2])
    cells = _octets(_offsets(np.frombuffer(text, np.uint8)), text)
    for column in range(group.stop - group.first):
        different = _every(cells, column, group.stop - group.first).dictionary_encode()
        yield pa.DictionaryArray.from_arrays(pa.array(different.indices.to_numpy()[own]), different.dictionary)


def _every(cells: pa.Array, first: int, width: int) -> pa.Array:
    return cells.take(pa.array(np.arange(first, len(cells), width)))
