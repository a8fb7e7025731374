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


def routes(state: State) -> web.RouteTableDef:
    """Return the control calls of one state."""
    table = web.RouteTableDef()

    @table.get("/sandbox/truth/insights")
    async def truth_insights(request: web.Request) -> web.Response:
        try:
            return _json({"rows": _truth(state, gather(request.query.items()))})
        except GraphError as error:
            return _json({"error": error.fault.error}, 400)

    @table.get("/sandbox/truth/objects")
    async def truth_objects(request: web.Request) -> web.Response:
        account, kind = request.query.get("account", ""), request.query.get("kind", "")
        return _json({"objects": objects(state, account, kind)})

    @table.get("/sandbox/calls")
    async def calls(_: web.Request) -> web.Response:
        return _json(state.log.report())

    @table.post("/sandbox/reset_calls")
    async def reset_calls(_: web.Request) -> web.Response:
        state.log = CallLog()
        return _json({"total": 0})

    @table.post("/sandbox/clock")
    async def clock(request: web.Request) -> web.Response:
        wish = await request.json()
        if "now" in wish:
            state.clock.move(parse_moment(wish["now"]))
        state.clock.advance(float(wish.get("advance_seconds", 0)))
        return _json({"now": state.clock.now().isoformat()})

    @table.get("/sandbox/clock")
    async def clock_shown(_: web.Request) -> web.Response:
        return _json({"now": state.clock.now().isoformat(), "speed": state.clock.speed})

    @table.post("/sandbox/scenario")
    async def scenario(request: web.Request) -> web.Response:
        try:
            state.scenario.load(json.loads(await request.read()))
        except (ScenarioError, ValueError) as error:
            return _json({"error": str(error)}, 400)
        return _json({"rules": state.scenario.report()})

    @table.get("/sandbox/scenario")
    async def scenario_shown(_: web.Request) -> web.Response:
        return _json({"rules": state.scenario.report()})

    @table.get("/sandbox/quotas")
    async def quotas(_: web.Request) -> web.Response:
        return _json(state.quotas.report(state.clock.now()))

    @table.get("/sandbox/runs")
    async def runs(_: web.Request) -> web.Response:
        return _json({"runs": state.runs.report(state.clock.now())})

    return table


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(text=json.dumps(value, default=str), status=status, content_type="application/json")


def _truth(state: State, parameters: dict[str, str]) -> list[dict[str, Any]]:
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
