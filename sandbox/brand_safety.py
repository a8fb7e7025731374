"""Owns the calls of brand safety (graph-api.md 4): ranges, listings on their own host, ad-set reports, content."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from aiohttp import web

from sandbox import brand_safety_reports as reports
from sandbox.brand_safety_content import DEFAULT, NODE_TYPES, READABLE, Thing
from sandbox.brand_safety_files import Downloads, signed_url
from sandbox.brand_safety_hours import (
    LABEL,
    PACIFIC,
    Hour,
    Range,
    earliest_day,
    hour_starting,
)
from sandbox.brand_safety_reporting import Reporting
from sandbox.brand_safety_rows import Part
from sandbox.brand_safety_truth import SafetyTruth
from sandbox.calls import Call, Reply, Target
from sandbox.faults import Fault, GraphError, invalid, named, no_object
from sandbox.paging import Address, paging
from sandbox.parameters import flag, whole, words
from sandbox.row_book import encode
from sandbox.scenario import Do
from sandbox.selection import selected
from sandbox.state import State
from sandbox.world import Node

RANGES, LISTING, REPORT, CONTENT, ASTRAY = "safety_ranges", "safety_files", "safety_report", "content", "astray"
_RANGES_PATH = "adjacent_content_delivery_report_date_ranges"
_LISTING_PATH = "adjacent_content_delivery_reports"
_REPORT_EDGE = "adjacent_content_delivery_report"
_RANGE_FIELDS = ("earliest_datetime", "latest_datetime", "missing_datetimes")
_PLATFORMS = {"facebook": ("feed", "reels"), "instagram": ("feed", "reels"), "threads": ("feed",)}
_POSITIONS = frozenset({"feed", "reels"})


class BrandSafety:
    """Answers this family's calls and serves its files."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.reporting = Reporting(state)
        self.downloads = Downloads(state, self.reporting.maker)

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the files' addresses and the control calls."""
        truth = SafetyTruth(self.reporting, self.downloads)
        return [web.get("/signed/{name}", self._download), *truth.routes()]

    async def _download(self, request: web.Request) -> web.StreamResponse:
        part = self.reporting.part(request.query["part"]) if request.query.get("part", "").count("/") == 4 else None  # noqa: PLR2004
        return await self.downloads.serve(request, part)

    def target(self, call: Call) -> Target | None:
        """Tell which call it is; on the files' host there is nothing but listings."""
        first, _, rest = call.path.partition("/")
        if first == _LISTING_PATH and rest.endswith("/file_download"):
            return Target(LISTING, "", rest.partition("/")[0], "file_download")
        if self._on_files_host(call):
            return Target(ASTRAY, "", first, rest)
        if call.path == _RANGES_PATH:
            return Target(RANGES, "", "", _RANGES_PATH)
        if rest == _REPORT_EDGE:
            node = self._state.world.find(first)
            return Target(REPORT, node.account_id if node else "", first, rest)
        return Target(CONTENT, "", first) if not rest and self.reporting.contents.find(first) else None

    def _on_files_host(self, call: Call) -> bool:
        return urlsplit(call.host).port == self._state.files_port

    async def answer(self, call: Call, target: Target, do: Do) -> Reply:
        """Answer a call; only reads are known."""
        if call.method != "GET" or (target.op in {LISTING, ASTRAY}) != self._on_files_host(call):
            raise _no_such_path(call)
        if target.op != CONTENT and self._state.scenario.safety.lacks_capability(target.object_id):
            raise named("200/capability")
        if target.op == RANGES:
            return _data([self._range(call)])
        if target.op == LISTING:
            return _data(self._files(call, target.object_id))
        if target.op == REPORT:
            return Reply(200, encode(self._report(call, target, do)))
        thing = self.reporting.contents.find(target.object_id)
        if thing is None:
            raise _no_such_path(call)
        return Reply(200, encode(_shown(call, thing, target.object_id)))

    def _range(self, call: Call) -> dict[str, Any]:
        platform, position = _placement(call)
        found = self.reporting.range(platform, position, is_download=flag(call.parameters, "is_download"))
        known: dict[str, Any] = {
            "earliest_datetime": found.first,
            "latest_datetime": found.last,
            "missing_datetimes": [hour.label for hour in found.missing],
        }
        asked = words(call.parameters, "fields") or _RANGE_FIELDS
        for name in asked:
            if name not in known:
                raise invalid(f"Tried accessing nonexisting field ({name}) on node type (DateRange)")
        known |= self._state.scenario.safety.dates
        return {name: known[name] for name in asked}

    def _files(self, call: Call, business: str) -> list[dict[str, Any]]:
        if call.token_as_parameter:
            raise named("190")
        platform, position = _placement(call)
        if business not in self._state.world.businesses:
            raise no_object(business)
        starts = _starts(call.parameters.get("datetime", ""), PACIFIC)
        hour = Hour(business, platform, position, self._inside(starts))
        listed = self.reporting.fate(hour).listed(self._state.clock.now())
        parts = self.reporting.parts(hour)[:listed]
        return self._listing(call, hour, parts)

    def _listing(self, call: Call, hour: Hour, parts: list[Part]) -> list[dict[str, Any]]:
        do = self._state.scenario.safety.of_listing(hour.placed)
        renamed = do.get("rename", {})
        shown = [
            (part, renamed.get(str(part.index), part.name))
            for part in parts
            if not do.get("empty") and part.index in do.get("only", [part.index])
        ]
        shown += [(part, name) for part, _ in list(shown) if (name := do.get("again", {}).get(str(part.index)))]
        return [
            {"name": name, "download_url": signed_url(self._state, call.host, name, part), "index": part.index}
            for part, name in shown
        ]

    def _inside(self, starts: datetime | None) -> datetime:
        """Return an hour that can be asked for; 100/2349048 for one outside the window."""
        now = self._state.clock.now()
        if starts is None or starts > now or starts.astimezone(PACIFIC).date() < earliest_day(now):
            raise named("100/2349048")
        return starts

    def _report(self, call: Call, target: Target, do: Do) -> dict[str, Any]:
        platform, position = _placement(call)
        node = self._state.world.find(target.object_id)
        if node is None or node.kind != "adset":
            raise no_object(target.object_id)
        if not node.account_id:
            raise named("200")
        found = self.reporting.range(platform, position, is_download=False)
        rows = self.reporting.report(node, Hour(node.id, platform, position, self._asked(call, node, found)))
        return self._page(call, found, rows, do)

    def _asked(self, call: Call, node: Node, found: Range) -> datetime:
        own = flag(call.parameters, "advertiser_time_zone")
        zone = ZoneInfo(self._state.world.zone(node.account_id)) if own else PACIFIC
        if "datetime" in call.parameters:
            return self._inside(_starts(call.parameters["datetime"], zone))
        latest = hour_starting(datetime.strptime(found.last, LABEL))  # noqa: DTZ007 - a wall clock's hour
        return self._inside(latest)

    def _page(self, call: Call, found: Range, rows: list[reports.Row], do: Do) -> dict[str, Any]:
        limit = min(max(whole(call.parameters, "limit") or reports.SMALLEST, reports.SMALLEST), reports.LARGEST)
        start = reports.start_after(call.parameters.get("after", ""), len(rows))
        part = [] if do.get("empty_page") else rows[start : start + limit]
        body: dict[str, Any] = {"data": part}
        if part:
            body["paging"] = self._paging(call, rows, start, start + len(part))
        summary = words(call.parameters, "summary") or ()
        known = {
            "total_count": len(rows),
            "earliest_datetime": found.first,
            "latest_datetime": found.last,
        }
        if summary:
            body["summary"] = {name: known[name] for name in summary if name in known}
        return body

    def _paging(self, call: Call, rows: list[reports.Row], start: int, end: int) -> dict[str, Any]:
        before, after = reports.cursor_after(start + 1), reports.cursor_after(end)
        if end < len(rows):
            self._state.note_next(call, after)
        return paging(Address(call.url, call.parameters), before, after, earlier=start > 0, later=end < len(rows))


