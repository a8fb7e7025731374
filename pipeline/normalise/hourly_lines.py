"""Owns how a gzipped file becomes whole lines again: inflated in small reads, checksum checked."""

import gzip
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from isal import igzip
from isal.igzip_lib import IsalError

_SPOILT: tuple[type[Exception], ...] = (EOFError, gzip.BadGzipFile, IsalError)  # type: ignore[assignment]  # its stub errs
READ_BYTES = 256 * 1024
"""The read size at which Python inflates as fast as the C program (measured)."""
STRETCH_BYTES = 32 * 2**20
"""How much text is typed at once: more gains little and costs memory (measured)."""
PORTION_BYTES = 4 * 2**20
"""How much of it is typed at once where lines are doubtful: the slower paths take several times its memory."""


class Broken(Exception):
    """The file is cut, spoilt, or no gzip at all: what was read of it does not count, it must be fetched again."""


def stretches(path: Path) -> Iterator[memoryview]:
    """The file's text in turns of whole lines, as large as memory bears; its last line gets an end if it has none.

    Each is there until the next is asked for, which takes its room: fresh memory for each costs as much again as to
    inflate it (measured). Arrow gives memory of this size back; Python's, in several threads, becomes full of holes.

    Raises:
        Broken: As said; also at the very end, where the checksum stands. Or a line does not fit.
    """
    room, size, end = memoryview(pa.allocate_buffer(STRETCH_BYTES)).cast("B"), 0, 0
    for block in _blocks(path):
        if size + len(block) >= len(room) and end:
            yield room[:end]
            room[: size - end] = room[end:size]
            size, end = size - end, 0
        if size + len(block) >= len(room):
            raise Broken(f"a line is longer than the {STRETCH_BYTES:,} bytes that are read at once")
        room[size : size + len(block)] = block
        end = size + block.rfind(b"\n") + 1 if b"\n" in block else end
        size += len(block)
    if end < size:
        room[size : size + 1] = b"\n"
        size += 1
    if size:
        yield room[:size]


def lines_of(text: memoryview) -> Iterator[bytes]:
    """One after the other, with their ends."""
    return iter(io.BytesIO(text))


def count_lines(text: memoryview) -> int:
    """How many whole lines these are; faster than Python counts or splits (measured)."""
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == ord("\n")))


def portions(text: memoryview) -> Iterator[memoryview]:
    """The same text in turns of whole lines, each as long as `PORTION_BYTES` and the line that is there."""
    start = 0
    while start < len(text):
        end = _line_end(text, start + PORTION_BYTES)
        yield text[start:end]
        start = end


def _line_end(text: memoryview, start: int) -> int:
    for at in range(start, len(text), READ_BYTES):
        found = bytes(text[at : at + READ_BYTES]).find(b"\n")
        if found >= 0:
            return at + found + 1
    return len(text)


def _blocks(path: Path) -> Iterator[bytes]:
    if path.stat().st_size == 0:
        raise Broken("the file is empty")
    try:
        with igzip.open(path) as file:  # type: ignore[no-untyped-call]  # half of isal has types
            while block := file.read(READ_BYTES):
                yield block
    except _SPOILT as error:
        raise Broken(f"the gzip is broken: {error}") from error
