r"""Owns the quickest path of hourly files: lines that all have the members of the first, in its order, split at commas.

Each cell must then be a known member's spelling and one plain value, to the last byte, so that nothing can have been
overlooked or respelt; where one cell is anything else, None. Arrow's reader of CSV splits the lines: it takes half the
time of a reader of JSON (measured), which has to look for the names of members in every line.
"""

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from pipeline.normalise.frames import PACKED
from pipeline.normalise.hourly_quick import KEY
from schemas.arrow import TYPES
from schemas.brand_safety import LINE, REPEATING
from schemas.columns import Kind

_MEMBER = re.compile(rb'\{? ?"([a-z_]+)": ?')
_LONGEST_PATTERN = 64 * 1024
_FAR = 2**31 - 1
"""Beyond every end; without an end Arrow 26.0 cuts wrongly."""
_KINDS = {column.name: column.kind for column in LINE}
_PARSE = csv.ParseOptions(delimiter=",", quote_char=False, escape_char=False, ignore_empty_lines=False)
_CONVERT = csv.ConvertOptions(
    column_types={name: PACKED if name in REPEATING else pa.string() for name in _KINDS}, strings_can_be_null=False
)


@dataclass(frozen=True, slots=True)
class _Member:
    """How a member is spelt in every line: its value stands between `before` and `after`."""

    name: str
    before: bytes
    after: bytes


def read(text: memoryview, lines: int) -> dict[str, pa.Array] | None:
    """The typed columns of so many lines; None unless every byte of every line is understood."""
    members = _members(bytes(text[:_LONGEST_PATTERN]).split(b"\n", 1)[0])
    if members is None:
        return None
    try:
        return _columns(text, lines, members)
    except (_Doubtful, pa.ArrowInvalid):
        return None


def _members(line: bytes) -> list[_Member] | None:
    """The members of a line; None where it holds an unknown one, or one twice."""
    cells = line.split(b",")
    found = [_MEMBER.match(cell) for cell in cells]
    names = [match[1].decode() for match in found if match]
    opened = [cell.startswith(b"{") for cell in cells]
    if set(names) - _KINDS.keys() or len(set(names)) < len(cells) or opened != [True, *opened[1:]] or any(opened[1:]):
        return None
    ends = [b""] * (len(cells) - 1) + [b"}"]
    return [_Member(name, match[0], end) for name, match, end in zip(names, found, ends, strict=True) if match]


class _Doubtful(Exception):
    """A value is not one plain text, whole number or null."""


def _columns(text: memoryview, lines: int, members: list[_Member]) -> dict[str, pa.Array]:
    """Raises `_Doubtful` or `ArrowInvalid`."""
    split = csv.read_csv(
        pa.BufferReader(pa.py_buffer(text)),
        read_options=csv.ReadOptions(
            use_threads=False, block_size=len(text) + 1, column_names=[member.name for member in members]
        ),
        parse_options=_PARSE,
        convert_options=_CONVERT,
    )
    found = {m.name: _values(split.column(m.name).chunk(0), m) for m in members}
    if split.num_rows != lines or KEY not in found or found[KEY].null_count:
        raise _Doubtful
    return {name: found[name] if name in found else pa.nulls(lines, TYPES[kind]) for name, kind in _KINDS.items()}


def _values(cells: pa.Array, member: _Member) -> pa.Array:
    """A column's values; of cells that repeat, each different one is looked at once."""
    if not isinstance(cells, pa.DictionaryArray):
        return _plain(cells, member)
    values = _plain(cells.dictionary, member)
    if values.type == pa.string() and not values.null_count:
        return pa.DictionaryArray.from_arrays(cells.indices, values)
    return values.take(cells.indices)


def _plain(cells: pa.Array, member: _Member) -> pa.Array:
    spelt = cells.view(pa.binary())
    if _KINDS[member.name] is Kind.COUNT:
        return _numbers(spelt, member)
    before, after = member.before + b'"', b'"' + member.after
    there = pc.and_(pc.starts_with(spelt, before), pc.ends_with(spelt, after))
    _, starts, data = _inner(spelt, before, after).buffers()
    if not _are_null(spelt.filter(pc.invert(there)), member) or _hides(data):
        raise _Doubtful
    return pa.Array.from_buffers(pa.string(), len(spelt), [there.buffers()[1], starts, data])


def _numbers(spelt: pa.Array, member: _Member) -> pa.Array:
    null = pc.equal(spelt, member.before + b"null" + member.after)
    sound = pc.and_(pc.starts_with(spelt, member.before), pc.ends_with(spelt, member.after))
    texts = pc.if_else(null, None, _inner(spelt, member.before, member.after)).view(pa.string())
    numbers = pc.cast(texts, TYPES[Kind.COUNT])
    if not pc.all(sound).as_py() or not pc.all(pc.equal(pc.cast(numbers, pa.string()), texts)).as_py():
        raise _Doubtful  # also for 007, which is no JSON
    return numbers


def _are_null(spelt: pa.Array, member: _Member) -> bool:
    return bool(pc.all(pc.equal(spelt, member.before + b"null" + member.after), min_count=0).as_py())


def _inner(spelt: pa.Array, before: bytes, after: bytes) -> pa.Array:
    """What stands between the two in each cell, none of which may be too short for both."""
    if len(spelt) and pc.min(pc.binary_length(spelt)).as_py() < len(before) + len(after):
        raise _Doubtful
    return pc.binary_slice(spelt, len(before), -len(after) if after else _FAR)


def _hides(data: pa.Buffer | None) -> bool:
    """Whether a quote, an escape or a control character stands within the values."""
    if data is None or not data.size:
        return False
    text = data.to_pybytes()
    lowest = pc.min(pa.Array.from_buffers(pa.uint8(), len(text), [None, data])).as_py()
    return b'"' in text or b"\\" in text or lowest < ord(" ")
