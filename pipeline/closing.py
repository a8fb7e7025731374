"""Owns the last step of a load: every id in facts gets its row or its refusal, account by account."""

from collections.abc import Sequence
from datetime import datetime

from pipeline import closure
from pipeline.objects_work import ObjectsWork
from pipeline.orders import Orders
from schemas.ad_objects import OBJECT_TABLES


async def close_objects(work: ObjectsWork, orders: Orders, now: datetime) -> None:
    """Reads by id what facts name and no listing showed; an account that may not be read is left for the next load."""
    ledger = work.shop.committer.store.ledger
    listed = [table.table.name for table in orders.objects]
    for account in ledger.accounts().values() if listed else ():
        number = ledger.last_landing
        if work.shop.refusals.of(account["account_id"]) is not None:
            continue
        whole = await _close(work, orders, account["account_id"], account["time_zone"], now)
        if whole and len(listed) == len(orders.everything.objects):
            closure.looked(ledger, account["account_id"], number)


async def _close(work: ObjectsWork, orders: Orders, account: str, zone: str, now: datetime) -> bool:
    """Whether everything that the account's facts name has its row or its refusal now."""
    ledger, lake = work.shop.committer.store.ledger, work.shop.committer.store.lake
    listed: Sequence[str] = [table.table.name for table in orders.objects]
    gaps = closure.gaps_in_facts(ledger, lake, account, orders.reports, listed, now)
    closed = [await work.close(gap, OBJECT_TABLES[gap.table], zone) for gap in gaps]
    if {"ads", "adcreatives"} <= set(listed):
        creatives = closure.gap_in_creatives(ledger, lake, account, now)
        if creatives is not None:
            await work.close(creatives, OBJECT_TABLES["adcreatives"], zone)
    return all(closed)
