"""Every kind of report that ads insights has, loaded from the sandbox and equal to its truth, cell by cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.loop import Loop
from sandbox.seeded import seeded_world, size_named
from schemas.reports import Report
from tests.acceptance.one_loop import in_one_loop, staged
from tests.acceptance.one_loop import token as token  # noqa: PLC0414 - a fixture

ACCOUNTS = ("111", "222")
WINDOWS = ("1d_click", "7d_click", "1d_view")
PLAIN = ("impressions", "clicks", "spend", "actions", "action_values")
DAYS = date(2026, 11, 18)
MONDAY, THIRD, MONTH = date(2026, 11, 2), date(2026, 11, 4), date(2026, 10, 1)
"""Where a week, three days of the grid and a calendar month begin."""


@dataclass(frozen=True)
class Kind:
    """A report and the first day that is wanted of it."""

    since: date
    level: str = "ad"
    breakdowns: Sequence[str] = ()
    fields: Sequence[str] | None = None
    time_increment: int | str = 1
    windows: Sequence[str] = WINDOWS
    action_breakdowns: Sequence[str] = ("action_type",)
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def toml(self) -> dict[str, Any]:
        """As it is configured."""
        given = {
            "name": "kind",
            "level": self.level,
            "breakdowns": list(self.breakdowns),
            "action_breakdowns": list(self.action_breakdowns),
            "action_attribution_windows": list(self.windows),
            "time_increment": self.time_increment,
            **self.more,
        }
        return given if self.fields is None else {**given, "fields": list(self.fields)}


KINDS = {
    "hours of the advertiser": Kind(DAYS, "adset", ["hourly_stats_aggregated_by_advertiser_time_zone"]),
    "hours of the audience": Kind(DAYS, "campaign", ["hourly_stats_aggregated_by_audience_time_zone"]),
    "image asset": Kind(DAYS, "ad", ["image_asset"], PLAIN),
    "video asset by age": Kind(DAYS, "ad", ["video_asset", "age"], PLAIN),
    "body asset": Kind(DAYS, "ad", ["body_asset"], PLAIN),
    "call to action asset by gender": Kind(DAYS, "adset", ["call_to_action_asset", "gender"], PLAIN),
    "link asset": Kind(DAYS, "account", ["link_url_asset"], PLAIN),
    "age and gender": Kind(DAYS, "campaign", ["age", "gender"]),
    "country": Kind(DAYS, "account", ["country"]),
    "region": Kind(DAYS, "account", ["region"], PLAIN),
    "market": Kind(DAYS, "campaign", ["comscore_market"], PLAIN),
    "position": Kind(DAYS, "ad", ["publisher_platform", "platform_position", "impression_device"]),
    "device": Kind(DAYS, "adset", ["device_platform"]),
    "frequency": Kind(DAYS, "campaign", ["frequency_value"], ["reach"], action_breakdowns=()),
    "product": Kind(DAYS, "ad", ["product_id"], PLAIN),
    "actions by device": Kind(DAYS, "ad", action_breakdowns=["action_device"]),
    "actions by reaction": Kind(DAYS, "ad", action_breakdowns=["action_type", "action_reaction"]),
    "actions by card": Kind(DAYS, "ad", action_breakdowns=["action_carousel_card_id"]),
    "every window": Kind(DAYS, "ad", windows=["default", "1d_view", "1d_click", "7d_click", "28d_click", "1d_ev"]),
    "three days": Kind(THIRD, "adset", time_increment=3),
    "weeks": Kind(MONDAY, "campaign", time_increment=7),
    "months": Kind(MONTH, "account", time_increment="monthly"),
    "months by country": Kind(MONTH, "account", ["country"], time_increment="monthly"),
    "all days": Kind(MONDAY, "campaign", time_increment="all_days"),
    "all days by age": Kind(MONDAY, "ad", ["age"], time_increment="all_days"),
    "synchronous": Kind(DAYS, "ad", more={"mode": "sync"}),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_report_of_this_kind_equals_its_truth(name: str, tmp_path: Path) -> None:
    """Facts, actions and results: every row once, every cell as the API has it, in slices of its increment."""
    in_one_loop(lambda loop: loaded(loop, tmp_path, KINDS[name]))


async def loaded(loop: Loop, folder: Path, kind: Kind) -> None:
    wanted = {"ads_insights": {"ad_accounts": list(ACCOUNTS), "since": kind.since, "reports": [kind.toml]}}
    world = seeded_world(7, size_named("small", None, None), forgetful=False)
    async with staged(loop, folder, world, wanted) as stage:
        [report] = stage.app().settings.reports
        assert isinstance(report, Report)
        summary = await stage.load()
        assert (summary.exit_code, summary.totals.failures) == (0, [])
        yesterday = stage.now.date() - timedelta(days=1)
        truth = [row for account in ACCOUNTS for row in stage.truth(report, account, kind.since, yesterday)]
        assert truth, "this kind has no rows in the sandbox's world: nothing would be shown"
        stage.assert_holds(report, truth)
