"""A slice that cannot land leaves nothing: a key twice, a disk that is full."""

import random
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest

from pipeline import catalogue
from pipeline.errors import Inconsistent
from pipeline.store import Places, Store
from tests.integration.landing import world
from tests.integration.landing.stage import assert_holds, listing, open_store, publish, read, record, written
from tests.integration.landing.world import Part, Rows

PART = Part("shop", "111", date(2026, 11, 1))
GRAIN = {"date_start": PART.day, "date_stop": PART.day, "version": 0}


def rows(*ads: str, note: str = "") -> Rows:
    facts = [{**GRAIN, "ad_id": ad, "note": note} for ad in ads]
    actions = [{**GRAIN, "ad_id": ad, "action_type": "like"} for ad in ads]
    return {"shop": facts, "shop_actions": actions, "shop_results": [], "quarantine": []}


def settled(store: Store) -> None:
    catalogue.settle(world.OWNED, store.ledger, store.lake)
    read(store, PART, rows("1"), record(PART, 0))
    publish(store)


def test_a_key_given_twice_lands_nothing(where: Places) -> None:
    """The message names table, slice and key; what was already written is gone, the older reading untouched."""
    with open_store(where) as store:
        settled(store)
        before = listing(where.lake)
        asked = record(PART, 1)
        writer = written(store, PART, rows("1", "2", "3", "4", "3"), asked)
        assert list((where.lake / ".tmp").iterdir())
        with pytest.raises(Inconsistent) as refused:
            writer.close(store.ledger, asked, final=False)
        assert listing(where.lake) == before
        publish(store)
    key = "{'ad_id': '3', 'date_start': datetime.date(2026, 11, 1), 'date_stop': datetime.date(2026, 11, 1)}"
    assert str(refused.value) == f"shop shop 111 2026-11-01: the answer holds one key twice: {key}"
    assert_holds(where, {PART: rows("1")})


@contextmanager
def full_disk(longest: int) -> Iterator[None]:
    """No file of this process grows beyond a size: a write past it fails, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (longest, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def write_or_discard(store: Store, large: Rows) -> None:
    """As a connector and the committer do it: what was begun is discarded on any error."""
    asked = record(PART, 1)
    writer = written(store, PART, {}, asked)
    try:
        for name in ("shop", "shop_actions"):
            writer.write(name, world.arrow(world.table_of(name), large[name], world.BORN, "x"))
        writer.close(store.ledger, asked, final=False)
    except OSError:
        writer.discard()
        raise


@pytest.mark.parametrize("longest", [0, 2_000, 100_000])
def test_a_full_disk_lands_nothing(longest: int, where: Places) -> None:
    """Whether it is full at the first byte or in the middle: an OSError, no temporary file, the older reading stays."""
    large = rows(*(str(i) for i in range(200)), note="")
    for number, row in enumerate(large["shop"]):
        row["note"] = random.Random(number).randbytes(2_000).hex()
    with open_store(where) as store:
        settled(store)
        before = listing(where.lake)
        with pytest.raises(OSError, match="File too large"), full_disk(longest):
            write_or_discard(store, large)
        assert listing(where.lake) == before
        publish(store)
        assert_holds(where, {PART: rows("1")})
        read(store, PART, large, record(PART, 2))
        publish(store)
    assert_holds(where, {PART: large})
