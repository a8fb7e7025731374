"""Owns the control calls under /sandbox: the truth, the log of calls, the clock, the scenario, quotas and runs."""

import json
from typing import Any

from aiohttp import web

from sandbox.calls import CallLog
from sandbox.clock import local_day, parse_moment
from sandbox.faults import GraphError
from sandbox.parameters import gather
from sandbox.query import read_query
from sandbox.scenario import ScenarioError
from sandbox.state import State
from sandbox.world import KINDS


class Control:
    """Handles control calls on one state; they need no token, are never logged and cost no quota."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        """Return every control call."""
        return [
            web.get("/sandbox/truth/insights", self.truth_insights),
            web.get("/sandbox/truth/objects", self.truth_objects),
            web.post("/sandbox/objects", self.edit_object),
            web.get("/sandbox/calls", self.calls),
            web.post("/sandbox/reset_calls", self.reset_calls),
            web.get("/sandbox/clock", self.clock),
            web.post("/sandbox/clock", self.move_clock),
            web.get("/sandbox/scenario", self.scenario),
            web.post("/sandbox/scenario", self.load_scenario),
            web.get("/sandbox/quotas", self.quotas),
            web.post("/sandbox/reset_quotas", self.reset_quotas),
            web.get("/sandbox/runs", self.runs),
        ]

    async def truth_insights(self, request: web.Request) -> web.Response:
        """Answer all rows of a question, unpaged; a question that Graph refuses is refused with its error."""
        try:
            return _json({"rows": truth(self._state, gather(request.query.items()))})
        except GraphError as error:
            return _json({"error": error.fault.error}, 400)

    async def truth_objects(self, request: web.Request) -> web.Response:
        """Answer every object of a kind, in any status, with all fields."""
        account, kind = request.query.get("account", ""), request.query.get("kind", "")
        return _json({"objects": objects(self._state, account, kind)})

    async def edit_object(self, request: web.Request) -> web.Response:
        """Change an object, `{"id": "...", "set": {"name": "..."}}`, or take it away, `{"id": "...", "remove": true}`.

        What a removed object delivered is gone with it.
        """
        wish = await request.json()
        try:
            self._state.edit(str(wish["id"]), None if wish.get("remove") else dict(wish.get("set", {})))
        except LookupError:
            return _json({"error": "no such object"}, 404)
        return _json({"id": wish["id"]})

    async def calls(self, _: web.Request) -> web.Response:
        """Answer the log and its counters."""
        return _json(self._state.log.report())

    async def reset_calls(self, _: web.Request) -> web.Response:
        """Forget the log."""
        self._state.log = CallLog()
        return _json({"total": 0})

    async def clock(self, _: web.Request) -> web.Response:
        """Answer the sandbox's moment and speed."""
        return _json({"now": self._state.clock.now().isoformat(), "speed": self._state.clock.speed})

    async def move_clock(self, request: web.Request) -> web.Response:
        """Move the moment: `{"now": "..."}` and/or `{"advance_seconds": 60}`."""
        wish = await request.json()
        if "now" in wish:
            self._state.clock.move(parse_moment(wish["now"]))
        self._state.clock.advance(float(wish.get("advance_seconds", 0)))
        return await self.clock(request)

    async def scenario(self, _: web.Request) -> web.Response:
        """Answer the rules with what is left of them."""
        return _json({"rules": self._state.scenario.report()})

    async def load_scenario(self, request: web.Request) -> web.Response:
        """Replace the scenario by the document sent."""
        try:
            self._state.scenario.load(json.loads(await request.read()))
        except (ScenarioError, ValueError) as error:
            return _json({"error": str(error)}, 400)
        return await self.scenario(request)

    async def quotas(self, _: web.Request) -> web.Response:
        """Answer every quota's use."""
        return _json(self._state.quotas.report(self._state.clock.now()))

    async def reset_quotas(self, _: web.Request) -> web.Response:
        """Forget all use."""
        self._state.forget_quotas()
        return await self.quotas(_)

    async def runs(self, _: web.Request) -> web.Response:
        """Answer every report run."""
        return _json({"runs": self._state.runs.report(self._state.clock.now())})


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(text=json.dumps(value, default=str), status=status, content_type="application/json")


def truth(state: State, parameters: dict[str, str]) -> list[dict[str, Any]]:
    """Return all rows of a question, asked at `as_of`; `object` may name another object than the account."""
    account = parameters.pop("account", "").removeprefix("act_")
    asked = parameters.pop("as_of", "")
    moment = parse_moment(asked) if asked else state.clock.now()
    node = state.world.find(parameters.pop("object", f"act_{account}"))
    if node is None:
        raise web.HTTPNotFound(text="no such account or object")
    day = local_day(moment, state.world.zone(node.account_id))
    return state.evaluate(read_query(node, parameters, day), day).rows


def objects(state: State, account: str, kind: str) -> list[dict[str, Any]]:
    """Return every object of a kind with all its fields; the kind may be named as its edge is."""
    account, kind = account.removeprefix("act_"), kind.removeprefix("ad_").removesuffix("s")
    if kind == "account":
        return [node.data for key, node in state.world.accounts.items() if account in {"", key}]
    kind = "creative" if kind == "adcreative" else kind
    if kind not in KINDS:
        raise web.HTTPNotFound(text="kind must be ad_accounts, campaigns, adsets, ads or adcreatives")
    nodes = state.world.nodes.values()
    return [node.data for node in nodes if node.kind == kind and account in {"", node.account_id}]
