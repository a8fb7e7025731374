"""Owns the comparison of a whole store with itself: lake, ledger and warehouse. Reads only, and needs no lock.

It may be typed while a load goes on: what a writer has under way is not judged. What only a quiet store can answer for
(that everything is published) is judged again if the store moved meanwhile.
"""

from pipeline.errors import Store as StoreRefused
from pipeline.findings import Findings, Wrong
from pipeline.lake import Lake
from pipeline.ledger import Ledger
from pipeline.lock import holder
from pipeline.snapshot import Snapshot, taken
from pipeline.store import Places
from pipeline.verify_lake import verify_lake
from pipeline.verify_warehouse import REBUILD, verify_warehouse

TRIES = 3


def verify(places: Places) -> Findings:
    """What is wrong with a store, and what to do next.

    Raises:
        Newer: A newer program wrote it.
    """
    found = Findings(writing=holder(places.state))
    problem = Ledger.unsound(places.ledger)
    if problem and not places.ledger.exists() and not places.lake.exists():
        found.notes.append(f"store {places.state}: nothing was loaded yet; run `insights load`")
        return found
    if problem:
        found.wrong.append(Wrong("ledger", str(places.ledger), problem, REBUILD))
        return found
    ledger = Ledger.read(places.ledger)
    if ledger is None:
        raise AssertionError("a sound ledger is there")
    with ledger:
        try:
            Lake(places.lake).refuse_foreign(ledger.id)
        except StoreRefused as refused:
            found.wrong.append(Wrong("lake", str(places.lake), str(refused), "see there"))
            return found
        verify_lake(ledger, places.lake, found)
        _verify_published(ledger, places, found)
    return found


def _verify_published(ledger: Ledger, places: Places, found: Findings, tries: int = TRIES) -> None:
    """The warehouse, again where a writer came, went or dropped something meanwhile; in the end beside the writer."""
    before, seen = taken(ledger), Findings()
    quiet = tries > 1 and holder(places.state) is None
    verify_warehouse(ledger, places.lake, places.warehouse, seen, quiet=quiet)
    now, still = taken(ledger), holder(places.state)
    if seen.wrong and (now != before if quiet else _has_dropped(before, now)):
        if tries > 1:
            _verify_published(ledger, places, found, tries - 1)
            return
        seen.notes += [f"{one.place}: {one.problem}; the store moved, so it is not judged" for one in seen.wrong]
        seen.wrong = []
    found.writing = found.writing or still
    found.wrong += seen.wrong
    found.notes += seen.notes
    found.compared = seen.compared
    if now.landing and still is None:
        left = len(now.landing)
        found.notes.append(f"{left} slices are half landed by a killed process; the next `insights load` finishes them")


def _has_dropped(before: Snapshot, now: Snapshot) -> bool:
    """Whether slices were forgotten meanwhile: their rows stay in the warehouse until the next publication."""
    return bool(before.records.keys() - now.records.keys()) or not now.publications
