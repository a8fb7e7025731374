"""Owns how a report, a table or an account is forgotten in ledger and lake; the next publication does the rest."""

from pipeline.errors import Usage
from pipeline.lake import QUARANTINE
from pipeline.landing import lose_dropped
from pipeline.store import Store


def forget_table(store: Store, table: str) -> None:
    """Forgets a table of objects, or a report with all its tables.

    Raises:
        Usage: The store knows none of this name.
    """
    known = store.ledger.tables()
    owned = {report: [t.name for owner, t in known if owner == report] for report in store.ledger.reports()}
    if table not in owned:
        raise Usage(f"--table {table}: the store knows no such table; there are {', '.join(sorted(owned)) or 'none'}")
    store.ledger.drop_report(table, [path for name in owned[table] for path in (name, f"{QUARANTINE}/{name}")])
    lose_dropped(store.ledger, store.lake)


def forget_account(store: Store, account: str) -> None:
    """Forgets an account, as digits, everywhere.

    Raises:
        Usage: The store knows no such account.
    """
    files = [file for slice_id, file in store.ledger.files() if slice_id.scope.split("/")[0] == account]
    if not files and account not in store.ledger.accounts():
        raise Usage(f"--account {account}: the store knows no such account")
    store.ledger.drop_account(account, [file.path for file in files])
    lose_dropped(store.ledger, store.lake)
