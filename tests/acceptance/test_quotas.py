"""A blocked quota is a deadline: kept across restarts, nothing is sent on it before, everything else goes on."""

import sqlite3
from datetime import datetime, timedelta

from tests.acceptance.conftest import NOW, Sandbox, Shop

BLOCKED = {"match": {"op": "submit", "account": "111"}, "do": {"fault": "80000"}}
ACCOUNTS = ("111", "222")
INSIGHTS = ("submit", "sync", "poll", "page")
TOLERANCE = timedelta(seconds=60)
"""The sandbox's clock is read against the product's through one call: a real half second of its way is no more."""


def asked(sandbox: Sandbox, account: str, *kinds: str) -> list[datetime]:
    """When an account was asked, in the sandbox's time."""
    calls = [call for call in sandbox.calls() if call["account"] == account and call["op"] in kinds]
    return sorted(datetime.fromisoformat(call["at"]) for call in calls)


def deadline_of(shop: Shop, quota: str) -> datetime:
    """Until when the ledger says that a quota is closed, in the product's time."""
    with sqlite3.connect(shop.folder / "data" / "state" / "ledger.sqlite") as ledger:
        [(until,)] = ledger.execute("SELECT until FROM deadlines WHERE quota = ?", [quota]).fetchall()
    return datetime.fromisoformat(until)


def test_a_blocked_account_waits_and_the_others_go_on(shop: Shop, sandbox: Sandbox) -> None:
    """Account 111 is refused once: it is silent for five minutes at least, while 222 is loaded whole."""
    shop.configure(accounts=ACCOUNTS, objects="")
    sandbox.script(BLOCKED)
    ended = shop.load()
    assert (ended.code, ended.json["throttled_responses"]) == (0, 1)
    refused, *later = asked(sandbox, "111", *INSIGHTS)
    assert timedelta(minutes=5) <= min(later) - refused
    assert max(asked(sandbox, "222", *INSIGHTS)) < min(later)


def test_a_deadline_outlives_the_process(shop: Shop, sandbox: Sandbox) -> None:
    """Killed in the middle of a block and started again, nothing is sent on the account's insights before its end."""
    shop.configure(accounts=("111",), objects='[ad_objects]\ntables = ["ad_accounts"]')
    sandbox.script(BLOCKED)
    assert shop.dying_load("quota.blocked", 1, "--table", "ads_insights") == -9
    until = deadline_of(shop, "111/insights")
    sandbox.forget_calls()
    ended = shop.load(now=NOW + timedelta(minutes=1))
    assert (ended.code, ended.json["throttled_responses"]) == (0, 0)
    [(listed,)] = shop.ask("SELECT as_of FROM meta.slices WHERE table_name = 'ad_accounts'")
    ahead = min(asked(sandbox, "111", "object")) - listed
    assert until - TOLERANCE <= min(asked(sandbox, "111", *INSIGHTS)) - ahead
