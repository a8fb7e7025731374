r"""Owns the quickest path of hourly files: lines that all have the members of the first, in its order, split at commas.

Each cell must then be a known member's spelling and one plain value, to the last byte, so that nothing can have been
overlooked or respelt; where one cell is anything else, None. A reader of JSON takes twice the time (measured): it has
to look for the names of members in every line.
"""

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.normalise import hourly_cells
from pipeline.normalise.hourly_quick import KEY
from schemas.arrow import TYPES
from schemas.brand_safety import LINE
from schemas.columns import Kind

_MEMBER = re.compile(rb'\{? ?"([a-z_]+)": ?')
_LONGEST_PATTERN = 64 * 1024
_KINDS = {column.name: column.kind for column in LINE}


@dataclass(frozen=True, slots=True)
class _Member:
    """How a member is spelt in every line: its value stands between `before` and `after`, a separator."""

    name: str
    before: bytes
    after: bytes


def read(text: memoryview) -> dict[str, pa.Array] | None:
    """The typed columns of whole lines; None unless every byte of every line is understood.

    Each row ends with the one line end that its cells hold, so that there are as many rows as lines.
    """
    members = _members(bytes(text[:_LONGEST_PATTERN]).split(b"\n", 1)[0])
    if members is None:
        return None
    try:
        return _columns(text, members)
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
    ends = [b","] * (len(cells) - 1) + [b"}\n"]
    return [_Member(name, match[0], end) for name, match, end in zip(names, found, ends, strict=True) if match]


class _Doubtful(Exception):
    """A value is not one plain text, whole number or null."""


def _columns(text: memoryview, members: list[_Member]) -> dict[str, pa.Array]:
    """Raises `_Doubtful` or `ArrowInvalid`."""
    cells = hourly_cells.split(text, len(members))
    if cells is None:
        raise _Doubtful
    found = {member.name: _values(column, member) for member, column in zip(members, cells, strict=True)}
    if KEY not in found or found[KEY].null_count:
        raise _Doubtful
    lines = len(found[KEY])
    return {name: found[name] if name in found else pa.nulls(lines, TYPES[kind]) for name, kind in _KINDS.items()}


def _values(cells: pa.Array, member: _Member) -> pa.Array:
    """A column's values; of cells that repeat, each different one is looked at once."""
    if not isinstance(cells, pa.DictionaryArray):
        return _plain(cells, member)
    values = _plain(cells.dictionary, member)
    if values.type != pa.string():
        return values.take(cells.indices)
    return pa.DictionaryArray.from_arrays(_without(cells.indices, values.is_null()), values.drop_null())


def _without(indices: pa.Array, null: pa.Array) -> pa.Array:
    """Indices into what is left of a dictionary when its null, of which there is but one spelling, is taken out."""
    gone = pc.index(null, value=True).as_py()
    if gone < 0:
        return indices
    numbers = indices.to_numpy()
    return pa.array(numbers - (numbers > gone), pa.int32(), mask=numbers == gone)


def _plain(spelt: pa.Array, member: _Member) -> pa.Array:
    if _KINDS[member.name] is Kind.COUNT:
        return _numbers(spelt, member)
    before, after = member.before + b'"', b'"' + member.after
    there = pc.and_(pc.starts_with(spelt, before), pc.ends_with(spelt, after))
    _, starts, data = _inner(spelt, before, after).buffers()
    if (there.false_count and not _are_null(spelt.filter(pc.invert(there)), member)) or _hides(data):
        raise _Doubtful
    return pa.Array.from_buffers(pa.binary(), len(spelt), [there.buffers()[1], starts, data]).cast(pa.string())


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
    return pc.binary_slice(spelt, len(before), -len(after))


def _hides(data: pa.Buffer | None) -> bool:
    """Whether a quote or an escape stands within the values; a control character would have ended its cell."""
    text = data.to_pybytes() if data is not None else b""
    return b'"' in text or b"\\" in text
