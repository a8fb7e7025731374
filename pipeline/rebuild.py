"""Owns how a store is made anew from its lake: the ledger from footers alone, and what is said about it.

The new ledger is written beside the old one, whole. Then the old one is moved aside, the lake is marked as the new
one's, and the new one takes its place. Until then nothing has changed; between these steps there is no ledger, which
every command refuses, and which a rebuild makes up.
"""

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.disk import make_folder, sync_folder
from pipeline.errors import Store as StoreRefused
from pipeline.errors import Usage
from pipeline.inventory import Footer, Inventory, declarations, inventory
from pipeline.lake import MARKER, Lake
from pipeline.landing import roll_forward
from pipeline.ledger import Ledger
from pipeline.readings import Aside, Readings, readings
from pipeline.store import Places, Store, held, refuse_rehearsal
from pipeline.warehouse import LOGS, Published, refuse_foreign, unreadable
from schemas.arrow import columns_of
from schemas.columns import Column, Kind, Table, merged
from schemas.events import Say
from schemas.work import Owner

NEW = "ledger.rebuilt"
LOST = (
    "runs and report runs (meta.runs, meta.report_runs start anew; a report run that was alive is submitted again)",
    "attempts that failed, were lost or were skipped and left no file: such slices count as never asked",
    "when slices that a later read found unchanged were last asked: they are asked once more, unless they are final",
    "missing objects, learned sizes and closed quotas: they are learned again",
    "names and time zones of accounts, and which accounts a business had: they are asked again at the next load",
)
"""What lives in the ledger only."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did. `because`: why the ledger was made anew; empty where it was kept."""

    because: str = ""
    slices: int = 0
    files: int = 0
    partial: tuple[str, ...] = ()
    aside: tuple[Aside, ...] = ()
    aside_in: str = ""
    strangers: tuple[str, ...] = ()
    kept_as: tuple[str, ...] = ()
    published: Published | None = None

    @property
    def exit_code(self) -> int:
        """1 where data is missing until the next load."""
        return int(bool(self.partial) or any(one.harm for one in self.aside))

    def as_data(self) -> dict[str, Any]:
        """The document of `--json`."""
        return {**asdict(self), "lost": list(LOST) if self.because else []}

    def in_words(self) -> str:
        """The same for a terminal."""
        number = self.published.slices if self.published else 0
        lines = [f"the warehouse is built whole from the lake: {number} slices"]
        if self.because:
            lines.append(f"the ledger is made anew from {self.files} files: {self.slices} slices ({self.because})")
            lines += [f"  not in the lake, so forgotten: {what}" for what in LOST]
        lines += [f"kept as {path}" for path in self.kept_as]
        lines += [f"SET ASIDE {one.path}: {one.why}; it lies in {self.aside_in} now" for one in self.aside]
        lines += [f"PARTIAL {name}: run `insights load`, it is due" for name in self.partial]
        lines += [f"no file of ours, left alone: {path}" for path in self.strangers]
        return "\n".join(lines)


def rebuild(
    places: Places, now: datetime, say: Say, publish: Callable[[Store], Published], *, asked: bool, rehearsal: bool
) -> Rebuilt:
    """Builds the warehouse whole; before that the ledger, where it cannot be used or where that is `asked`.

    The caller holds the lock.

    Raises:
        Refused: The lake or the warehouse is not ours, or newer; nothing was changed.
        Unpublished: The ledger is whole, the warehouse could not be written.
    """
    _look_first(places)
    unsound, stamp = Ledger.unsound(places.ledger), f"{now:%Y%m%dT%H%M%SZ}"
    found = Rebuilt()
    if unsound or asked:
        if not unsound:
            _finish(places, now, say, rehearsal=rehearsal)
        found = _new_ledger(places, unsound or "it was asked for", now, stamp, say, rehearsal=rehearsal)
    else:
        _refuse_misfit(places, rehearsal=rehearsal)
    kept = _free_warehouse(places, stamp)
    with held(places, now, say, rehearsal=rehearsal) as store:
        store.ledger.distrust_publication()
        return replace(found, published=publish(store), kept_as=(*found.kept_as, *kept))


def _look_first(places: Places) -> None:
    """Refuses a warehouse that is not ours or newer, before anything is changed; a file that cannot be read is no bar.

    Raises:
        Store: As said.
    """
    if not _is_damaged(places):
        refuse_foreign(places.warehouse)


def _free_warehouse(places: Places, stamp: str) -> tuple[str, ...]:
    """Moves a warehouse that cannot be read out of the way, with what lies beside it."""
    return _moved(Path(os.path.realpath(places.warehouse)), ("", *LOGS), stamp) if _is_damaged(places) else ()


def _is_damaged(places: Places) -> bool:
    return places.warehouse.is_file() and unreadable(places.warehouse)


def _finish(places: Places, now: datetime, say: Say, *, rehearsal: bool) -> None:
    """Lets a sound ledger finish what a killed process began, before it is given up; one of another lake does not.

    What it had dropped would otherwise come back from the files that it had not yet deleted.
    """
    lake = Lake(places.lake)
    with contextlib.suppress(StoreRefused), Ledger.open(places.ledger, born=now) as ledger:
        refuse_rehearsal(places, ledger.rehearsal, rehearsal=rehearsal)
        lake.open(ledger.id, rehearsal=ledger.rehearsal)
        roll_forward(ledger, lake, say)


def _refuse_misfit(places: Places, *, rehearsal: bool) -> None:
    """Refuses a sound ledger whose lake is another one, or to which `--now` does not fit.

    Raises:
        Refused: As said.
    """
    ledger = Ledger.read(places.ledger)
    if ledger is not None:
        with ledger:
            refuse_rehearsal(places, ledger.rehearsal, rehearsal=rehearsal)
            Lake(places.lake).refuse_foreign(ledger.id)


