"""Owns how a gzipped file becomes whole lines again: inflated in small reads, checksum checked, lines counted."""

import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from isal import igzip
from isal.igzip_lib import IsalError

_SPOILT: tuple[type[Exception], ...] = (EOFError, gzip.BadGzipFile, IsalError)  # type: ignore[assignment]  # its stub errs
READ_BYTES = 256 * 1024
"""The read size at which Python inflates as fast as the C program (measured)."""
STRETCH_BYTES = 16 * 2**20
"""How much text is typed at once: more gains little and costs memory (measured)."""
LONGEST_LINE = 16 * 2**20


class Broken(Exception):
    """The file is cut, spoilt, or no gzip at all: what was read of it does not count, it must be fetched again."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some whole lines of a file; only the file's last may lack its newline. `first` is the number of the first.

    The text is there until the next stretch is asked for, which takes its room: fresh memory for each costs as much
    again as to inflate it (measured).
    """

    text: memoryview
    first: int
    count: int

    def lines(self) -> Iterator[bytes]:
        """One after the other, with their ends."""
        return iter(io.BytesIO(self.text))


def stretches(path: Path) -> Iterator[Stretch]:
    """The file's text, in turns as large as memory bears.

    Raises:
        Broken: As said; also at the very end, where the checksum stands.
    """
    room, size, end, first, count = _room(STRETCH_BYTES), 0, 0, 1, 0
    for block in _blocks(path):
        if size + len(block) > len(room) and end:
            yield Stretch(room[:end], first, count)
            first, count = first + count, 0
            room[: size - end] = room[end:size]
            size, end = size - end, 0
        while size + len(block) > len(room):
            if len(room) > LONGEST_LINE:
                raise Broken(f"a line is longer than {LONGEST_LINE:,} bytes")
            larger = _room(len(room) + STRETCH_BYTES)
            larger[:size] = room[:size]
            room = larger
        room[size : size + len(block)] = block
        end = size + block.rfind(b"\n") + 1 if b"\n" in block else end
        size += len(block)
        count += _newlines(block)
    if size:
        yield Stretch(room[:size], first, count + (end < size))


def _room(size: int) -> memoryview:
    """From Arrow, which gives memory of this size back; Python's, in several threads, becomes full of holes."""
    return memoryview(pa.allocate_buffer(size)).cast("B")


def _blocks(path: Path) -> Iterator[bytes]:
    if path.stat().st_size == 0:
        raise Broken("the file is empty")
    try:
        with igzip.open(path) as file:  # type: ignore[no-untyped-call]  # half of isal has types
            while block := file.read(READ_BYTES):
                yield block
    except _SPOILT as error:
        raise Broken(f"the gzip is broken: {error}") from error


def _newlines(block: bytes) -> int:
    """How many lines end in it; three times as fast as to count the octet (measured)."""
    return len(io.BytesIO(block).readlines()) - (not block.endswith(b"\n"))
