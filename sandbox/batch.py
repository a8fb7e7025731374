"""Owns batches (graph-api.md 1.8): up to 50 operations, each a call of its own, answered as strings in one array."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sandbox import credentials
from sandbox.calls import Call, Reply, Target
from sandbox.faults import CATALOGUE, GraphError, invalid, named
from sandbox.graph import Graph, failed
from sandbox.parameters import flag, gather, structure
from sandbox.row_book import encode

_MOST = 50
_PART_TYPE = "text/javascript; charset=UTF-8"


async def handle_batch(graph: Graph, call: Call) -> Reply:
    """Answer a batch: an array in request order, or one plain error object for the whole."""
    target = Target("batch", "", "")
    do = graph.state.scenario.take(call, target, 0)
    trace = graph.trace()
    try:
        if "fault" in do:
            raise named(do["fault"])
        reply = await _answered(graph, call)
    except GraphError as error:
        reply = failed(error.fault, trace)
    if "reply" in do:
        reply = Reply(int(do["reply"].get("status", 200)), str(do["reply"].get("body", "")).encode())
    graph.dress(call, target, reply, trace)
    reply.cut, reply.hang = do.get("cut"), float(do.get("hang", 0)) / graph.state.clock.speed
    reply.delay = float(do.get("delay", 0)) / graph.state.clock.speed
    graph.state.log.add(graph.state.clock.now(), call, target, reply)
    return reply


async def _answered(graph: Graph, call: Call) -> Reply:
    credentials.authenticate(call, graph.state.options)
    operations = structure(call.parameters, "batch")
    if not isinstance(operations, list) or not operations:
        raise invalid("Param batch must be an array.")
    if len(operations) > _MOST:
        raise GraphError(CATALOGUE["batch size"])
    bare = "include_headers" in call.parameters and not flag(call.parameters, "include_headers")
    parts = [await _part(graph, call, operation, bare=bare) for operation in operations]
    return Reply(200, encode(parts))


async def _part(graph: Graph, whole: Call, operation: Any, *, bare: bool) -> dict[str, Any] | None:
    """Answer one operation; None for one that a scenario leaves unfinished."""
    if not isinstance(operation, Mapping) or "relative_url" not in operation:
        raise invalid("Each operation of a batch must have a relative_url")
    reply = await graph.handle(part_call(whole, operation))
    if reply.null_part:
        return None
    body = reply.body.decode("utf-8", "surrogateescape") if reply.body else None
    part: dict[str, Any] = {"code": reply.status, "body": body}
    if not bare:
        headers = {**reply.headers, "Content-Type": _PART_TYPE}
        part["headers"] = [{"name": name, "value": value} for name, value in headers.items()]
    return part


def part_call(whole: Call, operation: Mapping[str, Any]) -> Call:
    """Turn an operation into a call; the batch's version and token are the fallback for its own."""
    address = urlsplit(str(operation["relative_url"]))
    version, path = split_version(address.path)
    in_url = gather(parse_qsl(address.query, keep_blank_values=True))
    in_body = gather(parse_qsl(str(operation.get("body", "")), keep_blank_values=True))
    parameters = in_url | in_body
    if whole.token_as_parameter:
        parameters.setdefault("access_token", whole.token)
    if "appsecret_proof" in whole.parameters:
        parameters.setdefault("appsecret_proof", whole.parameters["appsecret_proof"])
    return Call(
        method=str(operation.get("method", "GET")).upper(),
        version=version or whole.version,
        path=path,
        parameters=parameters,
        host=whole.host,
        token=parameters.get("access_token") or whole.token,
        token_in_url="access_token" in in_url,
        token_as_parameter="access_token" in parameters,
        if_none_match=_if_none_match(operation),
        part_of_batch=True,
    )


def _if_none_match(operation: Mapping[str, Any]) -> str:
    for line in operation.get("headers", ()):
        name, _, value = str(line).partition(":")
        if name.strip().lower() == "if-none-match":
            return value.strip()
    return ""


def split_version(path: str) -> tuple[str, str]:
    """Split `/v25.0/act_1/insights` into its version, '' if there is none, and the rest without outer slashes."""
    first, _, rest = path.strip("/").partition("/")
    if credentials.version_number(first) is not None and "." in first:
        return first, rest.strip("/")
    return "", path.strip("/")
