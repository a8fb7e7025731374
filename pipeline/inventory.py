"""Owns what lies in a lake: every file, what its footer says of it, and what is no file of ours. Reads only."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import codec
from pipeline.declaration import NAME as SCHEMA_FILE
from pipeline.declaration import read_declared
from pipeline.errors import Newer
from pipeline.lake import FOOTER, FORMAT, MARKER, TEMPORARY, Fingerprint, path_of, quarantine_path
from schemas.arrow import columns_of
from schemas.columns import Table
from schemas.meta import QUARANTINE as QUARANTINE_TABLE
from schemas.work import Owner, Place, SliceFile, SliceRecord

SUFFIX = ".parquet"
BATCH_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Footer:
    """What a file says of itself. `file.path` is where it belongs, wherever it lies.

    `tables` are those of all the files that landed together with it.
    """

    record: SliceRecord
    place: Place
    file: SliceFile
    tables: frozenset[str]


@dataclass(frozen=True, slots=True)
class Found:
    """One Parquet file at `path`, relative to the lake; without a footer that can be trusted `problem` says why."""

    path: str
    footer: Footer | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """The Parquet files in the folders of tables, those that are still temporary, and what else lies about."""

    files: tuple[Found, ...]
    temporary: tuple[Found, ...]
    strangers: tuple[str, ...]


def inventory(lake: Path) -> Inventory:
    """Reads every file of a lake, and its footer.

    Raises:
        Newer: A newer program wrote one of them.
    """
    files, strangers = [], []
    for path in in_place(lake):
        if path.endswith(SUFFIX):
            files.append(_found(lake, path))
        elif Path(path).name not in {SCHEMA_FILE, MARKER}:
            strangers.append(path)
    waiting = sorted((lake / TEMPORARY).glob(f"*{SUFFIX}")) if (lake / TEMPORARY).is_dir() else []
    return Inventory(
        tuple(files), tuple(_found(lake, str(path.relative_to(lake))) for path in waiting), tuple(strangers)
    )


def in_place(lake: Path) -> Iterator[str]:
    """The paths of everything that lies in a lake, folders and what is hidden apart, in order."""
    for folder, folders, names in os.walk(lake):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (str((Path(folder) / name).relative_to(lake)) for name in sorted(names))


def footer_of(path: Path) -> Footer:
    """What the footer of a file says.

    Raises:
        ValueError: It cannot be read, or is not one of ours.
        Newer: A newer program wrote it.
    """
    try:
        data = orjson.loads((pq.read_metadata(path).metadata or {})[FOOTER])
        version = int(data["format"])
        if version > FORMAT:
            raise Newer(f"lake {path}: format {version} is newer than this program's {FORMAT}; upgrade insights")
        return _read(data)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"its footer cannot be read ({error})") from error


def can_be_summed(file: SliceFile) -> bool:
    """Whether the rows can be compared with the fingerprint: only the version of DuckDB that made it can."""
    return file.fingerprint.startswith(f"duckdb-{duckdb.__version__}:")


def spoilt(path: Path, file: SliceFile) -> str:
    """What is wrong with the rows of a file, read from the rows alone; empty if nothing is."""
    try:
        rows = pq.read_metadata(path).num_rows
        if rows != file.rows:
            return f"it has {rows} rows, not {file.rows}"
        fits = not can_be_summed(file) or fingerprint_of(path) == file.fingerprint
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        return f"its rows cannot be read ({error})" if path.exists() else "it is not there"
    return "" if fits else "its rows do not add up to its fingerprint"


def fingerprint_of(path: Path) -> str:
    """What the rows of a file add up to."""
    with pq.ParquetFile(path) as file:
        sums = Fingerprint(Table(path.stem, "", columns_of(file.schema_arrow), ()))
        for batch in file.iter_batches(BATCH_ROWS):
            sums.add(pa.Table.from_batches([batch]))
    return sums.text


def declarations(lake: Path) -> dict[str, tuple[Table, Owner]]:
    """What the lake says of each of its tables, as far as it can be read."""
    found = {}
    for path in sorted(lake.glob(f"*/{SCHEMA_FILE}")):
        try:
            found[path.parent.name] = read_declared(path)
        except ValueError:
            continue
    return found


def _read(data: Mapping[str, Any]) -> Footer:
    record, place = codec.read_record(data["slice"]), codec.read_place(data["place"])
    table = str(data["file_table"])
    own = quarantine_path(record.id.table, place) if table == QUARANTINE_TABLE.name else path_of(table, place)
    file = SliceFile(table, own, int(data["rows"]), str(data["fingerprint"]))
    return Footer(record, place, file, frozenset(map(str, data["tables"])))


def _found(lake: Path, path: str) -> Found:
    try:
        footer = footer_of(lake / path)
    except ValueError as error:
        return Found(path, None, str(error))
    problem = spoilt(lake / path, footer.file)
    return Found(path, None if problem else footer, problem)
