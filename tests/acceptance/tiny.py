"""Worlds of a few ads, small enough for hundreds of loads, and an object that no question may touch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sandbox.calls import Call, Target
from sandbox.query import Query, read_query
from sandbox.scenario import Do, Scenario
from sandbox.state import State
from schemas.reports import Report

SINCE, UNTIL = date(2026, 11, 18), date(2026, 11, 19)
ADS = 5
REPORT = Report("ads_insights", "ad", action_attribution_windows=("1d_click", "7d_click", "1d_view"))


def world(accounts: Sequence[str], days: Sequence[date] = (SINCE, UNTIL)) -> dict[str, Any]:
    """Each account with one campaign, two ad sets and five ads that all delivered on both days: ten rows."""
    ads = [{"id": f"{a}3{n}", "adset_id": f"{a}2{n % 2}", "name": f"Ad {n}"} for a in accounts for n in range(ADS)]
    return {
        "accounts": [{"id": account} for account in accounts],
        "campaigns": [{"id": f"{account}1", "account_id": account} for account in accounts],
        "adsets": [{"id": f"{a}2{n}", "campaign_id": f"{a}1"} for a in accounts for n in range(2)],
        "ads": ads,
        "facts": [_fact(ad["id"], day) for ad in ads for day in days],
    }


def _fact(ad: str, day: date) -> dict[str, Any]:
    lead = {"action_type": "lead", "value": 2, "7d_click": 2}
    return {
        "ad_id": ad,
        "date": day.isoformat(),
        "impressions": 100 + day.day,
        "reach": 50 + int(ad[-1]),
        "spend": f"1.{ad[-1]}5",
        "actions": [lead],
    }


def settings(accounts: Sequence[str], since: date = SINCE, **report: Any) -> dict[str, Any]:
    """The configuration of one report over these accounts."""
    wanted = {"name": "ads_insights", **report}
    return {"ads_insights": {"ad_accounts": list(accounts), "since": since, "reports": [wanted]}}


@dataclass(slots=True)
class Poisoned(Scenario):
    """A scenario in which every question that touches one ad goes wrong; questions for ids alone are answered."""

    state: State | None = None
    ad: str = ""
    op: str = "submit"
    deed: Mapping[str, Any] | None = None
    field_name: str | None = None

    def take(self, call: Call, target: Target, page: int) -> Do:
        """What is ordered for this call."""
        if self.deed is not None and target.op == self.op and self._touches(call, target):
            return self.deed
        return Scenario.take(self, call, target, page)

    def _touches(self, call: Call, target: Target) -> bool:
        assert self.state is not None
        today = self.state.today(target.account)
        query = self._query(call, target, today)
        if len(query.fields) <= 4 or (self.field_name is not None and self.field_name not in query.fields):
            return False
        return any(row.get("ad_id") == self.ad for row in self.state.evaluate(query, today).rows)

    def _query(self, call: Call, target: Target, today: date) -> Query:
        assert self.state is not None
        if target.op in {"page", "poll"}:
            return self.state.runs.known[target.object_id].query
        node = self.state.world.find(target.object_id)
        assert node is not None
        return read_query(node, call.parameters, today)


def poison(state: State, ad: str, op: str, deed: Mapping[str, Any], field_name: str | None = None) -> None:
    """From now on every such call that touches the ad (and the field) goes wrong."""
    poisoned = Poisoned(state=state, ad=ad, op=op, deed=deed, field_name=field_name)
    state.scenario = poisoned
