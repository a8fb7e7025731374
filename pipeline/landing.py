"""Owns how a slice becomes part of the lake: the commit protocol, and nothing else.

Temporary files are safe on disk; the ledger says `landing`; they are renamed and their folders made safe; the ledger
says `landed`. A process killed anywhere leaves a slice as it was, or one that the next start rolls forward.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from pipeline.disk import make_folder, sync_folder
from pipeline.lake import TEMPORARY, Lake
from pipeline.ledger import Ledger
from schemas.events import Say
from schemas.work import Ready


def land(ledger: Ledger, lake: Lake, slices: Sequence[Ready], say: Say) -> None:
    """Lands slices whose files are written, several in one commit.

    Raises:
        OSError: A file could not be put in its place; `finish` tries again.
    """
    if not slices:
        return
    say("landing.begun", slices=len(slices))
    sync_folder(lake.root / TEMPORARY)
    numbers = ledger.begin_landing(slices)
    say("landing.recorded", slices=len(slices))
    for ready in slices:
        _put_in_place(lake, ready, say)
    _sync_folders(lake, slices)
    say("landing.renamed", slices=len(slices))
    ledger.end_landing(zip(numbers, slices, strict=True))
    say("landing.landed", slices=len(slices))


def roll_forward(ledger: Ledger, lake: Lake, say: Say) -> None:
    """Finishes what a killed process had begun to land, then deletes what nothing waits for."""
    finish(ledger, lake, say)
    lose_dropped(ledger, lake)
    set_aside(ledger, lake)
    lake.sweep()


def lose_dropped(ledger: Ledger, lake: Lake) -> None:
    """Takes out of the lake what the ledger has dropped; a process killed before this leaves it to the next start."""
    paths = ledger.to_lose()
    if paths:
        lake.lose(paths)
        ledger.lost()


def set_aside(ledger: Ledger, lake: Lake) -> None:
    """Moves out of the way what a rebuild found to belong to no slice; a process killed in it leaves it to the next."""
    folder, paths = ledger.to_set_aside()
    if paths:
        lake.set_aside(folder, paths)
        ledger.remember_aside("", [])


def finish(ledger: Ledger, lake: Lake, say: Say) -> None:
    """Finishes every landing that was begun: by a killed process, or by this one before an error of the disk.

    Where a file is lost the slice is due again. If nothing of the new reading is in place, the files of the older one
    are whole and stay; otherwise two readings are mixed and the slice is forgotten. Of a part that joins a slice, what
    is in place is taken away: the slice's other parts are whole.
    """
    for number, ready in ledger.landings():
        if _is_complete(lake, ready):
            _put_in_place(lake, ready, say)
            _sync_folders(lake, [ready])
            ledger.end_landing([(number, ready)])
            say("landing.rolled_forward", slice=str(ready.record.id))
            continue
        placed = [written.file.path for written in ready.files if lake.holds(written.file, ready.record)]
        if ready.joins:
            lake.lose(placed)
        mixed = bool(placed) and not ready.joins
        ledger.lose_landing(number, ready, forget=mixed)
        say("landing.lost", slice=str(ready.record.id), mixed=mixed)


def _is_complete(lake: Lake, ready: Ready) -> bool:
    """Whether each file is still temporary, or already in place under the very reading it belongs to."""
    return all(
        (lake.root / written.temporary).exists() or lake.holds(written.file, ready.record) for written in ready.files
    )


def _put_in_place(lake: Lake, ready: Ready, say: Say) -> None:
    for written in ready.files:
        source, target = lake.root / written.temporary, lake.root / written.file.path
        if not source.exists() and lake.holds(written.file, ready.record):
            continue
        make_folder(target.parent)
        source.replace(target)
        say("landing.file_renamed", path=written.file.path)
    for path in ready.removed:
        (lake.root / path).unlink(missing_ok=True)
        say("landing.file_removed", path=path)


def _sync_folders(lake: Lake, slices: Iterable[Ready]) -> None:
    """Makes the new names safe: each file's folder, and every folder above it that may be new."""
    for folder in sorted({f for ready in slices for path in _paths(ready) for f in Path(path).parents}):
        if (lake.root / folder).exists():
            sync_folder(lake.root / folder)


def _paths(ready: Ready) -> Iterable[str]:
    yield from (written.file.path for written in ready.files)
    yield from ready.removed
