"""Owns the SQL that is made from declarations: quoting, creating, replacing a slice's rows."""

from collections.abc import Sequence

import duckdb

from schemas.columns import Column, Kind, Table
from schemas.meta import QUARANTINE
from schemas.view import View
from schemas.work import Place


def name(identifier: str) -> str:
    """An identifier, quoted."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text literal."""
    return "'" + value.replace("'", "''") + "'"


def column(declared: Column) -> str:
    """A column with its type, as CREATE and ALTER take it."""
    return f"{name(declared.name)} {declared.kind.value}"


def comment_on_column(table: str, declared: Column) -> str:
    """The statement that gives a column the words of its declaration."""
    return f"COMMENT ON COLUMN {table}.{name(declared.name)} IS {text(declared.comment)}"


def create(table: Table, schema: str = "main") -> list[str]:
    """The statements that create a table with its comments."""
    full = f"{schema}.{name(table.name)}"
    columns = ", ".join(column(declared) for declared in table.columns)
    return [
        f"CREATE TABLE {full} ({columns})",
        f"COMMENT ON TABLE {full} IS {text(table.meaning)}",
        *(comment_on_column(full, declared) for declared in table.columns),
    ]


def create_view(view: View) -> list[str]:
    """The statements that create a view with its comments."""
    full = f"main.{name(view.name)}"
    return [
        f"CREATE VIEW {full} AS {view.select}",
        f"COMMENT ON VIEW {full} IS {text(view.meaning)}",
        *(f"COMMENT ON COLUMN {full}.{name(of)} IS {text(means)}" for of, means in view.columns.items()),
    ]


def create_quarantine() -> list[str]:
    """The statements that create `meta.quarantine` where it does not exist."""
    first, *comments = create(QUARANTINE, schema="meta")
    return [first.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1), *comments]


def columns_of(connection: duckdb.DuckDBPyConnection, schema: str) -> dict[str, set[str]]:
    """The tables of a schema in the default catalog, with their columns' names."""
    rows = connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = current_database() "
        "AND schema_name = ? AND NOT internal",
        [schema],
    ).fetchall()
    found: dict[str, set[str]] = {}
    for table, declared in rows:
        found.setdefault(table, set()).add(declared)
    return found


def delete_slices(table: Table, place: Place) -> str:
    """Removes from one table the rows of every slice in the relation `gone`, whose places are all shaped like this one.

    `gone` has the slices' partition values, what their `where` names and, where the place has days, their
    `slice_start` and `slice_end`. One statement for all of them: one by one, a thousand slices of a table of two
    million rows take 160 times as long.
    """
    return f"DELETE FROM {name(table.name)} t USING gone WHERE {_in_gone(place)}"  # noqa: S608 - declared names


def rows_apart(table: Table, place: Place | None) -> str:
    """The rows of a published table, comparable, but for those of the slices in `gone`; all of them without a place."""
    apart = f" t WHERE NOT EXISTS (SELECT 1 FROM gone WHERE {_in_gone(place)})" if place else ""  # noqa: S608 - declared names
    return f"SELECT {_comparable(table)} FROM main.{name(table.name)}{apart}"  # noqa: S608 - declared names


def _in_gone(place: Place) -> str:
    conditions = [f"t.{name(owner)} = gone.{name(owner)}" for owner, _ in (*place.folders, *place.where)]
    if place.within is not None:
        day = name(place.within[0])
        conditions.append(f"t.{day} >= gone.slice_start AND t.{day} < gone.slice_end")
    return " AND ".join(conditions)


def insert_files(table: Table) -> str:
    """Inserts the rows of a list of files, the one parameter; columns that older files lack become NULL."""
    return _insert(f"main.{name(table.name)}", table)


def insert_quarantine() -> str:
    """Inserts the rows of a list of quarantine files, the one parameter."""
    return _insert("meta.quarantine", QUARANTINE)


