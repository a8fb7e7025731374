"""Owns what is worth telling people, and when it has been told: troubles from the ledger's memory. Pure.

A trouble is told once, again after a day if it is still there, and once more when it is gone. `body` is the document
that the webhook is sent:

    {"version": 1, "store": "data/state", "at": "2026-11-26T04:00:00+00:00",
     "text": "what follows, in words, for chats that show this key",
     "troubles": [{"kind": "failed", "table": "ads_insights", "scope": "111",
                   "message": "3 slices failed since 2026-11-20: ...", "remedy": "..."}],
     "over": [... the same, of troubles that were told before and are gone ...]}

`kind` is `failed`, `late`, `quota`, `token`, `warehouse` or `run`; `table` and `scope` are "" where they say nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Self

from pipeline.ledger import Ledger
from pipeline.ledger_file import Row

AGAIN = timedelta(days=1)
KINDS = ("failed", "late", "quota", "token", "warehouse", "run")


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that somebody should know; the same as long as kind, table and scope are the same."""

    kind: str
    table: str
    scope: str
    message: str
    remedy: str

    @property
    def key(self) -> str:
        """What makes it the same trouble as before."""
        return f"{self.kind} {self.table} {self.scope}"

    @property
    def in_words(self) -> str:
        """One line."""
        return f"{' '.join(filter(None, (self.kind.upper(), self.table, self.scope)))}: {self.message}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class Promise:
    """What counts as trouble (`[alerts]`). `tables` are those that the configuration asks for.

    `daily` are those of them that every one of `accounts`, which are loaded, has a new answer for each day: ads
    insights and ad objects. Others are late only where `of_table` promises something, since they may have nothing new.
    """

    tables: frozenset[str]
    daily: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    hours: float = 36.0
    of_table: Mapping[str, float] = field(default_factory=dict)
    quota_closed: timedelta = timedelta(minutes=30)
    token_expires: date | None = None
    token_warning: timedelta = timedelta(days=14)

    def covers(self, table: str, scope: str) -> bool:
        """Whether a table is asked for, and the account is loaded."""
        return table in self.tables and (table not in self.daily or scope in self.accounts)


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger tells: rows of `states`, `failures` and `last_runs`, quotas' deadlines, the last publication."""

    born_at: datetime
    states: Sequence[Row] = ()
    failures: Sequence[Row] = ()
    last_runs: Mapping[str, Row] = field(default_factory=dict)
    deadlines: Sequence[tuple[str, datetime]] = ()
    unpublished: str = ""

    @classmethod
    def of(cls, ledger: Ledger, unpublished: str) -> Self:
        """As the ledger knows it now."""
        return cls(
            ledger.born_at, ledger.states(), ledger.failures(), ledger.last_runs(), ledger.deadlines(), unpublished
        )


def troubles(known: Known, promise: Promise, now: datetime) -> list[Trouble]:
    """Everything that is wrong now; nothing of tables that are no longer loaded."""
    return [
        *_failed(known, promise),
        *_late(known, promise, now),
        *_quotas(known, promise, now),
        *_token(known, promise, now),
        *_runs(known),
    ]


def _failed(known: Known, promise: Promise) -> Iterable[Trouble]:
    for row in known.failures:
        if promise.covers(row["table_name"], row["scope"]):
            since = f" from {row['first'][:10]}" if row["first"] else ""
            message = f"{row['slices']} slices failed{since}: {row['reason']}"
            remedy = "the next load asks again; once the cause is mended, run `insights load --failed`"
            yield Trouble("failed", row["table_name"], row["scope"], message, remedy)


def _late(known: Known, promise: Promise, now: datetime) -> Iterable[Trouble]:
    newest = {(table, account): "" for table in promise.daily for account in promise.accounts}
    for row in known.states:
        key = (row["table_name"], row["scope"])
        if promise.covers(*key) and (key in newest or key[0] in promise.of_table):
            newest[key] = max(newest.get(key, ""), row["as_of"] or "")
    for (table, scope), as_of in sorted(newest.items()):
        hours = promise.of_table.get(table, promise.hours)
        since = datetime.fromisoformat(as_of) if as_of else known.born_at
        if now - since > timedelta(hours=hours):
            told = f"the newest answer is of {since:%Y-%m-%d %H:%M} UTC" if as_of else "it was never loaded"
            message = f"{told}, promised are {hours:g} hours"
            yield Trouble("late", table, scope, message, "look at `insights status`, and whether `schedule` runs")


def _quotas(known: Known, promise: Promise, now: datetime) -> Iterable[Trouble]:
    for quota, until in known.deadlines:
        if until - now > promise.quota_closed:
            message = f"quota {quota} is closed until {until:%Y-%m-%d %H:%M} UTC"
            yield Trouble(
                "quota", "", quota, message, "nothing is sent on it before; ask for less, or for a higher tier"
            )


def _token(known: Known, promise: Promise, now: datetime) -> Iterable[Trouble]:
    if any(row["outcome"] == "token refused" for row in known.last_runs.values()):
        message = "Meta refused the token, or a permission that a whole family depends on"
        yield Trouble("token", "", "", message, "make a new access token and put it where the configuration names it")
    elif promise.token_expires is not None and promise.token_expires - now.date() <= promise.token_warning:
        message = f"the access token's last day is {promise.token_expires}"
        yield Trouble("token", "", "", message, "make a new one in time, and set [alerts] token_expires anew")


def _runs(known: Known) -> Iterable[Trouble]:
    for command, row in known.last_runs.items():
        if row["outcome"] == "failed":
            message = f"the run of {row['started_at'][:16]} UTC broke: {row['reason']}"
            yield Trouble("run", "", command, message, "mend the cause; it is tried again by itself")
    if known.unpublished:
        yield Trouble("warehouse", "", "", known.unpublished, "the slices are landed and shown by the next publication")


# ---- what has been told ----


@dataclass(frozen=True, slots=True)
class News:
    """What is to be told now, and what will have been told after that: troubles by key, with when (ISO text)."""

    troubles: tuple[Trouble, ...]
    over: tuple[Trouble, ...]
    told: Mapping[str, Mapping[str, str]]

    @property
    def is_there(self) -> bool:
        """Whether there is anything to say."""
        return bool(self.troubles or self.over)


def news(found: Iterable[Trouble], told: Mapping[str, Mapping[str, str]], now: datetime) -> News:
    """What of the troubles that were found is new, or was told a day ago, and what was told and is gone.

    A moment in the future, under a clock that was set back, counts as long ago.
    """
    present = {trouble.key: trouble for trouble in found}
    new = tuple(t for t in present.values() if t.key not in told or _long_ago(told[t.key]["at"], now))
    gone = tuple(_read(data) for key, data in told.items() if key not in present)
    kept = {key: data for key, data in told.items() if key in present}
    return News(new, gone, {**kept, **{t.key: {**asdict(t), "at": now.isoformat()} for t in new}})


def body(told: News, store: str, now: datetime) -> dict[str, Any]:
    """The document that the webhook is sent; see above."""
    lines = [trouble.in_words for trouble in told.troubles] + [f"OVER {trouble.in_words}" for trouble in told.over]
    return {
        "version": 1,
        "store": store,
        "at": now.isoformat(),
        "text": "\n".join(lines),
        "troubles": [asdict(trouble) for trouble in told.troubles],
        "over": [asdict(trouble) for trouble in told.over],
    }


def _long_ago(at: str, now: datetime) -> bool:
    return abs(now - datetime.fromisoformat(at)) >= AGAIN


def _read(data: Mapping[str, str]) -> Trouble:
    return Trouble(**{name: text for name, text in data.items() if name != "at"})
