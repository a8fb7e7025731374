"""Owns how SQL is kept: named statements in `pipeline/sql/*.sql`, one comment line `-- name` above each."""

from functools import cache
from importlib.resources import files


@cache
def statements(name: str) -> dict[str, str]:
    """The statements of one file by their names."""
    text = (files("pipeline") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for block in text.split("\n-- name: ")[1:]:
        title, _, body = block.partition("\n")
        found[title.strip()] = body.strip()
    return found
