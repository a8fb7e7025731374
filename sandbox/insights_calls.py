"""Owns the five insights calls: synchronous rows, submission, poll, and the rows of a run (graph-api.md 2.4, 2.5)."""

import asyncio
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import orjson

from sandbox.calls import Call, Reply
from sandbox.evaluation import withheld
from sandbox.faults import CATALOGUE, invalid, named, no_object
from sandbox.field_names import UNIQUE
from sandbox.paging import Address, offset_cursor, paging, read_offset
from sandbox.parameters import whole, words
from sandbox.query import DEFAULT_PAGE, LARGEST_PAGE, Query, read_query
from sandbox.row_book import RowBook, Sheet, encode, work_out
from sandbox.runs import DEFAULT_FIELDS, FAILED, READABLE, RUNNING, Fate, Run
from sandbox.scenario import Do
from sandbox.selection import selected
from sandbox.state import State
from sandbox.world import Node

_FAILED_PERCENT = 35
_TOO_LARGE_PERCENT = 60
"""Above what a run shows while its rows are still counted."""

_KEPT_RUNS = 256


@dataclass(frozen=True, slots=True)
class _Page:
    """Which rows a call wants."""

    start: int
    limit: int


class InsightsCalls:
    """Answers everything about insights rows."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._book = RowBook(state)
        self._sheets: dict[str, asyncio.Task[Sheet]] = {}

    async def sync(self, call: Call, node: Node, do: Do) -> Reply:
        """Answer rows at once; more than the limit of rows is 100/1487534."""
        today = self._state.today(node.account_id)
        query = read_query(node, call.parameters, today)
        page = _page(call)
        sheet = await self._book.sheet(query, today, _order(query, today))
        self._charge(node.account_id, query, len(sheet.rows))
        if len(sheet.rows) > self._state.options.sync_row_limit:
            raise named("100/1487534")
        return self._rows(call, sheet, page, do)

    async def submit(self, call: Call, node: Node, do: Do) -> Reply:
        """Create a run and start to work it out; its rows are those known at this moment."""
        now, today = self._state.clock.now(), self._state.today(node.account_id)
        query = read_query(node, call.parameters, today)
        if UNIQUE.intersection(query.fields) & withheld(query, today):
            self._state.quotas.count_reach(node.account_id, now)
        run = self._state.runs.submit(query, node.account_id, today, now)
        run.fate = _fate(do)
        self._sheets[run.id] = asyncio.create_task(self._work_out(run))
        for forgotten in list(self._sheets)[:-_KEPT_RUNS]:
            del self._sheets[forgotten]
        return Reply(200, encode({"report_run_id": run.id}))

    async def _work_out(self, run: Run) -> Sheet:
        sheet = await self._book.sheet(run.query, run.as_of, run.id)
        self._charge(run.account_id, run.query, len(sheet.rows))
        run.rows = len(sheet.rows)
        if run.rows > self._state.options.async_row_limit:
            run.fate = Fate(FAILED, _TOO_LARGE_PERCENT, _error_fields(CATALOGUE["-3/1504045"].error))
        return sheet

    def _charge(self, account: str, query: Query, rows: int) -> None:
        unique = bool(UNIQUE.intersection(query.fields))
        self._state.quotas.charge(
            account, self._state.clock.now(), rows, unique=unique, breakdowns=len(query.breakdowns)
        )

    async def poll(self, call: Call, run: Run, do: Do) -> Reply:
        """Show a run's state."""
        now = self._state.clock.now()
        if run.expired(now):
            raise no_object(run.id)
        run.fate = _fate(do, at_once=True) or run.fate
        shown = run.shown(now, self._state.options.profile)
        names = tuple(item.name for item in selected(call.parameters)) or DEFAULT_FIELDS
        for name in names:
            if name not in READABLE:
                raise invalid(f"Tried accessing nonexisting field ({name}) on node type (AdReportRunV2)")
        return Reply(200, encode({name: shown[name] for name in ("id", *names) if name in shown}))

    async def page(self, call: Call, run: Run, do: Do) -> Reply:
        """Answer a page of a completed run; 2601/1815107 before."""
        now = self._state.clock.now()
        if run.expired(now):
            raise no_object(run.id)
        if not run.completed(now):
            raise named("2601/1815107")
        page = _page(call)
        return self._rows(call, await self._sheet(call, run), page, do)

    async def _sheet(self, call: Call, run: Run) -> Sheet:
        fields, summary = words(call.parameters, "fields"), words(call.parameters, "summary")
        absent = [name for name in summary or () if name not in run.query.fields]
        if absent:
            names = ", ".join(absent)
            words_ = (
                f"Cannot include {names} in summary param because they weren't there while creating the report run."
            )
            raise invalid(words_)
        if not fields and not summary and run.id in self._sheets:
            return await asyncio.shield(self._sheets[run.id])
        query = replace(run.query, fields=fields or run.query.fields, summary=summary or run.query.summary)
        for name in query.fields:
            if name not in {*run.query.fields, "date_start", "date_stop"}:
                raise invalid(f"{name} was not among the fields of the report run")
        return await self._book.sheet(query, run.as_of, run.id)

    def _rows(self, call: Call, sheet: Sheet, page: _Page, do: Do) -> Reply:
        if do.get("empty_page"):
            return self._empty(call, page)
        part = sheet.rows[page.start : page.start + page.limit]
        members = [b'"data":[' + b",".join(part) + b"]"]
        if part:
            members.append(b'"paging":' + encode(self._paging(call, page, len(part), len(sheet.rows), do)))
        if sheet.summary is not None:
            members.append(b'"summary":' + sheet.summary)
        return Reply(200, b"{" + b",".join(members) + b"}")

    def _paging(self, call: Call, page: _Page, length: int, total: int, do: Do) -> dict[str, Any]:
        end = page.start + length
        after = offset_cursor(end - 1)
        if do.get("repeat_cursor"):
            after = call.parameters.get("after", after)
        elif end < total:
            self._state.note_next(call, after)
        before = offset_cursor(page.start)
        return paging(_address(call), before, after, earlier=page.start > 0, later=end < total)

    def _empty(self, call: Call, page: _Page) -> Reply:
        """Answer no rows and a `next` that leads to the rows left out here."""
        cursor = offset_cursor(page.start - 1, distinct=True)
        self._state.note_next(call, cursor)
        found = paging(_address(call), cursor, cursor, earlier=False, later=True)
        return Reply(200, encode({"data": [], "paging": found}))

    def settle(self) -> list[asyncio.Task[Sheet]]:
        """Return the work still under way."""
        return [task for task in self._sheets.values() if not task.done()]


