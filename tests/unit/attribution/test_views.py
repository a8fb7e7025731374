"""The view of a report follows from what has landed, however often the report changed."""

import json

import duckdb

from pipeline.sql_text import create_view
from schemas.attribution_views import views_of


def kinds(**cells: str) -> str:
    return json.dumps([{"name": name, "kind": kind, "label": name.upper()} for name, kind in cells.items()])


def test_a_report_that_changed_shows_every_cell_that_it_ever_had() -> None:
    """The newest landing's cells come first; a cell whose kind changed is text; each report has its own view."""
    rows = [
        ("1", kinds(old="TEXT", cost="TEXT", order="AMOUNT"), 1),
        ("1", kinds(cost="AMOUNT", order="AMOUNT"), 2),
        ("2", kinds(day="DAY"), 1),
    ]
    first, second = views_of(rows)
    assert (first.name, second.name) == ("attribution_rows_1", "attribution_rows_2")
    assert first.columns == {"cost": "COST", "order": "ORDER", "old": "OLD"}
    with duckdb.connect() as connection:
        columns = "report_run_id, row_number, date_start, date_stop, fetched_at, run_id"
        connection.execute(
            f"CREATE TABLE attribution_rows AS SELECT {', '.join(f'1 AS {name}' for name in columns.split(', '))}, "
            '\'1\' AS report_id, \'{"cost":"1.5","order":"0.000001"}\'::JSON AS cells'
        )
        for view in (first, second):
            for statement in create_view(view):
                connection.execute(statement)
        found = connection.execute('SELECT cost, "order", old FROM attribution_rows_1').fetchall()
        assert [[str(cell) for cell in row] for row in found] == [["1.5", "0.000001", "None"]]
        assert connection.execute("FROM attribution_rows_2").fetchall() == []
