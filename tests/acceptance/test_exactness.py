"""Whatever an answer holds lands exactly, or is told: nothing is guessed, rounded in silence or dropped."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from schemas.ads_insights import tables_of
from schemas.reports import Report
from tests.acceptance.comparing import as_found, expected_actions, expected_facts, keyed
from tests.acceptance.conftest import NOW, Ended, Sandbox, Shop, running_sandbox

SINCE, UNTIL = date(2026, 11, 15), date(2026, 11, 19)
AD = Report("ads_insights", "ad", action_attribution_windows=("1d_click", "7d_click", "1d_view"))
PEOPLE = Report("people", "ad", breakdowns=("age", "gender"), action_attribution_windows=("7d_click",))
TOML = """
[[ads_insights.reports]]
name = "ads_insights"
[[ads_insights.reports]]
name = "people"
breakdowns = ["age", "gender"]
action_attribution_windows = ["7d_click"]
"""
NAME = 'A "quoted" name\nof two lines, 🚀 and \\ and\ttab, O\'Brien; مرحبا 価格 \u2028 end'
Key = tuple[str, str]


@dataclass(frozen=True)
class Spoiled:
    """A store loaded from rows that were changed, how the load ended, and which row was changed how."""

    shop: Shop
    ended: Ended
    keys: dict[str, Key]

    def row(self, what: str) -> dict[str, Any]:
        ad_id, day = self.keys[what]
        (found,) = (
            row
            for row in self.shop.rows("ads_insights")
            if (row["ad_id"], row["date_start"].isoformat()) == (ad_id, day)
        )
        return found

    def told(self, what: str) -> list[tuple[str, str, str, str]]:
        """What `meta.quarantine` says of a row: table, column, raw text, reason."""
        ad_id, day = self.keys[what]
        return self.shop.ask(
            'SELECT table_name, column_name, "raw", reason FROM meta.quarantine '
            f"WHERE (row_key->>'ad_id') = '{ad_id}' AND (row_key->>'date_start') = '{day}' ORDER BY ALL"
        )


CHANGES: dict[str, tuple[dict[str, Any], ...]] = {
    "text": ({"set": {"impressions": "n/a"}},),
    "half up": ({"set": {"spend": "1.2345675"}},),
    "half down": ({"set": {"spend": "1.2345665"}},),
    "absent": ({"set": {"clicks": None}},),
    "scalar": ({"set": {"brand_new_score": "0.50"}},),
    "structure": ({"set": {"brand_new_list": [{"a": 1, "b": {"c": "é"}}]}},),
    "repeated": (
        {"append_action": {"action_type": "twice", "value": "1"}},
        {"append_action": {"action_type": "twice", "value": "2.5"}},
    ),
    "bare": ({"set": {"impressions": 9007199254740993, "spend": 12.34, "reach": "9223372036854775808"}},),
    "name": ({"set": {"ad_name": NAME}},),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with running_sandbox("--size", "small") as found:
        yield found


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory, server: Sandbox) -> Spoiled:
    """One load of rows of which each of the first is changed in one way."""
    days = {"since": SINCE.isoformat(), "until": UNTIL.isoformat()}
    rows = server.insights("111", NOW, **AD.parameters(), time_range=days)
    keys = {what: (str(row["ad_id"]), str(row["date_start"])) for what, row in zip(CHANGES, rows, strict=False)}
    assert len(keys) == len(CHANGES)
    mutations = [
        {"mutate": {"ad_id": keys[what][0], "date": keys[what][1], **change}}
        for what, changes in CHANGES.items()
        for change in changes
    ]
    server.script(*mutations)
    shop = Shop(tmp_path_factory.mktemp("spoiled"), server.url)
    shop.configure(accounts=("111",), since=SINCE, objects="")
    ended = shop.load()
    server.script()
    return Spoiled(shop, ended, keys)


def test_a_cell_that_is_no_number_is_null_and_told(spoiled: Spoiled) -> None:
    """Text where a count belongs: the row lands with NULL, the text stands in `meta.quarantine`, the exit code is 0."""
    assert spoiled.ended.code == 0
    row = spoiled.row("text")
    assert row["impressions"] is None
    assert row["spend"] is not None
    assert spoiled.told("text") == [("ads_insights", "impressions", "n/a", "not a whole number")]
    counted = spoiled.shop.ask("SELECT count(*) FROM meta.quarantine")
    assert counted == [(spoiled.ended.json["quarantined_rows"],)]


@pytest.mark.parametrize(
    ("what", "sent", "landed"),
    [("half up", "1.2345675", Decimal("1.234568")), ("half down", "1.2345665", Decimal("1.234566"))],
)
def test_a_seventh_decimal_is_rounded_half_even_and_told(
    what: str, sent: str, landed: Decimal, spoiled: Spoiled
) -> None:
    """Money holds six decimals; what is lost beyond them is told with the text as it was sent."""
    assert spoiled.row(what)["spend"] == landed
    assert spoiled.told(what) == [("ads_insights", "spend", sent, "rounded")]


def test_an_absent_metric_is_null(spoiled: Spoiled) -> None:
    """What Meta does not say is not zero, and nothing to be told."""
    assert spoiled.row("absent")["clicks"] is None
    assert spoiled.told("absent") == []


@pytest.mark.parametrize(
    ("what", "extra"),
    [
        ("scalar", {"brand_new_score": "0.50"}),
        ("structure", {"brand_new_list": [{"a": 1, "b": {"c": "é"}}]}),
        ("absent", None),
    ],
)
def test_what_no_column_declares_is_kept_in_extra(what: str, extra: Any, spoiled: Spoiled) -> None:
    """A field that nobody asked for stays beside its row, as it was sent."""
    kept = spoiled.row(what)["extra"]
    assert (json.loads(kept) if kept is not None else None) == extra


def test_a_repeated_action_is_numbered(spoiled: Spoiled) -> None:
    """Two elements with the same action type are two rows, numbered in Meta's order."""
    ad_id, day = spoiled.keys["repeated"]
    assert spoiled.shop.ask(
        "SELECT ordinal, value FROM ads_insights_actions WHERE action_type = 'twice' "
        f"AND ad_id = '{ad_id}' AND date_start = '{day}' ORDER BY ordinal"
    ) == [(0, Decimal(1)), (1, Decimal("2.5"))]


