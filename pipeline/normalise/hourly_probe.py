r"""Owns the proof that the quick path has understood every value of a stretch of lines. Pure.

DuckDB drops unknown members in silence and turns numbers into text by its own spelling. Whether it did is told by three
counts over the raw text and the typed columns, without reading a line twice:

    members   places where a key ends, `":`
    texts     of these, those whose value is a text, `":"`
    nulls     of these, those whose value is null, `":n`

If the texts are as many as the known text columns have values, and the members that are neither are as many as the
known number columns have values (each a bare whole number), then no value was unknown and none was respelt: each way to
deceive one count makes another too large. Where a backslash may hide a quote, or blanks stand before a colon,
nothing is proven, and the lines are read with care.
"""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

_QUOTE, _COLON, _BLANK, _N = (pa.scalar(byte, pa.uint8()) for byte in b'": n')
_PIECE = 256 * 1024
_DECEIVING = (b"\\", b"\t", b"\r")


@dataclass(slots=True)
class Probe:
    """The counts over whole lines. `plain`: nothing stands there that could deceive them."""

    members: int = 0
    texts: int = 0
    nulls: int = 0
    plain: bool = True

    def proves(self, texts: int, numbers: int) -> bool:
        """Whether so many values in known text columns and so many bare whole numbers are all that the lines hold."""
        return self.plain and self.texts == texts and self.members - self.texts - self.nulls == numbers


def probed(text: bytes) -> Probe:
    """The counts over some lines, in pieces that a processor's cache holds."""
    probe, start, spaced = Probe(), 0, _is_spaced(text)
    while start < len(text) and probe.plain:
        end = text.find(b"\n", start + _PIECE) + 1 or len(text)
        _look(text[start:end], probe, spaced=spaced)
        start = end
    return probe


def _look(piece: bytes, probe: Probe, *, spaced: bool) -> None:
    """Adds a piece of whole lines. `spaced`: a blank follows each colon."""
    if any(sign in piece for sign in _DECEIVING) or (b" " in piece and b'" ' in piece):
        probe.plain = False
        return
    text = pa.Array.from_buffers(pa.uint8(), len(piece), [None, pa.py_buffer(piece)])
    quotes = pc.equal(text, _QUOTE)
    keys = _both(quotes, pc.equal(text, _COLON), 1)
    probe.members += keys.true_count
    if spaced:
        followed = _both(keys, pc.equal(text, _BLANK), 2)
        probe.plain = followed.true_count == keys.true_count
        keys = followed
    value = 3 if spaced else 2
    probe.texts += _both(keys, quotes, value).true_count
    probe.nulls += _both(keys, pc.equal(text, _N), value).true_count


def _is_spaced(piece: bytes) -> bool:
    """Whether the first colon after a key is followed by a blank, as some writers of JSON do."""
    at = piece.find(b'":')
    return piece[at + 2 : at + 3] == b" "


def _both(here: pa.Array, there: pa.Array, distance: int) -> pa.Array:
    """Where the one holds, and the other so many bytes further on."""
    return pc.and_(here[: max(0, len(there) - distance)], there[distance:])
