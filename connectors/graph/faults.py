"""What an error of Graph means and what to do about it. Pure: looks up the numbers in `fault_table`.

Decided by code and subcode, never by the message where a code exists: texts change without notice and are localised
(graph-api.md 1.5 [seed 004]). The few rules that do need text stand in `BY_TEXT`, each with its reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from connectors.errors import Fault, Invalid, NotReady, Refused, Resubmit, Throttled, Transient, Transport
from connectors.graph import usage
from connectors.graph.fault_table import BY_TEXT, RUN, TABLE, Row, Where
from connectors.pace.quotas import PLATFORM, Quota, of_account

SERVER_ERROR = 500
TOO_MANY_REQUESTS = 429


def classify(
    status: int,
    error: Mapping[str, Any],
    headers: Mapping[str, str],
    *,
    place: str = "",
    account: str | None = None,
    where: Where = "any",
) -> Fault:
    """The fault of an `error` object, whatever it lacks."""
    numbers = _Numbers.of(error)
    known: dict[str, Any] = {
        "place": place,
        "code": numbers.code,
        "subcode": numbers.subcode,
        "status": status,
        "fbtrace_id": _trace(error, headers),
        "is_transient": error.get("is_transient") is True,
    }
    remedy, more = _remedy(numbers, status, error, where)
    if issubclass(remedy, Throttled):
        more = _throttle(more, headers, account)
    return remedy(_message(error), **known, **more)


def classify_run(
    code: int | None,
    subcode: int | None = None,
    message: str = "",
    *,
    place: str = "",
    account: str | None = None,
) -> Fault:
    """The fault of a failed report run by the error fields that v25 puts on it (2.5 [docs: B25, V25]); v24 has none.

    Asking the same again means here: submitting the same again. Without a code that is tried, then split (2.12).
    """
    text = message or "the report run failed without a code"
    if code is None:
        return Resubmit(text, place=place, subcode=subcode, then_split=True)
    error = {"code": code, "error_subcode": subcode, "message": text}
    fault = classify(0, error, {}, place=place, account=account, where=RUN)
    if isinstance(fault, Transient):
        return Resubmit(text, then_split=fault.then_split, **fault.common())
    if isinstance(fault, NotReady):
        return Resubmit(text, **fault.common())
    return fault


def degenerate(status: int, headers: Mapping[str, str], body: bytes, *, place: str = "") -> Fault:
    """The fault of an answer that is not Graph's JSON: a proxy's HTML, nothing (1.5 [obs: o:airbyte, o:py510])."""
    kind = headers.get("content-type", "no content type")
    message = "the answer is empty" if not body.strip() else f"the answer is not Graph's JSON but {kind[:60]}"
    trace = _trace({}, headers)
    if status == TOO_MANY_REQUESTS:  # Graph does not send it, a proxy in between may
        wait = usage.retry_after(headers)
        return Throttled(message, place=place, status=status, quotas=frozenset({PLATFORM}), wait_seconds=wait)
    return Transport(message, place=place, status=status, fbtrace_id=trace, wait_seconds=usage.retry_after(headers))


def row_of(code: int, subcode: int | None, where: Where = "any") -> Row | None:
    """The line of the table for these numbers: the subcode's own before the code's, the place's own before any."""
    for wanted in (subcode, None):
        for row in TABLE:
            fits = row.subcode == wanted and row.where in (where, "any") and _covers(row, code)
            if fits and (row.where == where or not _has_own(row, where)):
                return row
    return None


def _covers(row: Row, code: int) -> bool:
    return code in row.code if isinstance(row.code, range) else code == row.code


def _has_own(row: Row, where: Where) -> bool:
    """Whether another line says the same numbers for just this place."""
    return any((other.code, other.subcode, other.where) == (row.code, row.subcode, where) for other in TABLE)


@dataclass(frozen=True, slots=True)
class _Numbers:
    code: int | None
    subcode: int | None

    @classmethod
    def of(cls, error: Mapping[str, Any]) -> "_Numbers":
        return cls(_integer(error.get("code")), _integer(error.get("error_subcode")))


def _remedy(
    numbers: _Numbers,
    status: int,
    error: Mapping[str, Any],
    where: Where,
) -> tuple[type[Fault], Mapping[str, Any]]:
    row = None if numbers.code is None else row_of(numbers.code, numbers.subcode, where)
    if row is None or row.subcode is None:
        for rule in BY_TEXT:
            if numbers.code in rule.codes and rule.words.search(str(error.get("message", ""))):
                return rule.remedy, rule.more
    if row is None:
        return _unknown(numbers.code, status, error), {}
    if error.get("is_transient") is True and issubclass(row.remedy, Refused) and not row.final:
        return Transient, {}  # "even when the code looks final": 1.6 [obs: o:airbyte]
    return row.remedy, row.more


def _unknown(code: int | None, status: int, error: Mapping[str, Any]) -> type[Fault]:
    """Numbers that the table does not know: the flag, the status, the sign (negative: internal, 1.5 [seed 004])."""
    transient = error.get("is_transient") is True or status >= SERVER_ERROR or (code is not None and code < 0)
    return Transient if transient else Invalid


def _throttle(more: Mapping[str, Any], headers: Mapping[str, str], account: str | None) -> dict[str, Any]:
    kind = more.get("account_kind")
    quotas: frozenset[Quota] = more.get("quotas", frozenset())
    if kind is not None:
        quotas = frozenset({PLATFORM if account is None else of_account(account, kind)})
    told = [reading for reading in usage.readings(headers, account) if reading.quota in quotas]
    waits = [reading.regain_seconds for reading in told if reading.regain_seconds]
    return {"quotas": quotas, "wait_seconds": max(waits, default=usage.retry_after(headers))}


def _message(error: Mapping[str, Any]) -> str:
    """Message, the text meant for users and the blamed fields, in one line."""
    title, text = error.get("error_user_title"), error.get("error_user_msg")
    parts = [str(part) for part in (error.get("message"), title, text, _blamed(error.get("error_data"))) if part]
    return " - ".join(dict.fromkeys(parts)) or "an error without a message"


def _blamed(data: object) -> str:
    """The fields that `error_data` blames; it comes as an object or as JSON text (1.5 [seed 004])."""
    if isinstance(data, str):
        try:
            data = orjson.loads(data)
        except orjson.JSONDecodeError:
            return ""
    paths = data.get("blame_field_specs") if isinstance(data, dict) else None
    if not isinstance(paths, list):
        return ""
    return ", ".join(".".join(map(str, path)) if isinstance(path, list) else str(path) for path in paths)


def _trace(error: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
    trace = error.get("fbtrace_id") or headers.get("x-fb-trace-id")
    return trace if isinstance(trace, str) else None


def _integer(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        return int(value)
    except ValueError:
        return None
