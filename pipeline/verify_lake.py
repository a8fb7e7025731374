"""Owns the comparison of lake and ledger: each file is there, is the one that the ledger means, and adds up.

A writer may be at work. A file is judged only if the ledger said the same of its slice before and after it was read:
whoever replaces a file tells the ledger first that the slice is landing, and gives it another number at the end.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pipeline.findings import Findings, Wrong
from pipeline.inventory import SUFFIX, can_be_summed, footer_of, in_place, spoilt
from pipeline.ledger import Ledger
from pipeline.snapshot import Snapshot, taken
from schemas.work import SliceFile, SliceId

LOOKS = 5
"""How often a file is looked at whose slice lands again and again meanwhile."""
LOAD = "run `insights rebuild --ledger`, which marks the slice as due, then `insights load`"
STRANGE = "run `insights rebuild --ledger`, which takes it up or moves it aside"


def verify_lake(ledger: Ledger, lake: Path, found: Findings) -> None:
    """Every file that the ledger names, and every file that it does not."""
    lying = [path for path in in_place(lake) if path.endswith(SUFFIX)]
    then = taken(ledger)
    suspects = dict(_judged(lake, then.files.items(), then, found))
    for _ in range(LOOKS):
        now = taken(ledger)
        left = {}
        for path, problem in suspects.items():
            slice_id, file = then.files[path]
            if now.is_settled(slice_id, then) and now.files.get(path) == (slice_id, file):
                found.wrong.append(Wrong("lake", path, problem, LOAD))
            elif path in now.files:
                left[path] = now.files[path]
        suspects, then = dict(_judged(lake, left.items(), now, found)), now
        if not suspects:
            break
    found.notes += [f"{path} was being replaced whenever it was read, and is not judged" for path in suspects]
    _strangers(ledger, lake, [path for path in lying if not then.expects(path)], found)


def _judged(
    lake: Path, files: Iterable[tuple[str, tuple[SliceId, SliceFile]]], then: Snapshot, found: Findings
) -> Iterator[tuple[str, str]]:
    """The files in which something is wrong, and what."""
    old = 0
    for path, (slice_id, file) in files:
        if slice_id in then.landing:
            continue
        problem, summed = _problem(lake / path, file, slice_id)
        old += not summed
        if problem:
            yield path, problem
        else:
            found.files += 1
            found.rows += file.rows
    if old:
        found.notes.append(
            f"{old} files were written with another version of DuckDB: their rows were counted, not added up"
        )


def _problem(path: Path, file: SliceFile, slice_id: SliceId) -> tuple[str, bool]:
    """What is wrong with a file, empty if nothing; and whether its rows could be added up."""
    try:
        told = footer_of(path)
        if told.file != file or told.record.id != slice_id:
            return "its footer is of another reading than the ledger's", True
        return spoilt(path, file), can_be_summed(file)
    except ValueError as error:
        return (str(error) if path.exists() else "it is not there"), True


def _strangers(ledger: Ledger, lake: Path, paths: Iterable[str], found: Findings) -> None:
    """Files that no slice had when they were listed; what has landed or gone since is none."""
    now: Callable[[str], bool] = taken(ledger).expects
    for path in paths:
        if (lake / path).exists() and not now(path):
            found.wrong.append(Wrong("lake", path, "no slice of the ledger has this file", STRANGE))
