"""Tables follow from declarations: keys are columns, one name has one kind, everything is explained."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ad_objects import AD_ACCOUNTS, ADCREATIVES, ADS, ADSETS, CAMPAIGNS, MINOR_UNIT, OBJECT_TABLES
from schemas.ads_insights import ReportTables, quotient_metrics, tables_of
from schemas.app_insights import APP_INSIGHTS
from schemas.arrow import file_schema
from schemas.brand_safety import BRAND_SAFETY_TABLES
from schemas.brand_safety_ad_sets import AD_SET_IMPRESSIONS
from schemas.breakdowns import BREAKDOWNS, COMBINATIONS
from schemas.columns import ORIGIN_NAMES, Kind, Table
from schemas.content import CONTENT_TABLES
from schemas.insights_fields import FIELDS, Shape
from schemas.legality import TAKEN_NAMES
from schemas.meta import META_TABLES
from schemas.reports import LEVELS, Report
from schemas.windows import WINDOWS

REPORTS = st.builds(
    lambda level, fields, known, windows: Report(
        "some", level, tuple(fields), known.breakdowns, known.action_breakdowns, tuple(windows)
    ),
    st.sampled_from(LEVELS),
    st.lists(st.sampled_from(sorted(FIELDS)), max_size=8),
    st.sampled_from(COMBINATIONS),
    st.lists(st.sampled_from(sorted(WINDOWS)), max_size=4),
)
EVERYTHING = Report(
    "everything", "ad", tuple(FIELDS), tuple(BREAKDOWNS), ("action_type", "action_device"), tuple(WINDOWS)
)


def every_table() -> tuple[Table, ...]:
    """All tables of this room's catalogue, those of a report that asks for everything among them."""
    objects = (known.table for known in OBJECT_TABLES.values())
    safety = (*BRAND_SAFETY_TABLES.values(), AD_SET_IMPRESSIONS)
    content = (known.table for known in CONTENT_TABLES.values())
    return (*tables_of(EVERYTHING), *objects, APP_INSIGHTS, *safety, *content, *META_TABLES.values())


@given(REPORTS)
def test_report_tables_hold_together(report: Report) -> None:
    """In every table of a report the key is among the columns, partitioned by account, with its origin last."""
    tables = tables_of(report)
    for table in tables:
        assert set(tables.facts.key) <= set(table.key) <= set(table.names)
        assert table.partition == ("account_id",)
        assert set(table.names[-2:]) == ORIGIN_NAMES
        assert "extra" in table
        assert "account_id" not in file_schema(table).names


@given(REPORTS)
def test_every_field_has_one_place(report: Report) -> None:
    """Every field asked for is a column of the facts, or belongs to a child table that exists."""
    tables = tables_of(report)
    assert (tables.actions is None) == (not report.having(Shape.ACTIONS, Shape.HISTOGRAM))
    assert (tables.results is None) == (not report.having(Shape.RESULTS))
    for name in report.requested_fields:
        listed = FIELDS[name].shape in (Shape.ACTIONS, Shape.HISTOGRAM, Shape.RESULTS)
        assert (name in tables.facts) != listed


def test_one_name_one_kind() -> None:
    """A column that stands in several tables has the same kind in each; ids are text everywhere.

    Only `created_time` and `updated_time` differ: instants of objects, in insights rows texts without a zone.
    """
    kinds: dict[str, set[Kind]] = {}
    for table in every_table():
        for column in table.columns:
            kinds.setdefault(column.name, set()).add(column.kind)
    several = {name for name, found in kinds.items() if len(found) > 1}
    assert several == {"created_time", "updated_time"}
    ids = {name for name in kinds if name == "id" or name.endswith("_id")}
    assert {kind for name in ids for kind in kinds[name]} == {Kind.TEXT}


def test_every_column_is_explained() -> None:
    """Every column of every table has a comment, every table a meaning."""
    for table in every_table():
        assert table.meaning
        for column in table.columns:
            assert column.comment, (table.name, column.name)


def test_default_tables() -> None:
    """The tables of a plain ad report have the columns that the interface promises."""
    report = Report("ads_insights", "ad", action_attribution_windows=("1d_click", "default", "7d_click"))
    tables = tables_of(report)
    key = ("account_id", "campaign_id", "adset_id", "ad_id", "date_start", "date_stop")
    assert tables.facts.key == key
    assert [table.name for table in tables] == ["ads_insights", "ads_insights_actions", "ads_insights_results"]
    assert tables.actions is not None
    assert tables.actions.names == (
        *key,
        "metric",
        "action_type",
        "ordinal",
        "value",
        "value_1d_click",
        "value_7d_click",
        "histogram",
        "extra",
        "fetched_at",
        "run_id",
    )
    assert tables.actions.key == (*key, "metric", "action_type", "ordinal")
    assert {tables.actions[name].kind for name in ("value", "value_1d_click")} == {Kind.AMOUNT}
    assert tables.actions["histogram"].kind is Kind.NUMBERS
    assert tables.results is not None
    assert tables.results.key == (*key, "metric", "indicator", "attribution_windows", "ordinal")
    assert tables.results["value"].kind is Kind.AMOUNT


