"""Owns that an impression is unique within its hour: which of a file's rows repeat one of another part, or of itself.

Hashes tell whether there is any repetition at all, eight bytes an impression; only where two are alike are the
impressions themselves compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import engine
from pipeline.normalise.hourly_quick import KEY
from pipeline.slices import SliceWriter

_HASH = f"(hash({KEY}) >> 1)::BIGINT"
"""63 bits: DuckDB filters Arrow tables by its unsigned numbers only up to there."""
_HASHES = pa.schema([("h", pa.int64())])


@dataclass(slots=True)
class HashingSink:
    """Writes rows through, and keeps the hashes of their impressions."""

    writer: SliceWriter
    hashes: list[pa.Table] = field(default_factory=list)

    def write(self, table: str, rows: pa.Table) -> None:
        """Takes rows of the impressions."""
        self.hashes.append(engine.read(f"SELECT {_HASH} AS h FROM rows", rows=rows.select([KEY])))  # noqa: S608 - declared name
        self.writer.write(table, rows)

    def set_aside(self, rows: pa.Table) -> None:
        """Takes rows of `meta.quarantine`."""
        self.writer.set_aside(rows)


class HourIds:
    """The impressions of one hour that have landed, read from the lake once, when the first part asks."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = [str(path) for path in files]
        self._landed: list[pa.Table] | None = None

    def repeats(self, fresh: HashingSink) -> "Repeats | None":
        """What is to be looked at closely in a file with these impressions; None if all of them are new."""
        hashes, landed = _one(fresh.hashes), _one(self._known())
        alike = pa.concat_arrays([_twice(hashes), _in_both(hashes, landed)]).unique()
        return Repeats(pa.table([alike], schema=_HASHES), list(self._files)) if len(alike) else None

    def landed(self, fresh: HashingSink, file: Path) -> None:
        """A part has landed in this file."""
        self._known().append(_whole(fresh.hashes))
        self._files.append(str(file))

    def _known(self) -> list[pa.Table]:
        if self._landed is None:
            statement = f"SELECT {_HASH} AS h FROM read_parquet(?)"  # noqa: S608 - declared name
            self._landed = [_whole([engine.read(statement, [self._files])])] if self._files else []
        return self._landed


@dataclass(slots=True)
class Repeats:
    """Tells, row by row of one file, which impressions stood in their hour before."""

    alike: pa.Table
    files: list[str]
    _seen: set[str] = field(default_factory=set)

    def found_in(self, rows: pa.Table) -> list[int]:
        """Which rows, by their index; of an impression that only this file repeats, all but the first."""
        numbered = rows.select([KEY]).append_column("number", pa.array(range(rows.num_rows), pa.int64()))
        doubtful = engine.read(
            f"SELECT number, {KEY} FROM rows SEMI JOIN alike ON {_HASH} = h ORDER BY number",  # noqa: S608 - declared name
            rows=numbered,
            alike=self.alike,
        )
        taken = self._taken(doubtful)
        dropped = []
        for number, impression in zip(*(column.to_pylist() for column in doubtful.columns), strict=True):
            if impression in taken or impression in self._seen:
                dropped.append(number)
            self._seen.add(impression)
        return dropped

    def _taken(self, doubtful: pa.Table) -> set[str]:
        if not self.files or not doubtful.num_rows:
            return set()
        statement = f"SELECT DISTINCT {KEY} FROM read_parquet(?) SEMI JOIN doubtful USING ({KEY})"  # noqa: S608 - declared name
        return {str(row[0]) for row in engine.ask(statement, [self.files], doubtful=doubtful)}


def _whole(tables: Sequence[pa.Table]) -> pa.Table:
    """In memory of its own: what comes from DuckDB has room for half as many again."""
    return pa.table([_one(tables).combine_chunks()], schema=_HASHES)


def _one(tables: Sequence[pa.Table]) -> pa.ChunkedArray:
    return pa.concat_tables([_HASHES.empty_table(), *tables]).column("h")


def _twice(hashes: pa.ChunkedArray) -> pa.Array:
    """Those that stand in it more than once; sorted, as a set of millions takes five times the memory."""
    ordered = hashes.combine_chunks()
    ordered = ordered.take(pc.array_sort_indices(ordered))
    return ordered[1:].filter(pc.equal(ordered[1:], ordered[:-1]))


def _in_both(fresh: pa.ChunkedArray, landed: pa.ChunkedArray) -> pa.Array:
    """Only of the fewer a set is made: a join over what an hour has landed takes hundreds of MB (measured)."""
    few, many = sorted((fresh, landed), key=len)
    return many.filter(pc.is_in(many, value_set=few.combine_chunks())).combine_chunks()
