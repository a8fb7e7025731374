"""Owns the memory of a store. The only module that speaks its SQL (`pipeline/sql/ledger.sql`), with `ledger_file.py`.

Every slice with its state, its files and its landing number; slices that are about to land; report runs alive; quota
deadlines; small notes. One process writes it (see `pipeline/lock.py`); any number may read it.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from pipeline import codec
from pipeline.errors import Blocked, Newer, Store
from pipeline.ledger_file import LedgerFile, Row, refused
from pipeline.ledger_rows import (
    file_values,
    key_of,
    place_of,
    read_table,
    record_of,
    record_values,
    table_data,
    young_of,
)
from pipeline.statements import statements
from schemas.columns import Table
from schemas.periods import State
from schemas.work import Place, Ready, SliceFile, SliceId, SliceRecord

TO_LOSE = "lake.to_lose"
TO_SET_ASIDE = "lake.to_set_aside"
RETIRED = "lake.retired"
ADOPTABLE = timedelta(hours=12)
"""How old a report run may be to be adopted after a crash (design, invariant 9)."""
READINGS_KEPT = timedelta(days=2)
"""How long the readings of quotas are remembered: today beside yesterday, and no more."""


@dataclass(frozen=True, slots=True)
class BusinessAccounts:
    """When a business was last asked for its accounts, those it had, and those it had before and no longer shows."""

    asked_at: datetime | None
    present: tuple[str, ...]
    vanished: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """One table and scope in short: how many slices are known, the first and the last start, and the young slices."""

    slices: int
    first: datetime | None
    last: datetime | None
    young: Mapping[SliceId, SliceRecord]


class Ledger(LedgerFile):
    """One open ledger. Safe to call from several threads; every writing method is one transaction."""

    @classmethod
    def unsound(cls, path: Path) -> str:
        """Why the ledger cannot be used, in words; empty if it can. Reads all of it.

        Raises:
            Newer: A newer program wrote it; nothing is wrong with it.
            Blocked: The machine does not let it be read; nobody can say.
        """
        try:
            ledger = cls.read(path)
            if ledger is None:
                return "there was no ledger"
            with ledger, refused(path):
                found = ledger.damage()
        except (Newer, Blocked):
            raise
        except (Store, sqlite3.Error, ValueError, KeyError) as error:
            return str(error)
        return "" if found == "ok" else f"ledger {path}: it is damaged ({found})"

    def damage(self) -> str:
        """What SQLite finds wrong with the pages; then everything is read once, as no page can tell of wrong words."""
        found: str = self._connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found == "ok":
            self.slices(), self.places(), self.files(), self.tables(), self.landings()
        return found

    # ---- tables and definitions ----

    def tables(self) -> list[tuple[str, Table]]:
        """Every table that the store knows, with the report that owns it, in the order in which they came."""
        return [(row["report"], read_table(row)) for row in self._all("tables")]

    def definition_of(self, report: str) -> tuple[str, str] | None:
        """The grain hash and the definition hash that a report had when it was last loaded."""
        rows = self._all("report", name=report)
        return (rows[0]["grain"], rows[0]["definition"]) if rows else None

    def save_report(self, report: str, grain: str, definition: str, tables: Iterable[Table]) -> None:
        """Keeps a report's definition and the present columns of its tables."""
        with self._writing():
            self._do("save_report", name=report, grain=grain, definition=definition)
            for table in tables:
                self._do("save_table", **table_data(report, table))

    def reports(self) -> list[str]:
        """The names of every report or family table that was ever loaded."""
        return [row["name"] for row in self._all("reports")]

    # ---- slices ----

    def slices_of(self, table: str, scope: str) -> dict[SliceId, SliceRecord]:
        """What is known of one table and scope."""
        records = (record_of(row) for row in self._all("slices_of", table=table, scope=scope))
        return {record.id: record for record in records}

    def outline(self, table: str, scope: str, minutes: int, before: datetime, tomorrow: datetime) -> Outline | None:
        """What is known of one table and scope, with only those slices of which a load may want another reading.

        Without those last read more than so many minutes after their end, which is taken as if it were UTC, and those
        read from `before` on; with all that failed or were skipped. None where a reading lies after `tomorrow`, under
        a clock that was set back since: then ages tell nothing.
        """
        told = self._one("outline", table=table, scope=scope)
        if told["as_of"] is not None and told["as_of"] >= (codec.instant(tomorrow) or ""):
            return None
        values = {"table": table, "scope": scope, "minutes": minutes, "before": codec.instant(before)}
        with self._guard:
            rows = self._connection.execute(statements("ledger")["young"], values).fetchall()
        young = {record.id: record for record in (young_of(table, scope, row) for row in rows)}
        first, last = codec.read_border(told["first"] or ""), codec.read_border(told["last"] or "")
        return Outline(told["slices"], first, last, young)

    def slices(self) -> list[SliceRecord]:
        """Every slice, ordered by table, scope and start."""
        return [record_of(row) for row in self._all("slices")]

    def slice(self, slice_id: SliceId) -> SliceRecord | None:
        """What is known of one slice."""
        rows = self._all("slice", **key_of(slice_id))
        return record_of(rows[0]) if rows else None

    def files_of(self, slice_id: SliceId) -> tuple[SliceFile, ...]:
        """The files that a slice has in the lake."""
        rows = self._all("files_of", **key_of(slice_id))
        return tuple(SliceFile(row["file_table"], row["path"], row["rows"], row["fingerprint"]) for row in rows)

    def files_of_table(self, table: str) -> list[SliceFile]:
        """The files that all slices of one table or report have in the lake."""
        rows = self._all("files_of_table", table=table)
        return [SliceFile(row["file_table"], row["path"], row["rows"], row["fingerprint"]) for row in rows]

    def places(self) -> dict[SliceId, Place]:
        """Where each slice that ever landed lies."""
        return {
            SliceId(row["table_name"], row["scope"], codec.read_border(row["slice_start"])): codec.read_place(
                orjson.loads(row["place"])
            )
            for row in self._all("slices")
            if row["place"]
        }

    def landed(self) -> dict[SliceId, int]:
        """The landing number of each slice that ever landed."""
        return {
            SliceId(row["table_name"], row["scope"], codec.read_border(row["slice_start"])): row["landing"]
            for row in self._all("slices")
            if row["landing"]
        }

    def files(self) -> list[tuple[SliceId, SliceFile]]:
        """Every file of every slice."""
        return [
            (
                SliceId(row["table_name"], row["scope"], codec.read_border(row["slice_start"])),
                SliceFile(row["file_table"], row["path"], row["rows"], row["fingerprint"]),
            )
            for row in self._all("files")
        ]

    def days(self) -> tuple[datetime, datetime] | None:
        """The starts of the oldest and of the newest slice that has files; None where no slice has days."""
        row = self._one("days")
        first, last = codec.read_border(row["first"] or ""), codec.read_border(row["last"] or "")
        return (first, last) if first and last else None

    def files_since(self, start: datetime) -> set[str]:
        """The paths of the files of all slices that start there or later."""
        return {row["path"] for row in self._all("files_of_days", since=codec.border(start))}

    def fail(self, record: SliceRecord) -> None:
        """Remembers a failed or skipped attempt; rows of an earlier landing stay, and are still counted."""
        values = record_values(record)
        wanted = ("table", "scope", "start", "end", "time_zone", "state", "run_id", "definition", "reason")
        with self._writing():
            self._do("fail_slice", **{name: values[name] for name in wanted})

    def touch(self, ready: Ready) -> None:
        """Moves a slice's `as_of` after a re-read that found the same rows; files and landing number stay."""
        values = record_values(ready.record)
        with self._writing():
            wanted = ("table", "scope", "start", "end", "as_of", "reason")
            self._do("touch_slice", **{name: values[name] for name in wanted})

    # ---- how slices stand: counted at every change, so that a question over millions is a short one ----

    def scopes(self) -> list[Row]:
        """Every `table_name` and `scope` of which a slice is known, also in a ledger that keeps no counts."""
        return self._all("scopes")

    def standing(self, owner: str | None = None) -> list[Row]:
        """Per table, scope and state: `slices`, `rows`, and `asked_at`, the newest `as_of` as text ('' if none).

        `owner` narrows it to the scopes whose first part it is.
        """
        return self._all("standing", owner=owner)

    def standing_days(self, table: str | None = None) -> list[Row]:
        """Per table, day on which they start (ISO text) and state: how many slices over all scopes."""
        return self._all("standing_days", table=table)

    def landed_until(self, table: str, scope: str) -> date | None:
        """The day on which the newest slice with rows, or known to have none, starts; None without such a day."""
        newest = codec.read_border(self._one("landed_until", table=table, scope=scope)["newest"] or "")
        return newest.date() if newest else None

    def newest_in_state(self, table: str, scope: str, state: State) -> SliceRecord | None:
        """The newest slice that stands in this state."""
        rows = self._all("newest_in_state", table=table, scope=scope, state=state.value)
        return record_of(rows[0]) if rows else None

    def placed_slices(self, table: str, scope: str) -> list[tuple[SliceRecord, Place | None]]:
        """The slices of one table and scope, each with where it lies if it ever landed."""
        return [(record_of(row), place_of(row)) for row in self._all("slices_of", table=table, scope=scope)]

    def placed_slices_from(
        self, table: str, scope: str, start: datetime, end: datetime
    ) -> list[tuple[SliceRecord, Place | None]]:
        """The same of those that start from `start` up to, not including, `end` (local wall time)."""
        rows = self._all("slices_from", table=table, scope=scope, start=codec.border(start), end=codec.border(end))
        return [(record_of(row), place_of(row)) for row in rows]

    def placed_slice(self, slice_id: SliceId) -> tuple[SliceRecord, Place | None] | None:
        """The same of one slice; None if nothing is known of it."""
        rows = self._all("slice", **key_of(slice_id))
        return (record_of(rows[0]), place_of(rows[0])) if rows else None

    # ---- landing ----

    def begin_landing(self, slices: Iterable[Ready]) -> list[int]:
        """Says `landing` with each slice and its temporary files, before the first of them is renamed."""
        with self._writing():
            for ready in slices:  # what an earlier landing of this slice left undone must not be made up after this one
                if not ready.joins:
                    self._do("supersede_landing", **key_of(ready.record.id))
            return [self._one("begin_landing", slice=codec.ready_text(ready))["id"] for ready in slices]

    def landings(self) -> list[tuple[int, Ready]]:
        """Slices that a killed process left between their temporary files and their place."""
        return [(row["id"], codec.read_ready(row["slice"])) for row in self._all("landings")]

    def end_landing(self, landed: Iterable[tuple[int, Ready]]) -> None:
        """Says `landed`, drawing the landing numbers in this last transaction, so that they become visible in order."""
        with self._writing():
            for landing, ready in landed:
                self._save(ready)
                self._do("end_landing", id=landing)

    def adopt(self, slices: Iterable[Ready]) -> None:
        """Takes up slices whose files lie in their places already, in order, under landing numbers of this ledger."""
        with self._writing():
            for ready in slices:
                self._save(ready)

    def _save(self, ready: Ready) -> None:
        key = key_of(ready.record.id)
        number = self._one("next_landing")["last_landing"]
        place = orjson.dumps(codec.place_data(ready.place)).decode()
        self._do("save_slice", **record_values(ready.record), place=place, landing=number)
        if not ready.joins:
            self._do("forget_files", **key)
        for written in ready.files:
            self._do("save_file", **key, **file_values(written.file))

    def lose_landing(self, landing: int, ready: Ready, *, forget: bool) -> None:
        """A file is neither temporary nor in place: the slice is due again, whatever else is known of it.

        `forget` it altogether, or only when it was asked, where the files of an older reading are still whole.
        """
        with self._writing():
            for name in ("forget_slice", "forget_files") if forget else ("forget_as_of",):
                self._do(name, **key_of(ready.record.id))
            self._do("end_landing", id=landing)

    # ---- publication ----

    @property
    def last_landing(self) -> int:
        """The highest landing number drawn so far."""
        return int(self._one("store")["last_landing"])

    def landed_after(self, number: int) -> list[tuple[SliceId, Place, tuple[SliceFile, ...]]]:
        """The slices that landed after `number`, with where they lie and their files, in order of landing."""
        found = []
        for row in self._all("landed_after", number=number):
            slice_id = SliceId(row["table_name"], row["scope"], codec.read_border(row["slice_start"]))
            found.append((slice_id, codec.read_place(orjson.loads(row["place"])), self.files_of(slice_id)))
        return found

    def publications(self) -> list[tuple[int, int, int]]:
        """Inode, size and mtime (ns) that the published file may have if nobody but us wrote it."""
        return [(row["inode"], row["size"], row["mtime_ns"]) for row in self._all("publications")]

    def expect_publication(self, inode: int, size: int, mtime_ns: int) -> None:
        """Before the replace: the present file or this one is ours."""
        with self._writing():
            self._do("save_publication", inode=inode, size=size, mtime_ns=mtime_ns)

    def only_publication(self, inode: int, size: int, mtime_ns: int) -> None:
        """After the replace: only this one is ours."""
        with self._writing():
            self._do("forget_publications")
            self._do("save_publication", inode=inode, size=size, mtime_ns=mtime_ns)

    def distrust_publication(self) -> None:
        """Makes the next publication build the warehouse whole from the lake."""
        with self._writing():
            self._do("forget_publications")

    # ---- runs ----

    def begin_run(self, run_id: str, command: str, at: datetime) -> None:
        """A run of this pipeline begins."""
        with self._writing():
            self._do("begin_run", run_id=run_id, command=command, started_at=codec.instant(at))

    def end_run(self, run_id: str, outcome: str, summary: Mapping[str, object], at: datetime) -> None:
        """A run ends; `summary` is what `--json` prints."""
        text = orjson.dumps(summary).decode()
        with self._writing():
            self._do("end_run", run_id=run_id, outcome=outcome, summary=text, finished_at=codec.instant(at))

    def runs(self) -> list[Row]:
        """Every run, oldest first."""
        return self._all("runs")

    def states(self) -> list[Row]:
        """Per table, scope and state: `slices`, `rows`, and `as_of`, the newest (ISO text, None if there is none)."""
        return self._all("states")

    def failures(self) -> list[Row]:
        """Per table and scope with failed slices: `slices`, `first` (ISO text), and the `reason` of the newest."""
        return self._all("failures")

    @property
    def born_at(self) -> datetime:
        """When the store was born."""
        return datetime.fromisoformat(self._one("store")["created_at"])

    def last_runs(self) -> dict[str, Row]:
        """The newest run of each command that was not interrupted."""
        return {row["command"]: row for row in self._all("last_runs")}

    def recent_runs(self, most: int) -> list[Row]:
        """The newest runs first, each with the `progress` (JSON) that it wrote down at `saved_at`; both may be None."""
        return self._all("recent_runs", most=most)

    def run(self, run_id: str) -> Row | None:
        """One run; None if it is not known."""
        rows = self._all("run", run_id=run_id)
        return rows[0] if rows else None

    def save_progress(
        self, run_id: str, progress: Mapping[str, object], readings: Iterable[tuple[str, datetime, float]], at: datetime
    ) -> None:
        """Keeps how far a run has come and what quotas were read; readings older than `READINGS_KEPT` are forgotten."""
        with self._writing():
            text = orjson.dumps(progress).decode()
            self._do("save_progress", run_id=run_id, progress=text, saved_at=codec.instant(at))
            for quota, read_at, utilisation in readings:
                values = {"read_at": codec.instant(read_at), "utilisation": utilisation}
                self._do("save_reading", quota=quota, **values)
            self._do("forget_readings", before=codec.instant(at - READINGS_KEPT))

    def readings(self, since: datetime, first: str, last: str) -> list[Row]:
        """What was read of the quotas named from `first` to `last`, both inclusive, in order; the oldest first.

        Each has `quota`, `read_at` (text) and `utilisation` in percent.
        """
        return self._all("readings", since=codec.instant(since), first=first, last=last)

    def quota_peaks(self, since: datetime) -> list[tuple[str, float]]:
        """Every quota that was read, with its highest utilisation in percent; the highest first."""
        return [(row["quota"], row["peak"]) for row in self._all("quota_peaks", since=codec.instant(since))]

    def report_runs_of(self, slice_id: SliceId, most: int) -> list[Row]:
        """The report runs that asked for a slice, the newest first."""
        return self._all("report_runs_of", **key_of(slice_id), most=most)

    def submitted(self, report_run_id: str, record: SliceRecord, at: datetime) -> None:
        """A report run's id, committed before anything waits for it (invariant 9)."""
        values = record_values(record)
        wanted = {name: values[name] for name in ("table", "scope", "start", "end", "definition", "run_id")}
        with self._writing():
            self._do("submitted", report_run_id=report_run_id, submitted_at=codec.instant(at), **wanted)

    def report_run_ended(self, report_run_id: str, state: str, at: datetime, reason: str = "", rows: int = 0) -> None:
        """A report run is no longer waited for: `read`, `failed`, `skipped`, `expired`, `abandoned`."""
        percent = 100 if state == "read" else 0
        ended = {"state": state, "percent": percent, "finished_at": codec.instant(at), "rows": rows, "reason": reason}
        with self._writing():
            self._do("report_run", report_run_id=report_run_id, **ended)

    def report_runs(self) -> list[Row]:
        """Every report run ever submitted, oldest first."""
        return self._all("report_runs")

    def adoptable(self, now: datetime) -> list[Row]:
        """Report runs that a killed process left alive and that are young enough to be adopted."""
        return self._all("live_report_runs", since=codec.instant(now - ADOPTABLE))

    def too_old(self, now: datetime) -> list[Row]:
        """Report runs that a killed process left alive and that are too old to be adopted."""
        return self._all("old_report_runs", since=codec.instant(now - ADOPTABLE))

    # ---- requests: the one thing that others write while a process holds the store ----

    def make_request(self, command: str, choice: Mapping[str, object], at: datetime) -> int:
        """Asks the process that holds the store for something; the request's number."""
        with self._writing():
            values = {"choice": orjson.dumps(choice).decode(), "asked_at": codec.instant(at)}
            return int(self._one("make_request", command=command, **values)["id"])

    def requests(self) -> list[Row]:
        """Every request ever made, oldest first; `choice` and `doing` as data."""
        rows = self._all("requests")
        return [{**row, "choice": orjson.loads(row["choice"]), "doing": orjson.loads(row["doing"])} for row in rows]

    def request_is_at(self, number: int, doing: Mapping[str, object]) -> None:
        """How far a request is, so that a killed process goes on there."""
        with self._writing():
            self._do("request_is_at", id=number, doing=orjson.dumps(doing).decode())

    def end_request(self, number: int, outcome: str, at: datetime) -> None:
        """A request is carried out, or never will be."""
        with self._writing():
            self._do("end_request", id=number, outcome=outcome, finished_at=codec.instant(at))

    # ---- accounts, deadlines, notes, missing objects ----

    def accounts(self) -> dict[str, Row]:
        """What is known of each ad account: name, time zone, currency."""
        return {row["account_id"]: row for row in self._all("accounts")}

    def save_account(self, account_id: str, name: str, time_zone: str, currency: str, at: datetime) -> None:
        """Keeps what an account said of itself."""
        with self._writing():
            values = {"name": name, "time_zone": time_zone, "currency": currency, "seen_at": codec.instant(at)}
            self._do("save_account", account_id=account_id, **values)

    def business_accounts(self, business_id: str) -> BusinessAccounts:
        """What is known of a business's accounts."""
        asked = self._one("business_asked", business_id=business_id)["asked_at"]
        rows = self._all("business_accounts", business_id=business_id)
        return BusinessAccounts(
            codec.read_instant(asked),
            tuple(row["account_id"] for row in rows if row["asked_at"] == asked),
            tuple(row["account_id"] for row in rows if row["asked_at"] != asked),
        )

    def save_business(self, business_id: str, accounts: Iterable[str], at: datetime) -> None:
        """Keeps which accounts a business has; an empty id stands for having asked at all."""
        with self._writing():
            for account_id in ("", *accounts):
                values = {"business_id": business_id, "account_id": account_id, "asked_at": codec.instant(at)}
                self._do("save_business_account", **values)

    def deadlines(self) -> list[tuple[str, datetime]]:
        """Quotas that were blocked, and until when."""
        return [(row["quota"], datetime.fromisoformat(row["until"])) for row in self._all("deadlines")]

    def save_deadline(self, quota: str, until: datetime) -> None:
        """Nothing is sent on `quota` before `until`, also after a restart."""
        with self._writing():
            self._do("save_deadline", quota=quota, until=codec.instant(until))

    def note(self, name: str) -> Any:
        """A small memory by its name; None if there is none."""
        rows = self._all("note", name=name)
        return orjson.loads(rows[0]["value"]) if rows else None

    def save_note(self, name: str, value: object) -> None:
        """Keeps a small memory."""
        with self._writing():
            self._do("save_note", name=name, value=orjson.dumps(value).decode())

    def missing(self) -> list[Row]:
        """Ids that Meta refuses."""
        return self._all("missing")

    def save_missing(self, account_id: str, kind: str, refused: Mapping[str, object], at: datetime) -> None:
        """An id that Meta refused: `refused` holds id, reason, code, subcode."""
        with self._writing():
            self._do("save_missing", account_id=account_id, kind=kind, at=codec.instant(at), **refused)

    def save_answers(
        self, account_id: str, kind: str, refused: Iterable[Mapping[str, object]], found: Iterable[str], at: datetime
    ) -> None:
        """What became of many ids, in one transaction: the refused ones as in `save_missing`, and those found again."""
        with self._writing():
            for one in refused:
                self._do("save_missing", account_id=account_id, kind=kind, at=codec.instant(at), **one)
            for object_id in found:
                self._do("found", kind=kind, id=object_id)

    def found(self, kind: str, object_id: str) -> None:
        """An id that was missing and no longer is."""
        with self._writing():
            self._do("found", kind=kind, id=object_id)

    # ---- forgetting ----

    def drop_report(self, report: str, paths: Sequence[str] = ()) -> None:
        """Forgets a report with all its tables and slices; the warehouse is built whole at the next publication.

        A copy would do until a report of the same name came first: it would be given the old one's rows. `paths` are
        what the lake must lose for it; they are remembered until `lost`.
        """
        with self._writing():
            for name in ("drop_table_rows", "drop_report", "drop_slices", "drop_files", "drop_runs"):
                self._do(name, report=report)
            self._do("forget_publications")
            self._remember_to_lose(paths)

    def drop_account(self, account: str, paths: Sequence[str] = ()) -> None:
        """Forgets an account everywhere; otherwise as `drop_report`."""
        with self._writing():
            for name in ("slices", "files", "runs"):
                self._do(f"drop_account_{name}", account=account)
            self._do("drop_account", account=account)
            self._do("drop_account_missing", account=account)
            self._do("forget_publications")
            self._remember_to_lose(paths)

    def _remember_to_lose(self, paths: Sequence[str]) -> None:
        self._do("save_note", name=TO_LOSE, value=orjson.dumps([*self.to_lose(), *paths]).decode())

    def to_lose(self) -> list[str]:
        """Paths of the lake that were dropped from the ledger and may still lie there."""
        return list(self.note(TO_LOSE) or [])

    def lost(self) -> None:
        """They are gone."""
        self.save_note(TO_LOSE, [])

    def to_set_aside(self) -> tuple[str, list[str]]:
        """Paths of the lake that belong to no slice and may still lie in its way, and the folder that they go to."""
        folder, paths = self.note(TO_SET_ASIDE) or ("", [])
        return folder, list(paths)

    def retire(self, slices: Iterable[Ready], at: datetime) -> None:
        """Takes the files of slices out of what is published; until `lose_retired` they stay in the lake.

        Each lands anew, under a number of its own and without files, so that a publication leaves its rows out.
        """
        with self._writing():
            retired = self.retired()
            for ready in slices:
                retired |= dict.fromkeys(
                    (file.path for file in self.files_of(ready.record.id)), codec.instant(at) or ""
                )
                self._save(ready)
            self._do("save_note", name=RETIRED, value=orjson.dumps(retired).decode())

    def retired(self) -> dict[str, str]:
        """Paths of the lake that were retired and may still lie there, and when they were."""
        return dict(self.note(RETIRED) or {})

    def lose_retired(self, paths: Iterable[str]) -> None:
        """They are gone."""
        gone = frozenset(paths)
        self.save_note(RETIRED, {path: at for path, at in self.retired().items() if path not in gone})

    def remember_aside(self, folder: str, paths: Sequence[str]) -> None:
        """What is to be moved there; none once it is."""
        self.save_note(TO_SET_ASIDE, [folder, list(paths)])
