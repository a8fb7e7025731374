"""Owns the SQLite file of a ledger: born whole or not at all, opened or refused in words of ours, locked, written to.

What stands in it is `pipeline/ledger.py`'s.
"""

import contextlib
import sqlite3
import struct
import threading
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from pipeline import codec
from pipeline.disk import make_folder, sync_folder
from pipeline.errors import Blocked, Newer, Store
from pipeline.statements import statements

APPLICATION_ID = 0x494E5349
"""SQLite's mark of whose file this is ("INSI"); a file without it is foreign."""
FORMAT = 1
_HEADER = struct.Struct(">16s44xI4xI")
"""Where a SQLite file keeps its magic, our format version and its application id."""
_OF_THE_MACHINE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)
"""SQLite's primary codes of faults that are not the file's."""

Row = Mapping[str, Any]


_held: Counter[Path] = Counter()
"""The ledgers that this process has open, and how often. To open and close such a file past SQLite would drop SQLite's
locks on it (https://www.sqlite.org/howtocorrupt.html 2.2): another process would take away the log that we write to."""


class LedgerFile:
    """A ledger's open file. Safe to call from several threads."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path.absolute()
        self._guard = threading.RLock()
        connection.row_factory = sqlite3.Row
        store = self._one("store")
        self.id: str = store["ledger_id"]
        self.rehearsal = bool(store["rehearsal"])
        _held[self._path] += 1

    @classmethod
    def open(cls, path: Path, *, born: datetime, rehearsal: bool = False) -> Self:
        """Opens the ledger for writing; a store without one is born, `rehearsal` if under a `--now`.

        Raises:
            Store: The file is foreign, unreadable, or written by a newer version.
        """
        if not cls.is_there(path):
            _bear(path, born, rehearsal=rehearsal)
        with refused(path):
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            with _closed_on_error(connection):
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")
                for addition in ("requests_come", "ages_come"):
                    connection.execute(statements("ledger")[addition])
                ledger = cls(connection, path)
                ledger._add_what_is_missing()
                return ledger

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Opens the ledger for reading; None where no store was born yet.

        Raises:
            Store: As `open`.
        """
        if not cls.is_there(path):
            return None
        with refused(path):
            connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
            with _closed_on_error(connection):
                return cls(connection, path)

    @classmethod
    @contextmanager
    def reading(cls, path: Path) -> Iterator[Self | None]:
        """The ledger for reading while this lasts; None where no store was born yet.

        Raises:
            Store: As `open`; also what is found to be broken only when it is read.
        """
        with refused(path), contextlib.ExitStack() as stack:
            ledger = cls.read(path)
            if ledger is not None:
                stack.enter_context(ledger)
            yield ledger

    @classmethod
    def is_there(cls, path: Path) -> bool:
        """Whether a ledger was born here. Looks at the file's first bytes only: SQLite would leave files beside it.

        Raises:
            Store: As `open`.
        """
        if _held[path.absolute()]:
            return True
        try:
            with path.open("rb") as file:
                header = file.read(_HEADER.size)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise Blocked(f"ledger {path}: cannot be read: {error.strerror}") from error
        magic, version, mark = _HEADER.unpack(header.ljust(_HEADER.size, b"\0"))
        if magic != b"SQLite format 3\0" or mark != APPLICATION_ID:
            raise Store(
                f"ledger {path}: this is not an insights ledger; set [storage] state to a folder of its own, "
                "or run `insights rebuild` if it was one"
            )
        if version > FORMAT:
            raise Newer(f"ledger {path}: format {version} is newer than this program's {FORMAT}; upgrade insights")
        return True

    def close(self) -> None:
        """Closes the file; the WAL is folded in by SQLite."""
        self._connection.close()
        _held[self._path] -= 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._guard:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """What is read inside is of one moment, whatever another process writes meanwhile."""
        with self._guard:
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("ROLLBACK")

    def _all(self, statement: str, /, **values: object) -> list[Row]:
        with self._guard:
            rows = self._connection.execute(statements("ledger")[statement], values).fetchall()
        return [dict(row) for row in rows]

    def _one(self, statement: str, /, **values: object) -> Row:
        return self._all(statement, **values)[0]

    def _do(self, statement: str, /, **values: object) -> None:
        self._connection.execute(statements("ledger")[statement], values)

    def _add_what_is_missing(self) -> None:
        """Gives a ledger that was born before them the counts of its slices and the small memories."""
        if not self.counts_slices:
            with self._writing():
                for statement in _additions():
                    self._connection.execute(statement)
                self._do("count_standing")
                self._do("count_standing_days")

    @property
    def counts_slices(self) -> bool:
        """Whether this ledger keeps the counts; one that no writer has opened for long may not."""
        return bool(self._one("has_additions")["found"])


def of_the_machine(error: BaseException) -> BaseException | None:
    """The disk's or the ledger's fault behind an error, also where tasks failed together; None for a fault of ours."""
    if isinstance(error, BaseExceptionGroup):
        causes = [of_the_machine(inner) for inner in error.exceptions]
        return None if None in causes else causes[0]
    return error if isinstance(error, OSError | sqlite3.Error) else None


@contextmanager
def refused(path: Path) -> Iterator[None]:
    """What SQLite cannot open, in words of ours."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in _OF_THE_MACHINE:
            raise Blocked(f"ledger {path}: cannot be opened ({error}); mend the cause and try again") from error
        raise Store(
            f"ledger {path}: cannot be opened ({error}); put a copy of it back, or run `insights rebuild`"
        ) from error


@contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    with contextlib.ExitStack() as undo:
        undo.callback(connection.close)
        yield
        undo.pop_all()


def _bear(path: Path, born: datetime, *, rehearsal: bool) -> None:
    """Makes the whole ledger beside its place and renames it there: a kill leaves a whole ledger or none."""
    make_folder(path.parent)
    new = path.with_name(f"{path.name}.new")
    for leftover in (f"{new.name}", f"{new.name}-journal", f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(leftover).unlink(missing_ok=True)
    with refused(path), contextlib.closing(sqlite3.connect(new, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for statement in (*statements("ledger")["create"].split(";\n"), *_additions()):
            connection.execute(statement)
        values = {"ledger_id": uuid.uuid4().hex, "rehearsal": int(rehearsal), "created_at": codec.instant(born)}
        connection.execute(statements("ledger")["born"], values)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={FORMAT}")
        connection.execute("COMMIT")
    new.replace(path)
    sync_folder(path.parent)


def _additions() -> list[str]:
    """Statements that may be repeated; triggers hold semicolons, so empty lines stand between them."""
    return statements("ledger")["additions"].split("\n\n")
