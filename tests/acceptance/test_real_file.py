"""Data that nobody here made: 1,143 ads of a real advertiser, through report runs, equal to the file they came from."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

import pytest

from tests.acceptance.conftest import ROOT, Shop, running_sandbox

FILE = ROOT.parent / "shared" / "real" / "campaigns-1143-ads.csv"
NOW = datetime(2023, 9, 15, 12, tzinfo=UTC)
ACCOUNT = "916916"
GENDERS = {"M": "male", "F": "female"}
REPORTS = """
[[ads_insights.reports]]
name = "by_people"
level = "ad"
breakdowns = ["age", "gender"]
fields = ["impressions", "clicks", "spend", "actions"]
mode = "async"
[[ads_insights.reports]]
name = "by_campaign"
level = "campaign"
fields = ["impressions", "clicks", "spend", "actions"]
mode = "async"
"""
Row = dict[str, str]

pytestmark = pytest.mark.skipif(not FILE.exists(), reason="the published file does not lie beside the repository")


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    with FILE.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The file served as by Meta, and loaded as a user would."""
    with running_sandbox("--world", str(FILE), now=NOW) as sandbox:
        shop = Shop(tmp_path_factory.mktemp("real"), sandbox.url)
        shop.configure(accounts=(ACCOUNT,), since=date(2023, 8, 1), reports=REPORTS, objects="")
        ended = shop.load(now=NOW)
        assert (ended.code, ended.json["failures"]) == (0, [])
        assert {call["op"] for call in sandbox.calls()} >= {"submit", "page"}
        assert "sync" not in {call["op"] for call in sandbox.calls()}
        yield shop


def day(row: Row) -> date:
    return datetime.strptime(row["Date"], "%d-%m-%Y").replace(tzinfo=UTC).date()


def some(text: str) -> Decimal | None:
    """A number of the file; what is zero there is absent in Meta's answers."""
    return Decimal(text) or None


def rounded(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(Decimal("0.000001"), ROUND_HALF_EVEN)


def test_every_ad_equals_the_file(loaded: Shop, rows: list[Row]) -> None:
    """Day, age, gender, impressions, clicks, spend and conversions of each ad are those of its line."""
    found = loaded.ask(
        """SELECT f.ad_id, f.campaign_id, f.adset_id, f.date_start, f.age, f.gender, f.impressions, f.clicks, f.spend,
                  (SELECT sum(value) FROM by_people_actions a WHERE a.ad_id = f.ad_id AND a.action_type = 'lead')
           FROM by_people f ORDER BY f.ad_id"""
    )
    expected = [
        (
            row["ad_id"],
            row["xyz_campaign_id"],
            row["fb_campaign_id"],
            day(row),
            row["age"],
            GENDERS[row["gender"]],
            some(row["Impressions"]),
            some(row["Clicks"]),
            rounded(some(row["Spent"])),
            some(row["Total_Conversion"]),
        )
        for row in sorted(rows, key=lambda row: row["ad_id"])
    ]
    assert len(found) == 1143
    assert found == expected


@pytest.mark.parametrize("report", ["by_people", "by_campaign"])
def test_the_totals_equal_the_file(report: str, loaded: Shop) -> None:
    """213,434,828 impressions, 38,165 clicks and 3,264 conversions, however they are grouped."""
    assert loaded.ask(f"SELECT sum(impressions), sum(clicks) FROM {report}") == [(213_434_828, 38_165)]
    assert loaded.ask(f"SELECT sum(value) FROM {report}_actions WHERE action_type = 'lead'") == [(3_264,)]
    assert loaded.ask(f"SELECT round(sum(spend), 2) FROM {report}") == [(Decimal("58705.23"),)]


def test_spend_is_rounded_line_by_line_and_told(loaded: Shop, rows: list[Row]) -> None:
    """894 of the file's spends have float noise: each lands at six decimals, with the file's text kept beside it."""
    told = loaded.ask(
        """SELECT row_key->>'ad_id', "raw" FROM meta.quarantine
           WHERE table_name = 'by_people' AND column_name = 'spend' AND reason = 'rounded' ORDER BY 1"""
    )
    noisy = sorted((row["ad_id"], row["Spent"]) for row in rows if len(row["Spent"].partition(".")[2]) > 6)
    assert len(noisy) == 894
    assert told == noisy
    assert loaded.ask("SELECT sum(spend) FROM by_people") == [(Decimal("58705.229957"),)]


def test_campaign_days_equal_the_file(loaded: Shop, rows: list[Row]) -> None:
    """What Meta sums up by campaign and day is the sum of the file's lines, spend rounded only after it."""
    sums: dict[tuple[str, date], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0), Decimal(0)])
    for row in rows:
        for place, name in enumerate(("Impressions", "Clicks", "Spent")):
            sums[row["xyz_campaign_id"], day(row)][place] += Decimal(row[name])
    found = loaded.ask("SELECT campaign_id, date_start, impressions, clicks, spend FROM by_campaign ORDER BY ALL")
    assert found == [
        (*key, impressions or None, clicks or None, rounded(spend or None))
        for key, (impressions, clicks, spend) in sorted(sums.items())
    ]
