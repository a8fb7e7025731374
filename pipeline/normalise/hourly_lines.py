"""Owns how a gzipped file becomes whole lines again: inflated in small reads, checksum checked, lines counted."""

import gzip
import io
from collections.abc import Iterator
from pathlib import Path

from isal import igzip
from isal.igzip_lib import IsalError

_SPOILT: tuple[type[Exception], ...] = (EOFError, gzip.BadGzipFile, IsalError)  # type: ignore[assignment]  # its stub errs
READ_BYTES = 256 * 1024
"""The read size at which Python inflates as fast as the C program (measured)."""
LONGEST_LINE = 16 * 2**20


class Broken(Exception):
    """The file is cut, spoilt, or no gzip at all: what was read of it does not count, it must be fetched again."""


def pieces(path: Path) -> Iterator[bytes]:
    """The file's text in pieces that end with a line; only the last one may lack its newline.

    Raises:
        Broken: As said; also at the very end, where the checksum stands.
    """
    rest = b""
    if path.stat().st_size == 0:
        raise Broken("the file is empty")
    try:
        with igzip.open(path) as file:  # type: ignore[no-untyped-call]  # half of isal has types
            while block := file.read(READ_BYTES):
                end = block.rfind(b"\n") + 1
                if end:
                    yield rest + block[:end]
                    rest = b""
                rest += block[end:]
                if len(rest) > LONGEST_LINE:
                    raise Broken(f"a line is longer than {LONGEST_LINE:,} bytes")
    except _SPOILT as error:
        raise Broken(f"the gzip is broken: {error}") from error
    if rest:
        yield rest


def count(piece: bytes) -> int:
    """How many lines a piece has; the last one counts without its newline too."""
    return len(io.BytesIO(piece).readlines())  # four times as fast as counting newlines (measured)