_QUARANTINED = (
    "q.table_name = gone.table_name AND q.scope = gone.scope AND q.slice_start IS NOT DISTINCT FROM gone.slice_start"
)


def delete_quarantine() -> str:
    """Removes what was set aside of every slice and table in the relation `gone`."""
    return f"DELETE FROM meta.quarantine q USING gone WHERE {_QUARANTINED}"  # noqa: S608 - our own words


def quarantine_apart() -> str:
    """The rows of `meta.quarantine`, comparable, but for those of the slices and tables in `gone`."""
    apart = f"NOT EXISTS (SELECT 1 FROM gone WHERE {_QUARANTINED})"  # noqa: S608 - our own words
    return f"SELECT {_comparable(QUARANTINE)} FROM meta.quarantine q WHERE {apart}"  # noqa: S608 - declared names


def rows_of_files(table: Table) -> str:
    """The rows of a list of files, the one parameter, comparable with those of the published table."""
    return f"SELECT {_comparable(table)} FROM {_files(table)}"  # noqa: S608 - declared names


def key_twice(table: Table) -> str:
    """A key of a table that several of its rows have, or in which something is NULL, with how many rows have it."""
    keys = dict.fromkeys((*table.partition, *table.key))
    names = ", ".join(map(name, keys))
    absent = " OR ".join(f"{name(key)} IS NULL" for key in keys)
    return f"SELECT {names}, count(*) FROM main.{name(table.name)} GROUP BY ALL HAVING count(*) > 1 OR {absent} LIMIT 1"  # noqa: S608 - declared names


def sums(rows: str, table: Table) -> str:
    """How many rows a question gives and what they add up to, in any order."""
    hashed = f"hash({', '.join(name(declared.name) for declared in table.columns)})"
    added = "sum(h)::VARCHAR, sum(hash(h))::VARCHAR"
    return f"SELECT count(*), {added} FROM (SELECT {hashed} AS h FROM ({rows}))"  # noqa: S608 - declared names


def _comparable(table: Table) -> str:
    """Lists and JSON go as text: lists [], [NULL] and NULL are alike to a hash, and JSON lies in files as text."""
    texts = {Kind.NUMBERS, Kind.JSON}
    return ", ".join(
        f"{name(c.name)}::VARCHAR AS {name(c.name)}" if c.kind in texts else name(c.name) for c in table.columns
    )


def _insert(target: str, table: Table) -> str:
    """Every declared column is selected through a typed, empty first branch, so that none has to be in the files."""
    wanted = ", ".join(name(declared.name) for declared in table.columns)
    return f"INSERT INTO {target} ({wanted}) SELECT {wanted} FROM {_files(table)}"  # noqa: S608 - declared names


def _files(table: Table) -> str:
    """A list of files, the one parameter, as a relation with every declared column."""
    hive = f", hive_types = {{{_hive_types(table)}}}" if table.partition else ""
    empty = ", ".join(f"NULL::{_file_type(c.kind)} AS {name(c.name)}" for c in table.columns)
    files = f"read_parquet(?, union_by_name = true, hive_partitioning = {str(bool(table.partition)).lower()}{hive})"
    return f"(SELECT {empty} WHERE false UNION ALL BY NAME SELECT * FROM {files})"  # noqa: S608 - declared names


def _hive_types(table: Table) -> str:
    return ", ".join(f"{text(partition)}: {table[partition].kind.value}" for partition in table.partition)


def _file_type(kind: Kind) -> str:
    """What a column is in the files: JSON lies there as text."""
    return "VARCHAR" if kind is Kind.JSON else kind.value


def delivery_by_day(table: str, measures: Sequence[str]) -> str:
    """The question for sums per day of one account; takes the account, the first and the last day."""
    sums = ", ".join(f"sum({name(measure)})" for measure in measures)
    return (
        f"SELECT date_start, {sums} FROM main.{name(table)} "  # noqa: S608 - declared names
        f"WHERE account_id = ? AND date_start BETWEEN ? AND ? GROUP BY date_start ORDER BY date_start"
    )
