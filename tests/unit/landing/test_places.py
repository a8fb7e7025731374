"""A place travels as text and comes back; what tells its rows from others is its shape."""

from datetime import date, datetime

import pytest

from pipeline import codec, sql_text
from schemas.ad_objects import OBJECT_TABLES
from schemas.work import Place

DAYS = ("date_start", date(2026, 11, 1), date(2026, 11, 2))
ENTRY = (("metric", "api_calls"), ("definition_hash", "f0f28e5e"))
PLACES = (
    Place((("account_id", "111"),), "current"),
    Place((("account_id", "111"),), "2026-11-01", DAYS),
    Place((("app_id", "700"),), "api_calls-f0f28e5e-2026-11-01", DAYS, ENTRY),
    Place((("app_id", "700"),), "api_calls-f0f28e5e-current", None, ENTRY),
    Place((("b", "9"), ("date", "d")), "10", ("datetime", datetime(2026, 11, 1, 9), datetime(2026, 11, 1, 10))),  # noqa: DTZ001 - local wall time
)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.stem)
def test_it_comes_back_as_it_was(place: Place) -> None:
    """With its days, hours and what it shares its folder with."""
    assert codec.read_place(codec.place_data(place)) == place


def test_a_place_of_an_older_footer_is_read() -> None:
    """One that knows of no `where` has none."""
    data = {
        "folders": [["account_id", "111"]],
        "stem": "2026-11-01",
        "within": ["date_start", "2026-11-01", "2026-11-02"],
    }
    assert codec.read_place(data) == PLACES[1]


def test_places_of_different_shapes_are_told_apart() -> None:
    """Those of one shape differ only in their values."""
    assert len({place.shape for place in PLACES}) == len(PLACES)
    assert PLACES[2].shape == Place((("app_id", "701"),), "x", DAYS, (("metric", "x"), ("definition_hash", "y"))).shape


def test_rows_of_another_question_in_the_folder_are_left_alone() -> None:
    """Every column that tells them apart is a condition."""
    statement = sql_text.delete_slices(OBJECT_TABLES["ads"].table, PLACES[2])
    for name in ("app_id", "metric", "definition_hash"):
        assert f't."{name}" = gone."{name}"' in statement
    assert 't."date_start" >= gone.slice_start' in statement
