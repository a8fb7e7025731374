"""Owns what the parts of an hour are: which have landed, which of the listed ones are wanted, whether all are there.

Pure. A landed part is known by its file in the lake, `<HH>-<index>_of_<n>.parquet`; n is `unknown` where no name told.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from connectors.brand_safety.hours import ListedFile

_STEM = re.compile(r"\d\d-(\d+)_of_(\d+|unknown)")
NOTHING = "0_of_0"
"""The stem of the file, without rows, of an hour in which nothing happened."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an hour: number `index` of `of` (None: of nobody knows how many)."""

    index: int
    of: int | None

    @property
    def stem(self) -> str:
        """What its file is called after the hour."""
        return f"{self.index}_of_{self.of or 'unknown'}"


def landed(paths: Iterable[str]) -> frozenset[Part]:
    """The parts that these files of an hour in the lake hold."""
    stems = (_STEM.fullmatch(PurePosixPath(path).stem) for path in paths)
    found = (Part(int(stem[1]), int(stem[2]) if stem[2].isdecimal() else None) for stem in stems if stem)
    return frozenset(part for part in found if part.index)


def part_of(file: ListedFile, beside: Iterable[int | None]) -> Part:
    """Which part a listed file is; where its name does not say of how many, the files beside it do."""
    return Part(file.index, file.of or max((of for of in beside if of), default=None))


def wanted(listed: Sequence[ListedFile], there: frozenset[Part]) -> list[tuple[Part, ListedFile]]:
    """The listed files that have not landed, each part once, whatever names it is listed under."""
    beside = [*(file.of for file in listed), *(part.of for part in there)]
    found: dict[Part, ListedFile] = {}
    for file in listed:
        part = part_of(file, beside)
        is_there = part in there or Part(part.index, None) in there
        if not is_there and (part not in found or (file.of and not found[part].of)):
            found[part] = file
    return sorted(found.items(), key=lambda entry: entry[0].index)


def is_whole(there: Iterable[Part]) -> bool:
    """Whether all n parts that some name speaks of are there."""
    parts = frozenset(there)
    counts = {part.of for part in parts if part.of}
    return any(all({Part(i, of), Part(i, None)} & parts for i in range(1, of + 1)) for of in counts)


def in_words(there: Iterable[Part]) -> str:
    """How much of an hour is there, for the reason of a slice that is not whole."""
    parts = list(there)
    of = max((part.of for part in parts if part.of), default=None)
    if of is None:
        return f"{len(parts)} parts have landed, and no file's name says how many there are"
    return f"{sum(part.of in {of, None} for part in parts)} of {of} parts have landed"