def _placement(call: Call) -> tuple[str, str]:
    platform, position = call.parameters.get("platform", ""), call.parameters.get("position", "")
    if platform not in _PLATFORMS:
        raise named("100/2349046")
    if position not in _POSITIONS:
        raise named("100/2349047")
    if position not in _PLATFORMS[platform]:
        raise named("100/2349019")
    return platform, position


def _starts(label: str, zone: ZoneInfo) -> datetime | None:
    """Read an hour; what is no hour at all is a plain 100, a day that no month has is out of range."""
    if not label:
        raise invalid("The parameter datetime is required")
    try:
        return hour_starting(datetime.strptime(label, LABEL), zone)  # noqa: DTZ007 - a wall clock's hour
    except ValueError as error:
        raise invalid("Param datetime must be a whole hour, YYYY-MM-DDTHH:00") from error


def _no_such_path(call: Call) -> GraphError:
    return GraphError(
        Fault(400, {"message": f"Unknown path components: /{call.path}", "type": "OAuthException", "code": 2500})
    )


def _data(items: list[dict[str, Any]]) -> Reply:
    return Reply(200, encode({"data": items}))


def _shown(call: Call, thing: Thing, asked: str) -> dict[str, Any]:
    """Show an object as `fields` says, or say why it cannot be seen."""
    if thing.state == "gone":
        raise no_object(asked)
    if thing.state != "public":
        raise named("200/private" if thing.state == "private" else "10/public")
    wanted = [item.name for item in selected(call.parameters)] or DEFAULT[thing.kind]
    for name in wanted:
        if name not in READABLE[thing.kind]:
            raise invalid(f"Tried accessing nonexisting field ({name}) on node type ({NODE_TYPES[thing.kind]})")
    return {name: thing.data[name] for name in (*wanted, "id") if name in thing.data}
