"""Owns the control calls of brand safety: which hours there are, their rows and sums, reports, content, downloads."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson
from aiohttp import web

from sandbox.brand_safety_files import Downloads
from sandbox.brand_safety_hours import LABEL, PACIFIC, Hour, hour_starting, hours_of
from sandbox.brand_safety_reporting import Reporting
from sandbox.brand_safety_rows import Line, Part, told
from sandbox.clock import parse_moment

_SUMMED = (
    "ad_id",
    "above_content_language",
    "below_content_language",
    "above_content_privacy",
    "below_content_privacy",
)


class SafetyTruth:
    """Tells what is true, whatever calls were answered."""

    def __init__(self, reporting: Reporting, downloads: Downloads) -> None:
        self._reporting = reporting
        self._downloads = downloads

    def routes(self) -> list[web.RouteDef]:
        """Return every control call of the family."""
        return [
            web.get("/sandbox/truth/brand_safety", self.rows),
            web.get("/sandbox/truth/brand_safety/hours", self.hours),
            web.get("/sandbox/truth/brand_safety/sums", self.sums),
            web.get("/sandbox/truth/brand_safety/broken", self.broken),
            web.get("/sandbox/truth/brand_safety/ad_set", self.ad_set),
            web.get("/sandbox/truth/brand_safety/content", self.content),
            web.get("/sandbox/brand_safety/downloads", self.downloads),
            web.post("/sandbox/brand_safety/reset_downloads", self.reset_downloads),
        ]

    async def rows(self, request: web.Request) -> web.StreamResponse:
        """Stream an hour's rows as JSON lines, each with `part` (its index) and `line`; `index` asks for one part.

        The hour is named by business, platform, position and datetime. Lines that stand for no row are left out.
        """
        response = web.StreamResponse(headers={"Content-Type": "application/jsonl"})
        await response.prepare(request)
        for part, lines in self._lines(request):
            found = [{**line.row, "part": part.index, "line": line.number} for line in lines if line.row is not None]
            await response.write(b"".join(orjson.dumps(row) + b"\n" for row in found))
        return response

    async def broken(self, request: web.Request) -> web.Response:
        """Answer an hour's lines that stand for no row: part, line and text."""
        found = [
            {"part": part.index, "line": line.number, "text": line.text.decode("utf-8", "replace")}
            for part, lines in self._lines(request)
            for line in lines
            if line.row is None
        ]
        return _json({"lines": found})

    async def sums(self, request: web.Request) -> web.Response:
        """Answer an hour's counts: lines, rows, the sum of impression ids, and rows by ad, language and privacy."""
        return _json(await asyncio.to_thread(self._sums, request))

    def _sums(self, request: web.Request) -> dict[str, Any]:
        counts: dict[str, Counter[str]] = {name: Counter() for name in _SUMMED}
        lines_seen, rows, impressions = 0, 0, 0
        for _, lines in self._lines(request):
            lines_seen += len(lines)
            for row in (line.row for line in lines if line.row is not None):
                rows += 1
                impressions += int(row["impression_id"])
                for name, counter in counts.items():
                    counter[str(row[name])] += 1
        return {"lines": lines_seen, "rows": rows, "impression_id_sum": str(impressions), "by": counts}

    async def hours(self, request: web.Request) -> web.Response:
        """Answer every hour of a placement that is in the window `at` a moment, or from `since` to `until` (days).

        `state` is whole, partial, empty (there, without parts), late (will come), lost (never comes), vanished.
        """
        query = request.query
        at = parse_moment(query["at"]) if "at" in query else self._reporting.state.clock.now()
        is_download = query.get("is_download", "true") == "true"
        found = self._reporting.range(query["platform"], query["position"], is_download=is_download, at=at)
        since, until = _day(query.get("since"), found.first), _day(query.get("until"), found.last)
        days = [since + timedelta(days=number) for number in range((until - since).days + 1)]
        owner = query.get("business", "")
        hours = [hour for day in days for hour in hours_of(day.date(), owner, query["platform"], query["position"])]
        shown = [self._hour(hour, at, is_download=is_download) for hour in hours]
        return _json({"earliest": found.first, "latest": found.last, "hours": shown})

    def _hour(self, hour: Hour, at: datetime, *, is_download: bool) -> dict[str, Any]:
        fate = self._reporting.fate(hour, is_download=is_download)
        parts = self._reporting.parts(hour) if is_download and hour.owner else []
        listed = min(fate.listed(at), len(parts))
        if fate.arrives is None:
            state = "lost"
        elif fate.arrives > at:
            state = "late"
        elif not fate.is_there(at):
            state = "vanished"
        elif listed < len(parts):
            state = "partial"
        else:
            state = "whole" if parts or not is_download else "empty"
        return {
            "datetime": hour.label,
            "starts": hour.starts.isoformat(),
            "state": state,
            "parts": len(parts),
            "listed": listed,
            "lines": sum(part.lines for part in parts),
            "arrives": fate.arrives and fate.arrives.isoformat(),
            "complete": fate.complete and fate.complete.isoformat(),
        }

    async def ad_set(self, request: web.Request) -> web.Response:
        """Answer an ad-set report's rows now: ad_set, platform, position, datetime (in Los Angeles)."""
        query = request.query
        node = self._reporting.state.world.find(query["ad_set"])
        if node is None:
            raise web.HTTPNotFound(text="no such ad set")
        hour = Hour(node.id, query["platform"], query["position"], _starts(query["datetime"]))
        return _json({"rows": self._reporting.report(node, hour)})

    async def content(self, request: web.Request) -> web.Response:
        """Answer everything that can be looked up, or one `kind` of it: posts, videos, photos, pages, ig_media."""
        wanted = request.query.get("kind")
        things = [thing for thing in self._reporting.contents.things.values() if wanted in {None, thing.kind}]
        return _json({"things": [{"kind": t.kind, "id": t.id, "state": t.state, "data": t.data} for t in things]})

    async def downloads(self, _: web.Request) -> web.Response:
        """Answer every download, and whether it came with a token."""
        return _json(self._downloads.report())

    async def reset_downloads(self, _: web.Request) -> web.Response:
        """Forget the downloads."""
        self._downloads.log.clear()
        return _json(self._downloads.report())

    def _lines(self, request: web.Request) -> Iterator[tuple[Part, list[Line]]]:
        query = request.query
        hour = Hour(query["business"], query["platform"], query["position"], _starts(query["datetime"]))
        for part in self._reporting.parts(hour):
            if query.get("index", str(part.index)) != str(part.index):
                continue
            rules = self._reporting.state.scenario.safety.of_lines(part.placed)
            number = 1
            for plain in self._reporting.maker.blocks(part):
                yield part, [told(number + at, line, rules) for at, line in enumerate(plain)]
                number += len(plain)


def _starts(label: str) -> datetime:
    found = hour_starting(datetime.strptime(label, LABEL), PACIFIC)  # noqa: DTZ007 - a wall clock's hour
    if found is None:
        raise web.HTTPBadRequest(text="no such hour in Los Angeles")
    return found


def _day(text: str | None, label: str) -> datetime:
    return datetime.fromisoformat(text or label[:10])


def _json(value: Any) -> web.Response:
    return web.Response(text=json.dumps(value, default=str), content_type="application/json")
