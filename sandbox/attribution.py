"""Owns the calls of Advanced Attribution (graph-api.md 6): lists, writes, runs and downloads, faults included.

Beside Graph it answers, under `/sandbox/attribution`: `truth` (GET; everything, `run=` for one run with its rows),
`downloads` (GET; every fetch of a file, and whether a token came along), `limits` (POST `{"rows": 100, "days": 7}`) and
`retire` (POST `{"retired": true}`: from then on Graph knows none of these paths). A scenario's `run_status` on the
creation of a run (`op` create, path `/report_runs$`) is how the run will end.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from sandbox.attribution_book import COMPLETED, FAILURES, Book, Report, Run
from sandbox.attribution_definitions import REPORT_FIELDS, SCHEDULE_FIELDS
from sandbox.attribution_files import CONTENT_TYPES, file_of
from sandbox.attribution_world import COLUMNS, LINES, LineOfBusiness, line_with
from sandbox.calls import Call, Reply, Target
from sandbox.digest import draw
from sandbox.faults import GraphError, fault, invalid, no_object
from sandbox.paging import Address, opaque_cursor, paging, read_opaque
from sandbox.parameters import structure, whole
from sandbox.row_book import encode
from sandbox.scenario import Do
from sandbox.selection import selected
from sandbox.state import State

Objects = Sequence[dict[str, Any]]

_ROOT = "/sandbox/attribution"
_PAGE = 25
_LARGEST_PAGE = 500
_LISTED = {
    "campaigns": ("id", "name", "alias", "type"),
    "fb_conversion_events": ("id", "name"),
    "publishers": ("id", "name"),
    "report_columns": tuple(sorted({name for column in COLUMNS for name in column})),
    "reports": REPORT_FIELDS,
    "report_runs": ("id", "status"),
    "report_schedules": SCHEDULE_FIELDS,
}
_TYPES = {"campaigns": "AtlasCampaign", "reports": "AttributionReport"}


@dataclass(slots=True)
class Attribution:
    """Lines of business 800 and 801, on one state."""

    state: State
    book: Book = field(init=False)
    retired: bool = False
    downloads: list[dict[str, Any]] = field(default_factory=list)
    _nodes: dict[str, dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.book = Book(self.state.options.seed)
        found = (one for line in LINES for one in (line.node, *line.campaigns, *line.publishers, *line.events))
        self._nodes = {one["id"]: one for one in found}

    # ---- Graph ----

    def target(self, call: Call) -> Target | None:
        """Tell what a call aims at; an id of another family is not ours."""
        object_id, _, edge = call.path.partition("/")
        if self._node(object_id) is None:
            return None
        op = "create" if call.method == "POST" else "file" if edge == "data" else "list" if edge else "object"
        return Target(op, "", object_id, edge)

    async def answer(self, call: Call, target: Target, do: Do) -> Reply:
        """Answer a call; once retired, as Graph answers for what it no longer has."""
        if self.retired:
            if target.edge:
                raise GraphError(fault(400, 2500, f"Unknown path components: /{target.edge}"))
            raise no_object(target.object_id)
        if call.method == "POST":
            return self._write(call, target, do)
        if target.edge == "data":
            return self._data(call, target)
        if target.edge:
            return Reply(200, encode(self._listed(call, target.edge, self._children(call, target))))
        return Reply(200, encode(_with_fields(call, target.edge, self._node(target.object_id) or {})))

    def _node(self, object_id: str) -> dict[str, Any] | None:
        if object_id in self.book.reports:
            return self.book.reports[object_id].shown
        run = self.book.run(object_id)
        if run is not None:
            return run.shown(self.state.clock.now())
        return self.book.schedule(object_id) or self._nodes.get(object_id)

    def _children(self, call: Call, target: Target) -> Objects:
        line = next((line for line in LINES if line.id == target.object_id), None)
        report = self.book.reports.get(target.object_id)
        if line is not None and target.edge in {"campaigns", "fb_conversion_events", "report_columns", "reports"}:
            return self._of_line(call, line, target.edge)
        if report is not None and target.edge == "report_runs":
            return [run.shown(self.state.clock.now()) for run in report.runs]
        if report is not None and target.edge == "report_schedules":
            return [report.schedule] if report.schedule else []
        owner = line_with(target.object_id)
        if owner is not None and target.edge == "publishers":
            listed = owner.listed[target.object_id]
            return _filtered(call, [one for one in owner.publishers if one["id"] in listed])
        raise invalid(f"Tried accessing nonexisting field ({target.edge}) on node type (BusinessUnit)")

    def _of_line(self, call: Call, line: LineOfBusiness, edge: str) -> Objects:
        if edge == "report_columns":
            return COLUMNS
        if edge == "reports":
            return [report.shown for report in self.book.reports.values() if report.line is line]
        return _filtered(call, line.campaigns if edge == "campaigns" else line.events)

    def _listed(self, call: Call, edge: str, found: Objects) -> dict[str, Any]:
        """Answer one page; the list ends where `next` is absent."""
        limit = whole(call.parameters, "limit") or _PAGE
        if limit > _LARGEST_PAGE:
            raise invalid("Param limit is too large")
        names = [str(one.get("id", one.get("key"))) for one in found]
        after = call.parameters.get("after")
        start = names.index(read_opaque(after)) + 1 if after else 0
        part = found[start : start + limit]
        body: dict[str, Any] = {"data": [_with_fields(call, edge, one) for one in part]}
        if part:
            cursors = [opaque_cursor(names[start]), opaque_cursor(names[start + len(part) - 1])]
            later = start + len(part) < len(found)
            if later:
                self.state.note_next(call, cursors[1])
            address = Address(call.url, call.parameters)
            body["paging"] = paging(address, *cursors, earlier=start > 0, later=later)
        return body

    def _write(self, call: Call, target: Target, do: Do) -> Reply:
        """Create or change; the shape of the answer is not published, so it is one of three (6.2 [inferred])."""
        bodies = structure(call.parameters, target.edge)
        if not isinstance(bodies, list) or not all(isinstance(body, dict) for body in bodies):
            raise invalid(f"Param {target.edge} must be a list of objects")
        ids = [self._written(target, body, do) for body in bodies]
        shapes: tuple[dict[str, Any], ...] = (
            {"data": [{"id": one} for one in ids]},
            {"id": ids[0]} if len(ids) == 1 else {"data": [{"id": one} for one in ids]},
            {"success": True},
        )
        return Reply(200, encode(shapes[draw(self.state.options.seed, "shape", ids[0]) % len(shapes)]))

    def _written(self, target: Target, body: dict[str, Any], do: Do) -> str:
        line = next((line for line in LINES if line.id == target.object_id), None)
        report = self.book.reports.get(target.object_id)
        if line is not None and target.edge == "reports":
            return self.book.save_report(line, body).id
        if report is not None and target.edge == "report_runs":
            return self._started(report, body, str(do.get("run_status", COMPLETED))).id
        if report is not None and target.edge == "report_schedules":
            return str(self.book.save_schedule(report, body)["id"])
        raise invalid(f"Unsupported post request to {target.edge}")

    def _started(self, report: Report, body: dict[str, Any], fate: str) -> Run:
        if fate not in {COMPLETED, *FAILURES}:
            raise invalid(f"a run cannot end as {fate}")
        return self.book.save_run(report, body, self.state.clock.now(), self.state.options.run_seconds, fate)

    def _data(self, call: Call, target: Target) -> Reply:
        """Redirect to the file on another host; the page says 304, which cannot redirect (section 8, row 32)."""
        run = self.book.run(target.object_id)
        if run is None or run.status(self.state.clock.now()) != COMPLETED:
            raise invalid("The report run is not completed")
        host = urlsplit(call.host)
        other = "localhost" if host.hostname == "127.0.0.1" else "127.0.0.1"
        signature = f"{draw(self.state.options.seed, 'signed', run.id):016x}"
        name = f"{call.parameters.get('filename', 'report')}.{run.file_format}"
        address = f"{host.scheme}://{other}:{host.port}{_ROOT}/files/{run.id}/{name}?sig={signature}%2F%3D&exp=1"
        return Reply(302, b"", {"Location": address})

    # ---- beside Graph ----

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the file host and the control calls."""
        return [
            web.get(f"{_ROOT}/files/{{run}}/{{name}}", self.file),
            web.get(f"{_ROOT}/truth", self.truth),
            web.get(f"{_ROOT}/downloads", self.fetched),
            web.post(f"{_ROOT}/limits", self.limit),
            web.post(f"{_ROOT}/retire", self.retire),
        ]

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Answer a file to whoever has its signed address, and note whether a token came along."""
        run = self.book.run(request.match_info["run"])
        call = Call("GET", "", request.path.strip("/"), dict(request.query), f"http://{request.host}")
        target = Target("file", "", request.match_info["run"])
        do = self.state.scenario.take(call, target, 0)
        sent = f"{request.raw_headers!r} {request.rel_url}"
        told = "sandbox-token" in sent or "Authorization" in request.headers or "access_token" in request.query
        self.downloads.append({"run": request.match_info["run"], "host": request.host, "token": told})
        signed = run is not None and request.query.get("sig") == (
            f"{draw(self.state.options.seed, 'signed', run.id):016x}/="
        )
        if "reply" in do:
            return web.Response(status=int(do["reply"].get("status", 200)), text=str(do["reply"].get("body", "")))
        if run is None or not signed:
            return web.Response(status=403, text="<Error>AccessDenied</Error>", content_type="application/xml")
        body = file_of(run.sheet, run.file_format)
        if "cut" in do:
            return await _cut(request, body, int(do["cut"]))
        return web.Response(body=body, content_type=CONTENT_TYPES[run.file_format])

    async def truth(self, request: web.Request) -> web.Response:
        """Answer everything that is known, or one run with its rows; figures are texts, digit by digit."""
        now = self.state.clock.now()
        if "run" in request.query:
            run = self.book.run(request.query["run"])
            return _json({"error": "no such run"}, 404) if run is None else _json(run.told(now))
        return _json(
            {
                "lines": [line.node for line in LINES],
                "campaigns": {line.id: line.campaigns for line in LINES},
                "publishers": {
                    line.id: {key: [p for p in line.publishers if p["id"] in ids] for key, ids in line.listed.items()}
                    for line in LINES
                },
                "fb_conversion_events": {line.id: line.events for line in LINES},
                "report_columns": COLUMNS,
                "reports": [{**report.shown, "line": report.line.id} for report in self.book.reports.values()],
                "report_runs": [
                    {**run.shown(now), "report_id": report.id}
                    for report in self.book.reports.values()
                    for run in report.runs
                ],
                "report_schedules": [
                    {**report.schedule, "report_id": report.id}
                    for report in self.book.reports.values()
                    if report.schedule
                ],
            }
        )

    async def fetched(self, _: web.Request) -> web.Response:
        """Answer every fetch of a file."""
        return _json({"downloads": self.downloads})

    async def limit(self, request: web.Request) -> web.Response:
        """Set what one run may hold."""
        for name, value in (await request.json()).items():
            setattr(self.book.limits, name, int(value))
        return _json({"rows": self.book.limits.rows, "days": self.book.limits.days})

    async def retire(self, request: web.Request) -> web.Response:
        """Take the whole family away, or bring it back."""
        self.retired = bool((await request.json()).get("retired", True))
        return _json({"retired": self.retired})


def _with_fields(call: Call, edge: str, found: dict[str, Any]) -> dict[str, Any]:
    """Show what `fields` asks for; everything without it."""
    wanted = [item.name for item in selected(call.parameters)]
    for name in wanted:
        if name not in _LISTED.get(edge, found):
            raise invalid(
                f"Tried accessing nonexisting field ({name}) on node type ({_TYPES.get(edge, 'AttributionNode')})"
            )
    kept = {name: found[name] for name in wanted if name in found} if wanted else found
    return {**kept, "id": found["id"]} if "id" in found else kept


def _filtered(call: Call, found: Objects) -> Objects:
    """Apply `filter_by` (6.3): `filter_strings` in the samples, `filter_string` in the words."""
    wish = structure(call.parameters, "filter_by")
    if wish is None:
        return found
    if not isinstance(wish, dict):
        raise invalid("Param filter_by must be an object")
    kept = [one for one in found if not wish.get("types") or one.get("type") in wish["types"]]
    for name, members in (
        ("name_filter", ("name",)),
        ("alias_filter", ("alias",)),
        ("name_or_alias_filter", ("name", "alias")),
    ):
        if name in wish:
            kept = [one for one in kept if any(_matches(str(one.get(member, "")), wish[name]) for member in members)]
    return kept


def _matches(text: str, wish: dict[str, Any]) -> bool:
    words = wish.get("filter_strings", wish.get("filter_string", []))
    kind = wish.get("string_query_type")
    if kind not in {"contains", "exact_match"}:
        raise invalid("Param string_query_type must be one of {contains, exact_match}")
    return any(word == text if kind == "exact_match" else word.lower() in text.lower() for word in words)


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(text=json.dumps(value, default=str), status=status, content_type="application/json")


async def _cut(request: web.Request, body: bytes, length: int) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[:length])
    if request.transport is not None:
        request.transport.close()
    return response