def _order(query: Query, as_of: date) -> str:
    """Return what shuffles synchronous rows: the same for all pages of a question on one day."""
    return f"{query}{as_of}"


def nested_insights(state: State, call: Call, node: Node) -> dict[str, Any] | None:
    """Return the `insights` member of a node whose fields asked for it; None without rows."""
    today, page = state.today(node.account_id), _page(call)
    query = read_query(node, call.parameters, today)
    rows = work_out(state, query, today, _order(query, today)).rows
    part = rows[page.start : page.start + page.limit]
    end = page.start + len(part)
    cursors = offset_cursor(page.start), offset_cursor(end - 1)
    links = paging(_address(call), *cursors, earlier=page.start > 0, later=end < len(rows))
    return {"data": [orjson.Fragment(row) for row in part], "paging": links} if part else None


def _page(call: Call) -> _Page:
    limit = whole(call.parameters, "limit")
    limit = DEFAULT_PAGE if limit is None else limit
    if limit < 1:
        raise invalid("Param limit must be greater than 0")
    if limit > LARGEST_PAGE:
        raise named("1/reduce")
    if call.parameters.get("after"):
        return _Page(max(0, read_offset(call.parameters["after"]) + 1), limit)
    if call.parameters.get("before"):
        end = read_offset(call.parameters["before"])
        return _Page(max(0, end - limit), min(limit, max(1, end)))
    return _Page(0, limit)


def _address(call: Call) -> Address:
    return Address(call.url, call.parameters)


def _fate(do: Do, *, at_once: bool = False) -> Fate | None:
    if "run_stuck_at" in do:
        return Fate(RUNNING, int(do["run_stuck_at"]))
    if "run_status" not in do:
        return None
    return Fate(str(do["run_status"]), int(do.get("percent", _FAILED_PERCENT)), _error_fields(do), at_once)


def _error_fields(source: Do) -> dict[str, Any]:
    """Name the error members as a run's node does."""
    names = {"code": "error_code", "message": "error_message"}
    found = {names.get(name, name): value for name, value in source.items()}
    wanted = {"error_code", "error_message", "error_subcode", "error_user_title", "error_user_msg"}
    return {name: value for name, value in found.items() if name in wanted}
