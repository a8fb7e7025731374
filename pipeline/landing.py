"""Owns how a slice becomes part of the lake: the commit protocol, and nothing else.

Temporary files are safe on disk; the ledger says `landing`; they are renamed and their folders made safe; the ledger
says `landed`. A process killed anywhere leaves a slice as it was, or one that the next start rolls forward.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from pipeline.codec import record_data
from pipeline.lake import Lake, sync_folder
from pipeline.ledger import Ledger
from schemas.events import Say
from schemas.work import Ready


def land(ledger: Ledger, lake: Lake, slices: Sequence[Ready], say: Say) -> None:
    """Lands slices whose files are written, several in one commit."""
    if not slices:
        return
    say("landing.begun", slices=len(slices))
    numbers = ledger.begin_landing(slices)
    for ready in slices:
        _put_in_place(lake, ready, say)
    _sync_folders(lake, slices)
    say("landing.renamed", slices=len(slices))
    ledger.end_landing(zip(numbers, slices, strict=True))
    say("landing.landed", slices=len(slices))


def roll_forward(ledger: Ledger, lake: Lake, say: Say) -> None:
    """Finishes what a killed process had begun to land, then deletes what nothing waits for."""
    for number, ready in ledger.landings():
        if _is_complete(lake, ready):
            _put_in_place(lake, ready, say)
            _sync_folders(lake, [ready])
            ledger.end_landing([(number, ready)])
            say("landing.rolled_forward", slice=str(ready.record.id))
        else:
            ledger.lose_landing(number, ready)
            say("landing.lost", slice=str(ready.record.id))
    lake.sweep()


def _is_complete(lake: Lake, ready: Ready) -> bool:
    """Whether each file is still temporary, or already in place under the very reading it belongs to."""
    return all(
        (lake.root / written.temporary).exists() or _is_in_place(lake, written.file.path, ready)
        for written in ready.files
    )


def _is_in_place(lake: Lake, path: str, ready: Ready) -> bool:
    if not (lake.root / path).exists():
        return False
    return bool(lake.footer(path)["slice"] == record_data(ready.record))


def _put_in_place(lake: Lake, ready: Ready, say: Say) -> None:
    for written in ready.files:
        source, target = lake.root / written.temporary, lake.root / written.file.path
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
            say("landing.file_renamed", path=written.file.path)
    for path in ready.removed:
        (lake.root / path).unlink(missing_ok=True)


def _sync_folders(lake: Lake, slices: Iterable[Ready]) -> None:
    """Makes the new names safe: each file's folder, and every folder above it that may be new."""
    for folder in sorted({f for ready in slices for path in _paths(ready) for f in _folders_of(Path(path))}):
        if (lake.root / folder).exists():
            sync_folder(lake.root / folder)


def _paths(ready: Ready) -> Iterable[str]:
    yield from (written.file.path for written in ready.files)
    yield from ready.removed


def _folders_of(path: Path) -> Iterable[Path]:
    return path.parents
