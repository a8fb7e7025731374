"""Owns HTTP: requests become calls, replies become responses, and a scenario's broken transports happen here."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

from aiohttp import web

from sandbox.batch import handle_batch, split_version
from sandbox.calls import Call, Reply
from sandbox.graph import Graph
from sandbox.parameters import gather

_LARGEST_BODY = 64 * 1024 * 1024
_BEARER = "bearer "


def application(graph: Graph, control: Iterable[web.RouteDef] = ()) -> web.Application:
    """Build the application: control calls first, everything else is Graph."""
    app = web.Application(client_max_size=_LARGEST_BODY)
    app.add_routes(control)

    async def serve(request: web.Request) -> web.StreamResponse:
        call = await read_call(request)
        reply = await (handle_batch(graph, call) if _is_batch(call) else graph.handle(call))
        return await _respond(request, reply, graph.state.options.latency_seconds)

    app.router.add_route("*", "/{path:.*}", serve)
    app.on_shutdown.append(lambda _: _settle(graph))
    return app


async def _settle(graph: Graph) -> None:
    for task in graph.insights.settle():
        task.cancel()


def _is_batch(call: Call) -> bool:
    return call.method == "POST" and call.path == "" and "batch" in call.parameters


async def read_call(request: web.Request) -> Call:
    """Read a request; the method parameter of old clients is honoured, a header token counts first."""
    in_url = gather(request.query.items())
    in_body = gather([pair async for pair in _body(request)])
    parameters = in_url | in_body
    version, path = split_version(request.path)
    header = request.headers.get("Authorization", "")
    bearer = header[len(_BEARER) :].strip() if header.lower().startswith(_BEARER) else ""
    return Call(
        method=parameters.pop("method", request.method).upper(),
        version=version,
        path=path,
        parameters=parameters,
        host=f"{request.scheme}://{request.host}",
        token=bearer or parameters.get("access_token", ""),
        token_in_url="access_token" in in_url,
        token_as_parameter="access_token" in parameters,
        if_none_match=request.headers.get("If-None-Match", ""),
    )


async def _body(request: web.Request) -> AsyncIterator[tuple[str, str]]:
    if request.content_type not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        return
    for name, value in (await request.post()).items():
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, bytes | bytearray):
            yield name, value.decode()
        else:
            yield name, value.file.read().decode()


async def _respond(request: web.Request, reply: Reply, latency: float) -> web.StreamResponse:
    pause = latency + reply.delay + reply.hang
    if pause:
        await asyncio.sleep(pause)
    headers: dict[str, Any] = {**reply.headers, "Content-Type": reply.content_type}
    if reply.cut is None:
        return web.Response(status=reply.status, body=reply.body, headers=headers)
    return await _cut(request, reply, headers)


async def _cut(request: web.Request, reply: Reply, headers: dict[str, Any]) -> web.StreamResponse:
    """Promise the whole body, send a part of it, and drop the connection."""
    response = web.StreamResponse(status=reply.status, headers=headers)
    response.content_length = len(reply.body)
    await response.prepare(request)
    await response.write(reply.body[: reply.cut])
    if request.transport is not None:
        await asyncio.sleep(0)
        request.transport.close()
    return response
