"""Owns what a ledger knew at one moment: taken twice it tells what a writer has changed meanwhile. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.ledger import Ledger
from schemas.columns import Table
from schemas.work import Place, SliceFile, SliceId, SliceRecord


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Slices, their files by path, and what is under way. `leaving`: paths and folders that the lake is to lose."""

    last_landing: int
    records: Mapping[SliceId, SliceRecord]
    numbers: Mapping[SliceId, int]
    places: Mapping[SliceId, Place]
    files: Mapping[str, tuple[SliceId, SliceFile]]
    landing: frozenset[SliceId]
    landing_paths: frozenset[str]
    leaving: tuple[str, ...]
    publications: tuple[tuple[int, int, int], ...]
    tables: tuple[tuple[str, Table], ...]

    def is_settled(self, slice_id: SliceId, earlier: "Snapshot") -> bool:
        """Whether nothing of a slice has landed or was landing between an earlier moment and this one."""
        apart = slice_id not in self.landing and slice_id not in earlier.landing
        return apart and self.numbers.get(slice_id) == earlier.numbers.get(slice_id)

    def expects(self, path: str) -> bool:
        """Whether a path of the lake is known, or is on its way in or out."""
        leaving = any(path == gone or path.startswith(f"{gone}/") for gone in self.leaving)
        return path in self.files or path in self.landing_paths or leaving


def taken(ledger: Ledger) -> Snapshot:
    """What the ledger knows now."""
    with ledger.at_one_moment():
        landings = [ready for _, ready in ledger.landings()]
        coming = {written.file.path for ready in landings for written in ready.files}
        return Snapshot(
            last_landing=ledger.last_landing,
            records={record.id: record for record in ledger.slices()},
            numbers=ledger.landed(),
            places=ledger.places(),
            files={file.path: (slice_id, file) for slice_id, file in ledger.files()},
            landing=frozenset(ready.record.id for ready in landings),
            landing_paths=frozenset(coming | {path for ready in landings for path in ready.removed}),
            leaving=(*ledger.to_lose(), *ledger.to_set_aside()[1], *ledger.retired()),
            publications=tuple(ledger.publications()),
            tables=tuple(ledger.tables()),
        )
