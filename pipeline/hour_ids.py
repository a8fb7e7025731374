"""Owns that an impression is unique within its hour: which of a file's rows repeat one of another part, or of itself.

Hashes tell whether there is any repetition at all, eight bytes an impression; only where two are alike are the
impressions themselves compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline import engine
from pipeline.normalise.hourly_quick import KEY
from pipeline.slices import SliceWriter

_HASH = f"(hash({KEY}) >> 1)::BIGINT"
"""63 bits: DuckDB filters Arrow tables by its unsigned numbers only up to there."""
Hashes = npt.NDArray[np.int64]
_RUN = 1_000_000
"""So many are kept in one order: to put others among them takes their memory twice."""


@dataclass(slots=True)
class HashingSink:
    """Writes rows through, and keeps the hashes of their impressions."""

    writer: SliceWriter
    hashes: list[Hashes] = field(default_factory=list)

    def write(self, table: str, rows: pa.Table) -> None:
        """Takes rows of the impressions."""
        self.hashes.append(_hashes("FROM rows", rows=rows.select([KEY])))
        self.writer.write(table, rows)

    def set_aside(self, rows: pa.Table) -> None:
        """Takes rows of `meta.quarantine`."""
        self.writer.set_aside(rows)

    def ordered(self) -> Hashes:
        """The hashes of all rows, from the least on."""
        return np.sort(np.concatenate([np.zeros(0, np.int64), *self.hashes]))


class HourIds:
    """The impressions of one hour that have landed, read from the lake once, when the first part asks."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = [str(path) for path in files]
        self._runs: list[Hashes] | None = None
        self._waiting: list[HashingSink] = []

    def repeats(self, fresh: HashingSink) -> "Repeats | None":
        """What is to be looked at closely in a file with these impressions; None if all of them are new."""
        hashes = fresh.ordered()
        alike = [hashes[1:][hashes[1:] == hashes[:-1]], *(_also_in(run, hashes) for run in self._known())]
        found = np.unique(np.concatenate(alike))
        return Repeats(pa.table({"h": found}), list(self._files)) if len(found) else None

    def landed(self, fresh: HashingSink, file: Path) -> None:
        """A part has landed in this file; takes no time."""
        self._waiting.append(fresh)
        self._files.append(str(file))

    def _known(self) -> list[Hashes]:
        """Each from the least on: a few are found among many that are in order, in an eighth of the time of a set."""
        if self._runs is None:
            files = self._files[: len(self._files) - len(self._waiting)]
            self._runs = [np.sort(_hashes("FROM read_parquet(?)", [files]))] if files else []
        for fresh in self._waiting:
            hashes = fresh.ordered()
            if self._runs and len(self._runs[-1]) < _RUN:
                self._runs[-1] = np.insert(self._runs[-1], np.searchsorted(self._runs[-1], hashes), hashes)
            else:
                self._runs.append(hashes)
        self._waiting.clear()
        return self._runs


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


def _hashes(source: str, parameters: Sequence[object] = (), **tables: pa.Table) -> Hashes:
    found = engine.read(f"SELECT {_HASH} AS h {source}", parameters, **tables).column("h")
    return np.array(found.to_numpy(), copy=True)  # in memory of their own: DuckDB gives them room for a million


def _also_in(run: Hashes, few: Hashes) -> Hashes:
    """Those of the few that the run has; one that is less than all of the run is compared with its last."""
    return few[run[np.searchsorted(run, few, "right") - 1] == few] if len(run) else run