def test_bare_numbers_keep_every_digit(spoiled: Spoiled) -> None:
    """Numbers without quotes, also above 2^53, land exactly; one beyond BIGINT is NULL with its text kept."""
    row = spoiled.row("bare")
    assert (row["impressions"], row["spend"], row["reach"]) == (9007199254740993, Decimal("12.34"), None)
    ((table, column, raw, _),) = spoiled.told("bare")
    assert (table, column, raw) == ("ads_insights", "reach", "9223372036854775808")


def test_ids_above_two_to_the_53rd_stay_whole(spoiled: Spoiled, server: Sandbox) -> None:
    """Ids of eighteen digits are text, equal to the truth to the last digit."""
    known = {str(ad["id"]) for ad in server.objects("111", "ads")}
    found = {row["ad_id"] for row in spoiled.shop.rows("ads_insights")}
    assert found
    assert found <= known
    assert all(int(ad_id) > 2**53 for ad_id in found)


def test_names_are_exact_in_warehouse_query_and_lake(spoiled: Spoiled) -> None:
    """Quotes, lines, tabs, emoji and other scripts come out of SQL, of `query --json` and of Parquet unchanged."""
    ad_id, day = spoiled.keys["name"]
    assert spoiled.row("name")["ad_name"] == NAME
    where = f"WHERE ad_id = '{ad_id}' AND date_start = '{day}'"
    asked = spoiled.shop.run("query", "--json", f"SELECT ad_name FROM ads_insights {where}")
    assert (asked.code, asked.json) == (0, {"columns": ["ad_name"], "rows": [[NAME]]})
    lake = f"read_parquet('{spoiled.shop.lake}/ads_insights/**/*.parquet', union_by_name = true)"
    assert duckdb.sql(f"SELECT ad_name FROM {lake} {where}").fetchall() == [(NAME,)]


