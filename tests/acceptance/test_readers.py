"""The lake is plain Parquet: one line reads it with DuckDB, polars or pyarrow, also after a table gained columns."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from tests.acceptance.conftest import NOW, Sandbox, Shop, running_sandbox

DUCKDB = (
    "FROM read_parquet('data/lake/ads_insights/**/*.parquet', hive_partitioning = true, "
    "hive_types = {'account_id': VARCHAR}, union_by_name = true)"
)
POLARS = (
    'pl.scan_parquet("data/lake/ads_insights/**/*.parquet", '
    'schema=pl.from_arrow(pa.ipc.read_schema(pa.memory_map("data/lake/ads_insights/_schema.arrow")).empty_table())'
    '.schema, hive_schema={"account_id": pl.String}, missing_columns="insert")'
)
PYARROW = (
    'ds.dataset("data/lake/ads_insights", '
    'schema=pa.ipc.read_schema(pa.memory_map("data/lake/ads_insights/_schema.arrow")), '
    'partitioning=ds.partitioning(pa.schema([("account_id", pa.string())]), flavor="hive"))'
)
"""The lines of the README, as they stand there; the table's name is the only thing to change."""


def with_duckdb(line: str) -> pa.Table:
    return duckdb.sql(line).to_arrow_table()


def with_polars(line: str) -> pa.Table:
    frame: pl.LazyFrame = _value(line)
    return frame.collect().to_arrow()


def with_pyarrow(line: str) -> pa.Table:
    return _value(line).to_table()


def _value(line: str) -> Any:
    names: dict[str, ModuleType] = {"pl": pl, "pa": pa, "ds": ds}
    return eval(line, names)  # noqa: S307 - the README's own lines, written out above


READERS = {"duckdb": (with_duckdb, DUCKDB), "polars": (with_polars, POLARS), "pyarrow": (with_pyarrow, PYARROW)}


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A store whose report got a field and a window between two loads; the days of the first stay as they were."""
    report = '[[ads_insights.reports]]\nfields = ["impressions", "spend", "actions"{0}]\n'
    report += 'action_attribution_windows = ["7d_click"{1}]\n'
    shop = Shop(tmp_path_factory.mktemp("grown"), "")
    with running_sandbox("--size", "small") as sandbox:
        shop.url = sandbox.url
        settings = {"accounts": ("111", "222"), "since": date(2026, 11, 16), "insights": "lookback_days = 0"}
        _load(shop, sandbox, 0, reports=report.format("", ""), **settings)
        _load(shop, sandbox, 1, reports=report.format(', "clicks", "results"', ', "1d_view"'), **settings)
    gained = shop.ask("SELECT date_start, count(clicks) > 0 FROM ads_insights GROUP BY ALL ORDER BY ALL")
    assert gained == [(date(2026, 11, day), day == 20) for day in range(16, 21)]
    return shop


def _load(shop: Shop, sandbox: Sandbox, days: int, **settings: Any) -> None:
    sandbox.move_to(NOW + timedelta(days=days))
    shop.configure(objects="", **settings)
    assert shop.load(now=NOW + timedelta(days=days)).code == 0


@pytest.mark.parametrize("table", ["ads_insights", "ads_insights_actions", "ads_insights_results"])
@pytest.mark.parametrize(("read", "line"), READERS.values(), ids=list(READERS))
def test_one_line_reads_a_table_as_the_warehouse_has_it(
    read: Callable[[str], pa.Table], line: str, table: str, grown: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every row and every column, the new ones NULL where their files are older than they."""
    monkeypatch.chdir(grown.folder)
    lake = read(line.replace("ads_insights", table))
    assert lake.num_rows > 0
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{Path('data/warehouse.duckdb')}' AS w (READ_ONLY)")
        connection.register("lake", lake)
        described = connection.execute(f"DESCRIBE w.{table}").fetchall()
        assert {row[0] for row in described} == set(lake.column_names)
        columns = ", ".join(f'"{row[0]}"::{"VARCHAR" if row[1] == "JSON" else row[1]}' for row in described)
        for one, other in (("lake", f"w.{table}"), (f"w.{table}", "lake")):
            sql = f"SELECT count(*) FROM (SELECT {columns} FROM {one} EXCEPT ALL SELECT {columns} FROM {other})"
            assert connection.execute(sql).fetchall() == [(0,)]