def _new_ledger(places: Places, because: str, now: datetime, stamp: str, say: Say, *, rehearsal: bool) -> Rebuilt:
    """Makes a ledger with a new id from the lake alone; the old one is kept under another name.

    Raises:
        Refused: There is no lake of ours, or it is a newer program's, or `--now` does not fit it; nothing was changed.
    """
    lake = Lake(places.lake)
    _refuse_other_moment(places, lake, rehearsal=rehearsal)
    found = inventory(places.lake)
    _refuse_strange(places.lake, found)
    read = readings(found)
    say("rebuild.read", files=len(found.files), slices=len(read.slices), aside=len(read.aside))
    lake.put_in_place(read.forward)
    say("rebuild.put_forward", files=len(read.forward))
    ledger_id = _write(places, found, read, now, stamp, rehearsal=rehearsal)
    say("rebuild.written")
    kept = _moved(places.ledger, ("", "-wal", "-shm"), stamp)
    say("rebuild.moved_aside")
    lake.mark(ledger_id, rehearsal=rehearsal)
    say("rebuild.marked")
    (places.state / NEW).replace(places.ledger)
    sync_folder(places.state)
    say("rebuild.in_place")
    return Rebuilt(
        because=because,
        slices=len(read.slices),
        files=sum(len(ready.files) for ready in read.slices),
        partial=tuple(map(str, read.partial)),
        aside=read.aside,
        aside_in=str(lake.aside(stamp)) if read.aside else "",
        strangers=found.strangers,
        kept_as=kept,
    )


def _refuse_other_moment(places: Places, lake: Lake, *, rehearsal: bool) -> None:
    born_so = lake.rehearsal()
    if born_so is not None:
        refuse_rehearsal(places, born_so, rehearsal=rehearsal)


def _refuse_strange(root: Path, found: Inventory) -> None:
    """A folder is a lake if it is marked as one, or a file in it is one of ours.

    Raises:
        Refused: As said.
    """
    ours = (root / MARKER).exists() or any(one.footer is not None for one in found.files)
    if not ours and (found.files or found.strangers):
        raise StoreRefused(f"lake {root}: this folder holds something else; set [storage] lake to one of its own")
    if not ours:
        raise Usage(f"lake {root}: nothing was loaded yet, so there is nothing to rebuild; run `insights load` first")


def _moved(path: Path, suffixes: Sequence[str], stamp: str) -> tuple[str, ...]:
    """Moves a file and what lies beside it to names that nothing has yet; those that it has now."""
    target = path.with_name(f"{path.name}.before-{stamp}")
    number = 1
    while any(target.with_name(f"{target.name}{suffix}").exists() for suffix in suffixes):
        number += 1
        target = path.with_name(f"{path.name}.before-{stamp}-{number}")
    moved = []
    for suffix in suffixes:
        source = path.with_name(f"{path.name}{suffix}")
        if source.exists():
            moved.append(str(source.rename(target.with_name(f"{target.name}{suffix}"))))
    sync_folder(path.parent)
    return tuple(moved)


# ---- the new ledger ----


def _write(places: Places, found: Inventory, read: Readings, now: datetime, stamp: str, *, rehearsal: bool) -> str:
    """Writes the whole new ledger beside the old one; its id. What a killed rebuild left of its own is written over."""
    path = places.state / NEW
    make_folder(path.parent)
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
    footers = [one.footer for one in found.files if one.footer is not None]
    with Ledger.open(path, born=now, rehearsal=rehearsal) as ledger:
        for owner, tables in _tables(places.lake, footers).items():
            ledger.save_report(owner.report, owner.grain, owner.definition, tables)
        ledger.adopt(read.slices)
        ledger.remember_aside(stamp, [one.path for one in read.aside])
        return ledger.id


def _tables(lake: Path, footers: Sequence[Footer]) -> Mapping[Owner, list[Table]]:
    """Every table with its report, the facts first: as the lake declares it, else as the files themselves show it."""
    told = declarations(lake)
    by_table: dict[str, list[Footer]] = {}
    for footer in footers:
        by_table.setdefault(footer.file.table, []).append(footer)
    named = {name: owner.report for name, (_, owner) in told.items()}
    named |= {
        name: files[0].record.id.table for name, files in by_table.items() if files[0].file.path.startswith(f"{name}/")
    }
    owners: dict[str, Owner] = {owner.report: owner for _, owner in told.values()}
    found: dict[Owner, list[Table]] = {}
    for name in sorted(named, key=lambda name: (named[name], name != named[name], name)):
        owner = owners.get(named[name]) or Owner(named[name], "", by_table[name][-1].record.definition)
        table = told[name][0] if name in told else _as_found(lake, name, by_table[name])
        found.setdefault(owner, []).append(table)
    return found


def _as_found(lake: Path, name: str, footers: Sequence[Footer]) -> Table:
    """A table whose declaration is lost: every column that one of its files has, keyed by nothing that we know."""
    partition = tuple(owner for owner, _ in footers[0].place.folders)
    columns: tuple[Column, ...] = ()
    for footer in footers:
        try:
            columns = merged(columns, columns_of(pq.read_schema(lake / footer.file.path)))
        except (OSError, KeyError, ValueError, pa.ArrowException) as error:
            raise StoreRefused(f"lake {lake / footer.file.path}: its columns cannot be read ({error})") from error
    first = tuple(Column(owner, Kind.DAY if owner == "date" else Kind.TEXT, "Partition") for owner in partition)
    return Table(name, "", (*first, *columns), (), partition)
