"""Owns the calls of app insights: one metric of one app a call, its rows, its summary, its truth (graph-api.md 5)."""

import json
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from sandbox.app_insights_names import METRICS
from sandbox.app_insights_query import BORDER, AppQuestion, read_app_question
from sandbox.app_insights_values import APPS, Known
from sandbox.calls import Call, Reply, Target
from sandbox.clock import parse_moment
from sandbox.faults import GraphError, fault, invalid, named, no_object
from sandbox.paging import Address, offset_cursor, paging, read_offset
from sandbox.parameters import gather, whole
from sandbox.row_book import encode
from sandbox.scenario import Do
from sandbox.state import State

EDGE = "app_insights"
_SUMMARY = ("name", "period", "since", "until", "messages")
_SAMPLED = "Values of this metric are sampled"
_APP_TOKEN, _USER_TOKEN = "sandbox-token-app-", "sandbox-token-user"
_NEEDS_ADMIN = "payments_"


class AppInsights:
    """Answers app insights on one state.

    A token `sandbox-token-app-700...` is that app's own: other apps are 3000 to it. A token `sandbox-token-user...`
    has no admin rights: payments are 3003 to it. Any other token may read everything.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the control call of its truth."""
        return [web.get("/sandbox/truth/app_insights", self.truth)]

    def target(self, call: Call) -> Target | None:
        """Tell which app a call asks; None for any other edge."""
        app_id, _, rest = call.path.partition("/")
        return Target("list", "", app_id, EDGE) if rest.split("/")[0] == EDGE else None

    async def answer(self, call: Call, target: Target, do: Do) -> Reply:
        """Answer a page of one metric's rows."""
        if call.method != "GET":
            raise GraphError(fault(400, 100, f"Unsupported {call.method.lower()} request", 33))
        _, _, metric = call.path.partition(f"/{EDGE}")
        metric = metric.strip("/") or call.parameters.get("metric_key", "")
        if target.object_id not in APPS:
            raise no_object(target.object_id)
        _check_rights(call.token, target.object_id, metric)
        question = self._question(target.object_id, metric, dict(call.parameters))
        return self._page(call, question, self._rows(question), do)

    async def truth(self, request: web.Request) -> web.Response:
        """Answer all rows of a question, unpaged, as known at `as_of`; what Graph refuses is refused with its error."""
        parameters = gather(request.query.items())
        app_id, metric = parameters.pop("app", ""), parameters.pop("metric", "")
        as_of = parameters.pop("as_of", "")
        try:
            question = self._question(app_id, metric, parameters)
            found: dict[str, Any] = {"rows": self._rows(question, as_of)}
        except GraphError as error:
            found = {"error": error.fault.error}
        return web.Response(
            text=json.dumps(found), status=400 if "error" in found else 200, content_type="application/json"
        )

    def _question(self, app_id: str, metric: str, parameters: dict[str, str]) -> AppQuestion:
        return read_app_question(app_id, metric, parameters, self._state.clock.now())

    def _rows(self, question: AppQuestion, as_of: str = "") -> list[dict[str, Any]]:
        moment = parse_moment(as_of) if as_of else self._state.clock.now()
        return Known(self._state.options.seed, moment.astimezone(BORDER).date()).rows(question)

    def _page(self, call: Call, question: AppQuestion, rows: list[dict[str, Any]], do: Do) -> Reply:
        """Answer all rows, or as many as `limit` says and where they go on."""
        start = read_offset(call.parameters["after"]) + 1 if call.parameters.get("after") else 0
        limit = whole(call.parameters, "limit")
        if limit is not None and limit < 1:
            raise invalid("Param limit must be greater than 0")
        part = [] if do.get("empty_page") else rows[start : None if limit is None else start + limit]
        end = start + len(part)
        body: dict[str, Any] = {"data": part}
        if end < len(rows):
            cursor = offset_cursor(end - 1, distinct=bool(do.get("empty_page")))
            cursor = call.parameters.get("after", cursor) if do.get("repeat_cursor") else cursor
            self._state.note_next(call, cursor)
            address = Address(call.url, call.parameters)
            body["paging"] = paging(address, offset_cursor(start), cursor, earlier=start > 0, later=True)
        if call.parameters.get("summary"):
            body["summary"] = _summary(question, call.parameters["summary"])
        return Reply(200, encode(body))


def _check_rights(token: str, app_id: str, metric: str) -> None:
    if token.startswith(_APP_TOKEN) and not token.startswith(f"{_APP_TOKEN}{app_id}"):
        raise named("3000")
    if token.startswith(_USER_TOKEN) and metric.startswith(_NEEDS_ADMIN):
        raise named("3003")


def _summary(question: AppQuestion, wanted: str) -> dict[str, Any]:
    sampled = question.metric in METRICS and question.metric.endswith("_by_method")
    whole_summary = {
        "name": question.metric,
        "period": question.period,
        "since": question.since.astimezone(BORDER).isoformat(),
        "until": question.until.astimezone(BORDER).isoformat(),
        "messages": [_SAMPLED] if sampled else [],
    }
    names = _SUMMARY if wanted == "true" else wanted.strip('[]"').replace('"', "").split(",")
    return {name: whole_summary[name] for name in names if name in whole_summary}
