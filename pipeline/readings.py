"""Owns what the files of a lake add up to: which slices there are, and which files belong to none. Pure.

The rules; a file is judged by the first that fits it:

1. A file whose footer cannot be read, or whose rows do not add up to what it says, belongs to no slice.
2. A file that does not lie where its footer says, a copy or a moved one, belongs to none.
3. The files of one place are one reading. Where two meet, the newest of which a file is in place counts, older files
   belong to none. Its files that are still temporary are put in place: the first is put there only after all are
   written and their landing is recorded. If a file is lacking that its footers name, what there is of it is kept, and
   the slice is partial and asked again.
4. A slice may have several places, one for each of its parts. Its record is that of its latest reading, its rows are
   those of all of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pipeline import codec
from pipeline.inventory import Footer, Found, Inventory
from schemas.periods import State
from schemas.work import Ready, SliceId, SliceRecord, Written

LACKING = "a file of this slice is lost or could not be read; what is left of it is kept"

Spot = tuple[SliceId, str]
"""A slice and one of its places."""


@dataclass(frozen=True, slots=True)
class Aside:
    """A file that belongs to no slice, and why; `harm` where data is missing because of it."""

    path: str
    why: str
    harm: bool = False


@dataclass(frozen=True, slots=True)
class Readings:
    """What a lake holds. `forward`: files to be put in place, as the landing that wrote them would have done."""

    slices: tuple[Ready, ...]
    aside: tuple[Aside, ...]
    partial: tuple[SliceId, ...]
    forward: tuple[Written, ...]


@dataclass(frozen=True, slots=True)
class _Reading:
    """The newest reading of one place; `stale`: files of older ones; `lacking`: a file that it had is not there."""

    record: SliceRecord
    footers: tuple[Footer, ...]
    forward: tuple[Written, ...]
    stale: tuple[Footer, ...]
    lacking: bool


def readings(found: Inventory) -> Readings:
    """Applies the rules to everything that lies in a lake."""
    sound = [one.footer for one in found.files if one.footer is not None and one.footer.file.path == one.path]
    waiting = _by_spot((one.footer, one.path) for one in found.temporary if one.footer is not None)
    slices: dict[SliceId, list[_Reading]] = defaultdict(list)
    for spot, there in _by_spot((footer, "") for footer in sound).items():
        slices[spot[0]].append(_newest([footer for footer, _ in there], waiting.get(spot, ())))
    stale = [footer for parts in slices.values() for part in parts for footer in part.stale]
    aside = [Aside(footer.file.path, "it is of an older reading of its slice") for footer in stale]
    return Readings(
        tuple(sorted(map(_slice, slices.values()), key=lambda ready: _age(ready.record))),
        (*_out_of_place(found.files), *aside),
        tuple(sorted((name for name, parts in slices.items() if any(p.lacking for p in parts)), key=str)),
        tuple(written for parts in slices.values() for part in parts for written in part.forward),
    )


def _out_of_place(files: Iterable[Found]) -> Iterable[Aside]:
    for one in files:
        if one.footer is None:
            yield Aside(one.path, one.problem, harm=True)
        elif one.footer.file.path != one.path:
            yield Aside(one.path, f"its footer says that it belongs at {one.footer.file.path}")


def _by_spot(found: Iterable[tuple[Footer, str]]) -> dict[Spot, list[tuple[Footer, str]]]:
    spots: dict[Spot, list[tuple[Footer, str]]] = defaultdict(list)
    for footer, path in found:
        spots[footer.record.id, f"{footer.place.folder}/{footer.place.stem}"].append((footer, path))
    return dict(spots)


def _newest(there: Sequence[Footer], waiting: Sequence[tuple[Footer, str]]) -> _Reading:
    record = max((footer.record for footer in there), key=_age)
    own = {footer.file.path: footer for footer in there if footer.record == record}
    late = {f.file.path: (f, path) for f, path in waiting if f.record == record and f.file.path not in own}
    kept = own | {path: footer for path, (footer, _) in late.items()}
    stale = tuple(footer for footer in there if footer.file.path not in kept)
    lacking = frozenset().union(*(f.tables for f in kept.values())) - {f.file.table for f in kept.values()}
    forward = tuple(Written(footer.file, path) for footer, path in late.values())
    return _Reading(record, tuple(kept.values()), forward, stale, bool(lacking))


def _slice(parts: Sequence[_Reading]) -> Ready:
    latest = max(parts, key=lambda part: _age(part.record))
    footers = [footer for part in parts for footer in part.footers]
    rows = sum(footer.file.rows for footer in footers if footer.file.table == latest.record.id.table)
    record = replace(latest.record, rows=rows)
    if any(part.lacking for part in parts):
        record = replace(record, state=State.PARTIAL, as_of=None, reason=LACKING)
    place = latest.footers[0].place
    return Ready(record, place, tuple(Written(f.file, "") for f in sorted(footers, key=lambda f: f.file.path)))


def _age(record: SliceRecord) -> tuple[str, str]:
    return codec.instant(record.as_of) or "", codec.instant(record.fetched_at) or ""
