"""Owns the identity of a DuckDB file: the sixteen bytes by which DuckDB knows a `.wal` as the file's own.

A copy has the identity of what it was copied from. An analyst who still holds the former file open for writing, and
checkpoints it as often as we did the copy, then lays a `.wal` beside ours that readers replay: wrong numbers, no error
(measured). With an identity of its own our file is one that such a `.wal` does not match, and DuckDB says so.
DuckDB has no statement for this; the header's layout is that of the storage versions 64 to 68 (`main_header`).
"""

import secrets
import struct
from collections.abc import Iterable
from pathlib import Path

_HEADER_BYTES = 4096
_CHECKSUM = slice(0, 8)
_MAGIC = slice(8, 12)
_IDENTITY = slice(124, 140)
_FACTOR, _START, _WORD = 0xBF58476D1CE4E5B9, 5381, 2**64


def renew(path: Path) -> bool:
    """Gives a closed file an identity that no other has; False, and nothing is changed, if its header is unknown."""
    with path.open("r+b") as file:
        header = bytearray(file.read(_HEADER_BYTES))
        if len(header) < _HEADER_BYTES or header[_MAGIC] != b"DUCK" or header[_CHECKSUM] != _checksum(header):
            return False
        header[_IDENTITY] = secrets.token_bytes(16)
        header[_CHECKSUM] = _checksum(header)
        file.seek(0)
        file.write(header)
    return True


def _checksum(header: bytes | bytearray) -> bytes:
    words: Iterable[tuple[int]] = struct.iter_unpack("<Q", header[_CHECKSUM.stop :])
    total = _START
    for (word,) in words:
        total ^= word * _FACTOR % _WORD
    return struct.pack("<Q", total)
