"""Owns what a configured attribution report is: its body as posted, its schedule, its hash, the days it covers. Pure.

Source: graph-api.md 6.3 and 6.5 [seed 003].
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from schemas.periods import ONE_DAY, Period, asked, today_in

Body = dict[str, Any]

LIFETIME = date(1970, 1, 1)
"""Where a lifetime report begins, as nobody says where."""
MONTHS_OF = {"month": 1, "quarter": 3, "year": 12}
DAYS_OF = {"day": 1, "week": 7}
UNITS = (*DAYS_OF, *MONTHS_OF)
PART = re.compile(r" \[part [01]+\]$")


@dataclass(frozen=True, slots=True)
class AttributionReport:
    """One configured report of one line of business; `body` and `schedule` are canonical JSON texts, without ids."""

    name: str
    line: str
    body: str
    schedule: str | None = None

    @classmethod
    def of(cls, line: str, body: Mapping[str, Any], schedule: Mapping[str, Any] | None) -> "AttributionReport":
        """The report of a legal entry."""
        return cls(str(body["name"]), line, canonical(body), None if schedule is None else canonical(schedule))

    @property
    def posted(self) -> Body:
        """What creates it."""
        return read(self.body)

    @property
    def hash(self) -> str:
        """What tells whether the configuration changed."""
        return hash_of(self.body)


def canonical(value: Any) -> str:
    """A structure as one text, equal structures as equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def read(text: str) -> Body:
    """The object that `canonical` wrote."""
    body: Body = json.loads(text)
    return body


def hash_of(text: str) -> str:
    """Sixteen hexadecimal digits that stand for a text."""
    return sha256(text.encode()).hexdigest()[:16]


def holds(shown: Any, wanted: Any) -> bool:
    """Whether what Meta shows of a report or schedule says all that is wanted; it may say more. Numbers equal texts."""
    if isinstance(wanted, Mapping):
        return isinstance(shown, Mapping) and all(holds(shown.get(name), part) for name, part in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(shown, list)
            and len(shown) == len(wanted)
            and all(holds(one, part) for one, part in zip(shown, wanted, strict=True))
        )
    if isinstance(wanted, bool) or isinstance(shown, bool) or shown is None:
        return shown is wanted
    return str(shown) == str(wanted)


def zone_of(date_range: Mapping[str, Any]) -> str:
    """The zone whose days a report covers."""
    return str(date_range.get("time_zone") or "UTC")


def period_of(date_range: Mapping[str, Any], now: datetime) -> Period:
    """The whole days that a report covers when it is run now; one of its lifetime has no end.

    Relative ranges are completed units up to the nearest unit end.

    Raises:
        ValueError: This is no date range that the page describes.
    """
    kind, today = date_range.get("type"), today_in(zone_of(date_range), now)
    if kind == "lifetime":
        return Period(LIFETIME, date.max)
    if kind == "absolute":
        return Period.inclusive(day_of(date_range.get("begin_date")), day_of(date_range.get("end_date")))
    unit, digits = str(date_range.get("date_unit")), str(date_range.get("quantity"))
    if kind != "relative" or unit not in UNITS or not digits.isdecimal() or not int(digits):
        raise ValueError(f"no date range that the API documents: {canonical(date_range)}")
    quantity = int(digits)
    if unit in DAYS_OF:
        end = today - timedelta(days=today.weekday() if unit == "week" else 0)
        return Period(end - timedelta(days=quantity * DAYS_OF[unit]), end)
    ended = (today.year * 12 + today.month - 1) // MONTHS_OF[unit] * MONTHS_OF[unit]
    return Period(_first_of(ended - quantity * MONTHS_OF[unit]), _first_of(ended))


def covered(whole: Period, zone: str, now: datetime) -> Period | None:
    """The days of it that are over; None if none is."""
    return asked(whole, today_in(zone, now), include_today=False)


def as_absolute(period: Period, zone: str) -> Body:
    """The date range of exactly these days."""
    return {
        "type": "absolute",
        "begin_date": f"{period.start.isoformat()}T00:00:00",
        "end_date": f"{(period.end - ONE_DAY).isoformat()}T23:59:59",
        "time_zone": zone,
    }


def day_of(text: object) -> date:
    """The day of an ISO 8601 date or moment.

    Raises:
        ValueError: It is none.
    """
    return datetime.fromisoformat(str(text)).date()


def _first_of(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)
