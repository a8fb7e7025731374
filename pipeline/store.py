"""Owns how a store is opened: for writing with its lock, its ledger and its lake made sound, or for reading."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.errors import Usage
from pipeline.lake import Lake
from pipeline.landing import roll_forward
from pipeline.ledger import Ledger
from pipeline.lock import writing
from pipeline.warehouse import Warehouse
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
        Refused: The store is foreign, unreadable, newer, busy, or `--now` does not fit it.
    """
    refuse_rehearsal(places, rehearsal=rehearsal)
    with (
        writing(places.state, command, now, wait=wait),
        Ledger.open(places.ledger, born=now, rehearsal=rehearsal) as ledger,
    ):
        lake = Lake(places.lake)
        lake.open(ledger.id)
        warehouse = Warehouse(places.warehouse, lake, ledger, say)
        warehouse.refuse_foreign()
        roll_forward(ledger, lake, say)
        yield Store(places, ledger, lake, warehouse)


def refuse_rehearsal(places: Places, *, rehearsal: bool) -> None:
    """A store that was born without `--now` takes none, so that a rehearsal never spoils real data; and the reverse.

    Raises:
        Usage: As said.
    """
    ledger = Ledger.read(places.ledger)
    if ledger is None:
        return
    with ledger:
        if ledger.rehearsal and not rehearsal:
            raise Usage(
                f"store {places.state}: it was born under --now; name the moment with --now, or use another one"
            )
        if rehearsal and not ledger.rehearsal:
            raise Usage(f"store {places.state}: it holds real data; commands that write take no --now here")
