"""Owns the last step of a load: every id in facts gets its row or its refusal, account by account."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pipeline import closure
from pipeline.account import Account
from pipeline.isolation import OwnFault, undone
from pipeline.objects_work import ObjectsWork
from pipeline.orders import Orders
from schemas.ad_objects import OBJECT_TABLES
from schemas.work import Failure


async def close_objects(work: ObjectsWork, orders: Orders, accounts: Iterable[Account], now: datetime) -> None:
    """Reads by id what facts name and no listing showed; an account that may not be read is left for the next load."""
    shop = work.shop
    for account in accounts if orders.objects else ():
        if shop.refusals.of(account.id) is not None:
            continue
        why = await undone(shop, _account(work, orders, account, now))
        if isinstance(why, OwnFault):
            shop.committer.totals.failures.append(Failure("ad_objects", account.id, "", str(why), "look"))


async def _account(work: ObjectsWork, orders: Orders, account: Account, now: datetime) -> None:
    """Remembers up to which landing nothing is left to be read by id."""
    ledger = work.shop.committer.store.ledger
    number = ledger.last_landing
    whole = await _close(work, orders, account, now)
    if whole and len(orders.objects) == len(orders.everything.objects):
        closure.looked(ledger, account.id, number)


async def _close(work: ObjectsWork, orders: Orders, account: Account, now: datetime) -> bool:
    """Whether everything that the account's facts name has its row or its refusal now."""
    ledger, lake = work.shop.committer.store.ledger, work.shop.committer.store.lake
    listed: Sequence[str] = [table.table.name for table in orders.objects]
    closure.forget_found(ledger, lake, account.id, listed)
    gaps = closure.gaps_in_facts(ledger, lake, account.id, orders.reports, listed, now)
    closed = [await work.close(gap, OBJECT_TABLES[gap.table], account.zone) for gap in gaps]
    if {"ads", "adcreatives"} <= set(listed):
        creatives = closure.gap_in_creatives(ledger, lake, account.id, now)
        if creatives is not None:
            await work.close(creatives, OBJECT_TABLES["adcreatives"], account.zone)
    return all(closed)