# ---- answers that are not as they should be ----


def equals_the_truth(shop: Shop, server: Sandbox, report: Report, accounts: tuple[str, ...]) -> None:
    """The facts and actions of the warehouse are the sandbox's, cell by cell."""
    days = {"since": SINCE.isoformat(), "until": UNTIL.isoformat()}
    truth = [
        row for account in accounts for row in server.insights(account, NOW, **report.parameters(), time_range=days)
    ]
    tables = tables_of(report)
    assert truth
    assert tables.actions is not None
    for table, expected in (
        (tables.facts, expected_facts(report, truth)),
        (tables.actions, expected_actions(report, truth)),
    ):
        found = keyed((as_found(row, table) for row in shop.rows(table.name)), table)
        assert found == keyed(expected, table)


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory, server: Sandbox, spoiled: Spoiled) -> Shop:
    """One load whose pages were first spoiled on their way: each in its own manner, once."""
    assert spoiled.ended.code == 0  # that load's script is over
    page = {"op": "page"}
    server.script(
        {"match": {**page, "account": "111"}, "do": {"reply": {"status": 200, "body": '{"data":[{"a":"\udcff"}]}'}}},
        {"match": {**page, "account": "111"}, "do": {"cut": 40}},
        {"match": {**page, "account": "222"}, "do": {"reply": {"status": 200, "body": "<html>Sorry</html>"}}},
        {"match": {**page, "account": "222"}, "do": {"lie_content_type": "text/html"}},
        {"match": {**page, "account": "222", "page": 0}, "do": {"empty_page": True}},
    )
    shop = Shop(tmp_path_factory.mktemp("troubled"), server.url)
    shop.configure(accounts=("111", "222"), since=SINCE, objects="", reports=TOML)
    ended = shop.load()
    left = [rule["left"] for rule in server.get("scenario")["rules"]]
    server.script()
    assert (ended.code, left) == (0, [0, 0, 0, 0, 0])
    return shop


def test_spoiled_answers_are_asked_again(troubled: Shop, server: Sandbox) -> None:
    """Octets that are no UTF-8, a cut body, HTML, a lying content type, an empty page with a next: nothing is lost."""
    equals_the_truth(troubled, server, AD, ("111", "222"))


def test_a_breakdown_that_a_row_lacks_is_empty_text(troubled: Shop, server: Sandbox) -> None:
    """Rows without the key of a breakdown land with '' in it, so that keys are never NULL."""
    equals_the_truth(troubled, server, PEOPLE, ("111", "222"))
    lacking = troubled.ask("SELECT count(*) FROM people WHERE account_id = '222' AND (age = '' OR gender = '')")
    assert lacking > [(0,)]
    assert troubled.ask("SELECT count(*) FROM people WHERE age IS NULL OR gender IS NULL") == [(0,)]


def test_a_repeated_cursor_is_a_failure_and_no_loop(shop: Shop, sandbox: Sandbox) -> None:
    """A listing that leads back to itself ends as a failure of its own slice; the others land."""
    again = {
        "data": [],
        "paging": {"cursors": {"after": "MjU"}, "next": f"{sandbox.url}/v25.0/act_111/campaigns?after=MjU"},
    }
    reply = {"reply": {"status": 200, "body": json.dumps(again)}}
    sandbox.script({"match": {"path": "111/campaigns"}, "times": None, "do": reply})
    shop.configure(accounts=("111",), since=UNTIL)
    ended = shop.load()
    assert ended.code == 1
    assert [(failure["table"], failure["scope"]) for failure in ended.json["failures"]] == [("campaigns", "111")]
    assert "the listing leads back to a page already read" in ended.json["failures"][0]["error"]
    assert shop.ask("SELECT count(*) > 0 FROM ads WHERE account_id = '111'") == [(True,)]
