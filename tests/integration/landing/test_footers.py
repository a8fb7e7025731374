"""The files of a slice and what their footers say: the lake alone rebuilds everything."""

from datetime import date
from pathlib import Path

import pyarrow.parquet as pq

from pipeline import catalogue
from pipeline.store import Places
from tests.integration.landing import world
from tests.integration.landing.stage import footer, open_store, read, record
from tests.integration.landing.world import Part, Rows

PART = Part("shop", "111", date(2026, 11, 1))
GRAIN = {"ad_id": "1", "date_start": PART.day, "date_stop": PART.day, "version": 0}
EMPTY: Rows = {"shop": [], "shop_actions": [], "shop_results": [], "quarantine": []}
ASIDE = {"table_name": "shop", "scope": "111", "slice_start": PART.id.start, "raw": "many", "reason": "no count"}
FILES = [f"{table}/account_id=111/2026-11-01.parquet" for table in ("shop", "shop_actions", "shop_results")]
QUARANTINE = "_quarantine/shop/account_id=111/2026-11-01.parquet"


def files(lake: Path) -> list[str]:
    return sorted(str(path.relative_to(lake)) for path in lake.rglob("*.parquet"))


def test_a_footer_says_whose_rows_these_are(where: Places) -> None:
    """Slice, rows, `as_of`, `fetched_at`, run, definition, format; by the place and the tables a rebuild knows it."""
    with open_store(where) as store:
        catalogue.settle(world.OWNED, store.ledger, store.lake)
        read(store, PART, {**EMPTY, "shop": [GRAIN]}, record(PART, 0, "run-1"))
    found = footer(where.lake / FILES[0])
    assert found.pop("fingerprint").startswith("duckdb-1.5.5:1:")
    assert found == {
        "format": 1,
        "slice": {
            "table": "shop",
            "scope": "111",
            "start": "2026-11-01T00:00",
            "end": "2026-11-02T00:00",
            "time_zone": "Europe/Berlin",
            "state": "landed",
            "rows": 1,
            "as_of": "2026-11-10T04:00:00.000000Z",
            "fetched_at": "2026-11-10T05:00:00.000000Z",
            "run_id": "run-1",
            "definition": "definition",
            "reason": "",
            "attempts": 0,
        },
        "place": {
            "folders": [["account_id", "111"]],
            "stem": "2026-11-01",
            "within": ["date_start", "2026-11-01", "2026-11-02"],
        },
        "tables": ["shop", "shop_actions", "shop_results"],
        "file_table": "shop",
        "rows": 1,
    }


def test_an_empty_slice_has_a_file_for_each_table(where: Places) -> None:
    """Files without rows, with footers that say `empty`, and no quarantine."""
    with open_store(where) as store:
        catalogue.settle(world.OWNED, store.ledger, store.lake)
        read(store, PART, EMPTY, record(PART, 0))
    assert files(where.lake) == FILES
    for path in FILES:
        assert pq.read_metadata(where.lake / path).num_rows == 0
        assert footer(where.lake / path)["slice"]["state"] == "empty"


def test_partition_columns_stay_out_of_the_files(where: Places) -> None:
    """They stand in the folder's name; columns are in declared order, zstd, typed as declared."""
    with open_store(where) as store:
        catalogue.settle(world.OWNED, store.ledger, store.lake)
        read(store, PART, {**EMPTY, "shop": [GRAIN]}, record(PART, 0))
    metadata = pq.read_metadata(where.lake / FILES[0])
    assert metadata.row_group(0).column(0).compression == "ZSTD"
    schema = pq.read_schema(where.lake / FILES[0])
    assert schema.names == [name for name in world.FACTS.names if name != "account_id"]
    assert str(schema.field("spend").type) == "decimal128(18, 6)"
    assert schema.field("spend").metadata == {b"comment": b"Spent [account currency]"}


def test_a_quarantine_file_comes_and_goes(where: Places) -> None:
    """It is there only while there is something in it; a slice with nothing else is landed, not empty."""
    with open_store(where) as store:
        catalogue.settle(world.OWNED, store.ledger, store.lake)
        read(store, PART, {**EMPTY, "quarantine": [ASIDE]}, record(PART, 0))
        assert files(where.lake) == [QUARANTINE, *FILES]
        assert footer(where.lake / QUARANTINE)["slice"]["state"] == "landed"
        assert footer(where.lake / QUARANTINE)["file_table"] == "quarantine"
        read(store, PART, EMPTY, record(PART, 1))
    assert files(where.lake) == FILES
