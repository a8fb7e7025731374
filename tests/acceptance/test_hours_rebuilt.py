"""Hourly files of brand safety are verified, rebuilt from the lake alone, and kept for as long as is configured."""

from datetime import timedelta
from pathlib import Path

from tests.acceptance.conftest import NOW, Shop
from tests.acceptance.test_brand_safety import hourly

WHEN = ("--now", NOW.isoformat())
SLICES = 'SELECT scope, slice_start, state, "rows", final FROM meta.slices WHERE table_name = {table} ORDER BY ALL'
HOURS = SLICES.format(table="'brand_safety_impressions'")


def rows(shop: Shop) -> list[str]:
    return sorted(map(repr, shop.rows("brand_safety_impressions")))


def test_hours_of_several_parts_come_back_and_old_ones_leave(tmp_path: Path) -> None:
    """Every row, every hour with its state and its parts; then `keep_days` takes out what is older than five days."""
    with hourly(tmp_path) as (sandbox, shop):
        assert shop.load().code == 0
        before, hours = rows(shop), shop.ask(HOURS)
        assert before
        assert shop.run("verify", "--json", *WHEN).json["wrong"] == []
        (tmp_path / "data/state/ledger.sqlite").unlink()
        rebuilt = shop.run("rebuild", "--json", *WHEN)
        assert (rebuilt.code, rebuilt.json["partial"], rebuilt.json["aside"]) == (0, [], [])
        assert (rows(shop), shop.ask(HOURS)) == (before, hours)
        assert shop.run("verify", "--json", *WHEN).json["wrong"] == []
        sandbox.forget_calls()
        assert shop.load().json["rows"].get("brand_safety_impressions", 0) == 0, "nothing that landed is asked again"

        text = shop.config.read_text(encoding="utf-8")
        shop.config.write_text(text.replace("[pace]", "keep_days = 5\n[pace]"), encoding="utf-8")
        files = len(list(shop.lake.glob("brand_safety_impressions/**/*.parquet")))
        assert shop.run("publish", *WHEN).code == 0
        oldest = shop.ask("SELECT min(hour) FROM brand_safety_impressions")[0][0]
        assert timedelta(days=4) < NOW.replace(tzinfo=None) - oldest < timedelta(days=6)
        assert len(list(shop.lake.glob("brand_safety_impressions/**/*.parquet"))) == files
        assert shop.run("verify", "--json", *WHEN).json["wrong"] == []
        later = ("--now", (NOW + timedelta(days=1, minutes=5)).isoformat())
        assert shop.run("publish", *later).code == 0
        assert 0 < len(list(shop.lake.glob("brand_safety_impressions/**/*.parquet"))) < files
        assert shop.run("verify", "--json", *later).json["wrong"] == []