def test_assets_have_key_and_detail() -> None:
    """An asset breakdown is a text in the key and its whole object beside it."""
    facts = tables_of(Report("some", "ad", breakdowns=("image_asset", "age"))).facts
    assert facts.key[-2:] == ("image_asset", "age")
    assert facts["image_asset"].kind is Kind.TEXT
    assert facts["image_asset_detail"].kind is Kind.JSON
    assert facts["image_asset_detail"].where == ("image_asset",)
    assert "ad_format_asset_detail" not in tables_of(Report("some", "ad", breakdowns=("ad_format_asset",))).facts


def test_only_facts_without_lists() -> None:
    """A report without list fields owns the table of facts alone; structured fields stay in it as JSON."""
    tables = tables_of(Report("some", "campaign", fields=("spend", "dda_results")))
    assert tables == ReportTables(tables.facts)
    assert tables.facts["dda_results"].kind is Kind.JSON


def test_quotients() -> None:
    """Costs, rates and returns among the list metrics are known as quotients, also cells of the facts."""
    report = Report("some", "ad", fields=("actions", "purchase_roas", "results", "cost_per_result", "cpc", "spend"))
    assert quotient_metrics(report) == {"purchase_roas", "cost_per_result"}
    facts = tables_of(report).facts
    assert (facts["cpc"].quotient, facts["spend"].quotient) == (True, False)


@pytest.mark.parametrize("known", OBJECT_TABLES.values(), ids=OBJECT_TABLES)
def test_object_tables(known: object) -> None:
    """Every object table is keyed by `id`, partitioned by account, and asks for each column."""
    table = known.table  # type: ignore[attr-defined]  # parametrize hides the type
    assert table.key == ("id",)
    assert table.partition == ("account_id",)
    assert table["account_id"].kind is Kind.TEXT
    assert {column.where[0] for column in table.columns} - {"extra", *ORIGIN_NAMES} == set(known.top_level_fields)  # type: ignore[attr-defined]  # as above


def test_money_of_objects() -> None:
    """Budgets, bids, balances and caps are whole numbers of the smallest unit."""
    names = {
        "daily_budget",
        "lifetime_budget",
        "budget_remaining",
        "bid_amount",
        "balance",
        "amount_spent",
        "spend_cap",
    }
    columns = [
        c for known in OBJECT_TABLES.values() for c in known.table.columns if c.name in {*names, "min_daily_budget"}
    ]
    assert {column.name for column in columns} == {*names, "min_daily_budget"}
    assert {(column.kind, column.unit) for column in columns} == {(Kind.COUNT, MINOR_UNIT)}


def test_fields_parameters() -> None:
    """Nested parts are asked as selections, and a refused field can be left out."""
    assert "creative{id}" in ADS.fields_parameter.split(",")
    assert ADS.table["creative_id"].where == ("creative", "id")
    assert "business{id,name}" in AD_ACCOUNTS.fields_parameter
    assert AD_ACCOUNTS.fields_without({"business", "id"}).startswith("id,account_id,name,")
    assert "business" not in AD_ACCOUNTS.fields_without({"business"})
    assert AD_ACCOUNTS.needs_rights == {"business", "is_prepay_account"}


def test_listing_of_objects() -> None:
    """Each edge has the name, the filter name and the statuses that the API knows."""
    edges = [(known.edge, known.filter_level) for known in (AD_ACCOUNTS, CAMPAIGNS, ADSETS, ADS, ADCREATIVES)]
    assert edges == [("", ""), ("campaigns", "campaign"), ("adsets", "adset"), ("ads", "ad"), ("adcreatives", "")]
    assert CAMPAIGNS.live_statuses == ("ACTIVE", "PAUSED", "IN_PROCESS", "WITH_ISSUES")
    assert len(ADS.live_statuses) + len(ADS.gone_statuses) == 12
    assert ADCREATIVES.page_size <= 50


def test_slices_as_promised() -> None:
    """`meta.slices` has the columns of the interface, in its order."""
    assert META_TABLES["slices"].names == (
        "table_name",
        "scope",
        "slice_start",
        "slice_end",
        "time_zone",
        "state",
        "rows",
        "as_of",
        "fetched_at",
        "final",
        "run_id",
        "reason",
    )
    assert META_TABLES["slices"]["slice_start"].kind is Kind.LOCAL_TIME
    assert META_TABLES["slices"]["as_of"].kind is Kind.INSTANT
    assert list(META_TABLES) == ["slices", "runs", "report_runs", "quarantine", "missing_objects", "publication"]


def test_taken_names() -> None:
    """No report may take the name of a table of objects."""
    assert OBJECT_TABLES.keys() < TAKEN_NAMES
