"""A user's folder that loads app insights, and what its warehouse must hold, by code that shares no typing."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from tests.acceptance.conftest import NOW, Sandbox, Shop

Row = dict[str, Any]
Entry = Mapping[str, Any]
GMT8 = timezone(timedelta(hours=-8))
SIX = Decimal("0.000001")
KEY = (
    "app_id",
    "metric",
    "event_name",
    "aggregate_by",
    "period",
    "intervals_to_aggregate",
    "ecosystem",
    "breakdowns",
    "time",
    "ordinal",
)
WIRE = {"aggregate_by": "aggregateBy"}


class AppShop(Shop):
    """A shop whose configuration has `[app_insights]`."""

    def configure_apps(
        self,
        *metrics: str | Entry,
        apps: Sequence[str] = ("700",),
        since: date = date(2026, 11, 8),
        section: str = "",
        more: str = "",
    ) -> None:
        listed = ",\n".join(_toml(metric) for metric in metrics)
        self.config.write_text(
            f"""
[graph]
base_url = "{self.url}"
[storage]
root = "{self.folder / "data"}"
[pace]
clock_speed = {self.speed}
[app_insights]
app_ids = {json.dumps(list(apps))}
since = {since}
metrics = [
{listed}
]
{section}
{more}
""",
            encoding="utf-8",
        )

    def values(self) -> dict[tuple[Any, ...], Row]:
        """The rows of the warehouse by their key; two with one key are a fault by themselves."""
        found: dict[tuple[Any, ...], Row] = {}
        for row in self.rows("app_insights"):
            shown = {
                **row,
                "time": row["time"].astimezone(UTC),
                "breakdowns": _canonical(json.loads(row["breakdowns"])),
            }
            key = tuple(shown[name] for name in KEY)
            assert key not in found, key
            found[key] = {name: shown[name] for name in ("value", "date_start", "date_stop", "extra")}
        return found


def _toml(metric: str | Entry) -> str:
    if isinstance(metric, str):
        return json.dumps(metric)
    return "{ " + ", ".join(f"{name} = {json.dumps(value)}" for name, value in metric.items()) + " }"


def truth_of(sandbox: Sandbox, app: str, entry: Entry, since: date, until: date, as_of: datetime = NOW) -> list[Row]:
    """What the sandbox knows of one entry, over days both inclusive."""
    wire = {WIRE.get(name, name): value for name, value in entry.items()}
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in wire.items()}
    days = {"since": since.isoformat(), "until": (until + timedelta(days=1)).isoformat()}
    rows: list[Row] = sandbox.get("truth/app_insights", app=app, as_of=as_of.isoformat(), **days, **texts)["rows"]
    return rows


def expected(app: str, entry: Entry, rows: Sequence[Row], days: tuple[date, date] | None = None) -> dict[Any, Row]:
    """The table's rows for what Meta sent; `days` are those of a range."""
    found: dict[Any, Row] = {}
    seen: Counter[Any] = Counter()
    for row in sorted(rows, key=lambda sent: sent["value"]):
        time = datetime.fromisoformat(row["time"]).astimezone(UTC)
        shown = dict.fromkeys(entry.get("breakdowns", ()), "") | row.get("breakdowns", {})
        key = (
            app,
            entry["metric"],
            entry.get("event_name", ""),
            entry.get("aggregate_by", ""),
            entry.get("period", "daily"),
            entry.get("intervals_to_aggregate", 1),
            entry.get("ecosystem", ""),
            _canonical(shown),
            time,
        )
        day = time.astimezone(GMT8).date()
        found[*key, seen[key]] = {
            "value": Decimal(row["value"]).quantize(SIX, ROUND_HALF_EVEN),
            "date_start": days[0] if days else day,
            "date_stop": days[1] if days else day,
            "extra": None,
        }
        seen[key] += 1
    return found


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
