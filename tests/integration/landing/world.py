"""The world of these tests: two small reports whose rows follow from a seed, so that a test knows the truth alone.

A slice changes in some rounds and in others not. `version` in each row is the round in which its slice last changed,
`actions` and `results` in the facts count the children: a reader can tell by them whether it sees a slice whole.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from pipeline.catalogue import Owned
from schemas.arrow import file_schema
from schemas.columns import ORIGIN, Column, Kind, Table
from schemas.meta import QUARANTINE
from schemas.periods import Period
from schemas.work import Place, SliceId, current_place, day_place

BORN = datetime(2026, 11, 10, 4, tzinfo=UTC)
ZONE = "Europe/Berlin"
LOOKBACK_DAYS = 28
ACCOUNTS = ("111", "222")
DAYS = tuple(date(2026, 11, day) for day in (1, 2))

_ACCOUNT = Column("account_id", Kind.TEXT, "Ad account")
_GRAIN = (
    Column("ad_id", Kind.TEXT, "Ad"),
    Column("date_start", Kind.DAY, "First day"),
    Column("date_stop", Kind.DAY, "Last day"),
)
_KEY = ("account_id", "ad_id", "date_start", "date_stop")
_VERSION = Column("version", Kind.COUNT, "Round in which the slice last changed")

FACTS = Table(
    "shop",
    "What a shop's ads did",
    (
        _ACCOUNT,
        *_GRAIN,
        Column("spend", Kind.MONEY, "Spent", "account currency"),
        Column("clicks", Kind.COUNT, "Clicks"),
        Column("ctr", Kind.RATIO, "Clicks by impressions"),
        Column("note", Kind.TEXT, "Words"),
        Column("curve", Kind.NUMBERS, "A histogram"),
        Column("extra", Kind.JSON, "What no column declares"),
        _VERSION,
        Column("actions", Kind.COUNT, "Rows of this slice in shop_actions"),
        Column("results", Kind.COUNT, "Rows of this slice in shop_results"),
        *ORIGIN,
    ),
    _KEY,
    ("account_id",),
)
ACTIONS = Table(
    "shop_actions",
    "What people did after",
    (
        _ACCOUNT,
        *_GRAIN,
        Column("action_type", Kind.TEXT, "Action"),
        Column("value", Kind.AMOUNT, "How much"),
        _VERSION,
        *ORIGIN,
    ),
    (*_KEY, "action_type"),
    ("account_id",),
)
RESULTS = Table(
    "shop_results",
    "What the ads were for",
    (_ACCOUNT, *_GRAIN, Column("indicator", Kind.TEXT, "Aim"), Column("value", Kind.RATIO, "Times"), _VERSION, *ORIGIN),
    (*_KEY, "indicator"),
    ("account_id",),
)
THINGS = Table(
    "things",
    "Objects",
    (_ACCOUNT, Column("id", Kind.TEXT, "Thing"), Column("name", Kind.TEXT, "Its name"), _VERSION, *ORIGIN),
    ("id",),
    ("account_id",),
)
SHOP = Owned("shop", "grain", "definition", (FACTS, ACTIONS, RESULTS))
OBJECTS = Owned("things", "objects", "objects", (THINGS,))
OWNED = (SHOP, OBJECTS)
TABLES = (FACTS, ACTIONS, RESULTS, THINGS)

Row = dict[str, Any]
Rows = dict[str, list[Row]]
"""The rows of one slice by table, `quarantine` among them; without account and origin."""


@dataclass(frozen=True)
class Part:
    """One slice of the world."""

    report: str
    account: str
    day: date | None

    @property
    def id(self) -> SliceId:
        return SliceId(self.report, self.account, datetime.combine(self.day, time.min) if self.day else None)

    @property
    def end(self) -> datetime | None:
        return datetime.combine(self.day + timedelta(days=1), time.min) if self.day else None

    @property
    def place(self) -> Place:
        if self.day is None:
            return current_place("account_id", self.account)
        return day_place("account_id", self.account, Period.inclusive(self.day, self.day))


PARTS = (
    *(Part("shop", account, day) for account in ACCOUNTS for day in DAYS),
    *(Part("things", account, None) for account in ACCOUNTS),
)


def as_of(number: int) -> datetime:
    """When the round was asked: one night after the other."""
    return BORN + timedelta(days=number)


def version(seed: int, part: Part, number: int) -> int:
    """The last round, up to this one, in which the slice changed."""
    return max(r for r in range(number + 1) if r == 0 or random.Random(f"{seed} {part} {r} changed").random() < 0.7)


def rows(seed: int, part: Part, number: int) -> Rows:
    """What the world answers in a round, in no order that would mean anything."""
    number = version(seed, part, number)
    chance = random.Random(f"{seed} {part} {number}")
    return _facts(chance, part, number) if part.day else _things(chance, part, number)


def _things(chance: random.Random, part: Part, number: int) -> Rows:
    names = [f"{part.account}-{i}" for i in range(chance.randint(1, 5))]
    return {"things": [{"id": name, "name": f"thing {chance.random()}", "version": number} for name in names]}


def _facts(chance: random.Random, part: Part, number: int) -> Rows:
    ads = [f"{part.account}{i}" for i in range(chance.choice((0, 1, 2, 3, 5)))]
    grain = [{"ad_id": ad, "date_start": part.day, "date_stop": part.day, "version": number} for ad in ads]
    actions = [{**g, "action_type": a, "value": _money(chance)} for g in grain for a in _some(chance, "like", "buy")]
    results = [{**g, "indicator": i, "value": chance.random()} for g in grain for i in _some(chance, "sale", "lead")]
    facts = [_fact(chance, g) | {"actions": len(actions), "results": len(results)} for g in grain]
    aside = [_aside(part, g) for g in grain if chance.random() < 0.3]
    return {"shop": facts, "shop_actions": actions, "shop_results": results, "quarantine": aside}


def _fact(chance: random.Random, grain: Row) -> Row:
    return {
        **grain,
        "spend": _money(chance),
        "clicks": chance.choice((None, 0, chance.randrange(10**12))),
        "ctr": chance.choice((None, chance.random())),
        "note": chance.choice((None, "", "Grüße, 'Welt'")),
        "curve": chance.choice((None, [], [0.0], [0.0, 0.0], [chance.random()])),
        "extra": chance.choice((None, '{"a":1}')),
    }


def _aside(part: Part, grain: Row) -> Row:
    key = '{"ad_id":"' + grain["ad_id"] + '"}'
    start = datetime.combine(grain["date_start"], time.min)
    what = {"column_name": "clicks", "raw": "many", "reason": "not a count", "source": f"round {grain['version']}"}
    return {"table_name": "shop", "scope": part.account, "slice_start": start, "row_key": key, **what}


def _money(chance: random.Random) -> Decimal:
    return Decimal(chance.randrange(10**9)) / 10**6


def _some(chance: random.Random, *names: str) -> list[str]:
    return [name for name in names if chance.random() < 0.6]


def arrow(table: Table, found: Sequence[Mapping[str, Any]], fetched_at: datetime, run_id: str) -> pa.Table:
    """Rows as a connector hands them to a slice's writer."""
    origin = {"fetched_at": fetched_at, "run_id": run_id}
    return pa.Table.from_pylist([{**row, **origin} for row in found], schema=file_schema(table))


def table_of(name: str) -> Table:
    return next(table for table in (*TABLES, QUARANTINE) if table.name == name)
