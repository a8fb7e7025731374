"""Owns how a store is opened: for writing with its lock, its ledger and its lake made sound, or for reading."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.errors import Store as StoreRefused
from pipeline.errors import Usage
from pipeline.lake import Lake
from pipeline.landing import roll_forward
from pipeline.ledger import Ledger
from pipeline.lock import writing
from pipeline.warehouse import Warehouse, refuse_foreign
from schemas.events import Say

LEDGER = "ledger.sqlite"


@dataclass(frozen=True, slots=True)
class Places:
    """Where a store lies."""

    lake: Path
    warehouse: Path
    state: Path

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.state / LEDGER


@dataclass(frozen=True, slots=True)
class Store:
    """An open store: its memory, its files, its published warehouse."""

    places: Places
    ledger: Ledger
    lake: Lake
    warehouse: Warehouse


@contextmanager
def opened(
    places: Places, command: str, now: datetime, say: Say, *, rehearsal: bool, wait: bool = False
) -> Iterator[Store]:
    """Opens a store for writing; what a killed process left half landed is finished first.

    Raises:
        Refused: The store is foreign, unreadable, newer, busy, or `--now` does not fit it; nothing was changed.
    """
    _look_first(places)
    with writing(places.state, command, now, wait=wait), held(places, now, say, rehearsal=rehearsal) as store:
        yield store


@contextmanager
def held(places: Places, now: datetime, say: Say, *, rehearsal: bool) -> Iterator[Store]:
    """As `opened`, by one who holds the lock already."""
    with Ledger.open(places.ledger, born=now, rehearsal=rehearsal) as ledger:
        refuse_rehearsal(places, ledger.rehearsal, rehearsal=rehearsal)
        yield Store(places, ledger, *_made_sound(places, ledger, say))


def _look_first(places: Places) -> None:
    """Before a ledger is born, everything is looked at: afterwards there would be a lock and a ledger to take back."""
    if not Ledger.is_there(places.ledger):
        Lake(places.lake).refuse_foreign(None)
        refuse_foreign(places.warehouse)


def _made_sound(places: Places, ledger: Ledger, say: Say) -> tuple[Lake, Warehouse]:
    lake = Lake(places.lake)
    warehouse = Warehouse(places.warehouse, lake, ledger, say)
    lake.refuse_foreign(ledger.id)
    warehouse.refuse_foreign()
    try:
        lake.open(ledger.id, rehearsal=ledger.rehearsal)
        roll_forward(ledger, lake, say)
    except OSError as error:
        raise StoreRefused(f"lake {places.lake}: cannot be written: {error}; mend the cause and try again") from error
    return lake, warehouse


def refuse_rehearsal(places: Places, born_so: bool, *, rehearsal: bool) -> None:  # noqa: FBT001 - what is asked about
    """A store that was born without `--now` takes none, so that a rehearsal never spoils real data; and the reverse.

    Raises:
        Usage: As said.
    """
    if born_so and not rehearsal:
        raise Usage(f"store {places.state}: it was born under --now; name the moment with --now, or use another one")
    if rehearsal and not born_so:
        raise Usage(f"store {places.state}: it holds real data; commands that write take no --now here")
