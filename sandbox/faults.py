"""Owns the error bodies of graph-api.md 1.5 and 2.12 and the exception that carries one; nothing here decides when."""

from dataclasses import dataclass, field
from typing import Any

Envelope = dict[str, Any]

_RATE_LIMIT_PAGE = "https://developers.facebook.com/docs/graph-api/overview/rate-limiting"
_TOO_MANY_ROWS = (
    "The reporting data you are trying to fetch has too many rows. Please use asynchronous query or restrict amount "
    "of ad IDs or time ranges to fetch the data."
)
_NOT_READY = (
    "Sorry, the report cannot be loaded successfully. Please check if your job status is completed instead of failed "
    "or running before fetching the data."
)
_REDUCE = "Please reduce the amount of data you're asking for, then retry your request"
_NO_OBJECT = (
    "Unsupported get request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, or "
    "does not support this operation. Please read the Graph API documentation at "
    "https://developers.facebook.com/docs/graph-api"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail: HTTP status and the envelope's members apart from the trace id."""

    status: int
    error: Envelope = field(default_factory=dict)
    bare: bool = False
    """True for the degenerate bodies that carry no type and no trace."""


class GraphError(Exception):
    """The call fails with this fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.error.get("message", ""))
        self.fault = fault


def fault(status: int, code: int, message: str, subcode: int | None = None, **more: Any) -> Fault:
    """Build an ordinary envelope; `more` adds members such as is_transient or error_user_title."""
    error: Envelope = {"message": message, "type": more.pop("type", "OAuthException"), "code": code, **more}
    if subcode is not None:
        error["error_subcode"] = subcode
    return Fault(status, error)


def _throttle(code: int, whose: str, suffix: str = "") -> Fault:
    words = f"(#{code}) There have been too many calls {whose} ad-account. Wait a bit and try again. For more info, "
    return fault(400, code, f"{words}please refer to {_RATE_LIMIT_PAGE}{suffix}.", 2446079)


def _expired(subcode: int, message: str) -> Fault:
    return fault(400, 190, message, subcode)


CATALOGUE: dict[str, Fault] = {
    "1": Fault(500, {"code": 1, "message": "An unknown error occurred"}, bare=True),
    "1/99": Fault(500, {"code": 1, "message": "An unknown error occurred", "error_subcode": 99}, bare=True),
    "1/reduce": Fault(500, {"code": 1, "message": _REDUCE}, bare=True),
    "2": fault(503, 2, "(#2) Service temporarily unavailable", is_transient=True),
    "2/1504038": fault(500, 2, "(#2) The request timed out", 1504038, is_transient=True),
    "2/1504041": fault(500, 2, "(#2) Invalid Breakdowns", 1504041),
    "2/1504042": fault(500, 2, "(#2) Invalid custom metrics", 1504042),
    "2/1504043": fault(500, 2, "(#2) Intermittent error", 1504043, is_transient=True),
    "2/1504044": fault(500, 2, "(#2) Unknown error", 1504044),
    "3": fault(403, 3, "(#3) Application does not have the capability to make this API call."),
    "4": fault(403, 4, "(#4) Application request limit reached", is_transient=True),
    "4/1504022": fault(403, 4, "(#4) Too many API requests", 1504022, is_transient=True),
    "4/1504039": fault(
        403,
        4,
        "(#4) There have been too many calls from this app. Wait a bit and try again.",
        1504039,
        is_transient=True,
    ),
    "10": fault(403, 10, "(#10) Application does not have permission for this action"),
    "10/public": fault(
        403,
        10,
        "(#10) This endpoint requires the 'pages_read_engagement' permission or the 'Page Public Content Access' "
        "feature.",
    ),
    "17": fault(400, 17, "(#17) User request limit reached", 2446079, is_transient=True),
    "17/2446079": fault(400, 17, "(#17) User request limit reached", 2446079, is_transient=True),
    "32": fault(400, 32, "(#32) Page request limit reached", is_transient=True),
    "100": fault(400, 100, "(#100) Invalid parameter"),
    "100/33": fault(400, 100, _NO_OBJECT, 33, type="GraphMethodException"),
    "100/1487534": fault(
        400,
        100,
        "Invalid parameter",
        1487534,
        is_transient=False,
        error_user_title="Too many rows",
        error_user_msg=_TOO_MANY_ROWS,
    ),
    "100/1487561": fault(400, 100, "(#100) Run Status not valid", 1487561),
    "100/1504018": fault(400, 100, "(#100) The request timed out. Please use an asynchronous query", 1504018),
    "100/3191001": fault(400, 100, "(#100) Missing permissions", 3191001),
    "100/summary": fault(
        400,
        100,
        "(#100) Cannot include impressions, spend in summary param because they weren't there while creating the "
        "report run.",
    ),
    "100/2349019": fault(400, 100, "Invalid parameter", 2349019),
    "100/2349046": fault(400, 100, "Invalid Platform Parameter.", 2349046),
    "100/2349047": fault(400, 100, "Invalid Position Parameter.", 2349047),
    "100/2349048": fault(400, 100, "Date Out Of Range.", 2349048),
    "100/2349049": fault(400, 100, "Invalid Cursor.", 2349049),
    "100/cursor": fault(400, 100, "(#100) The After Cursor specified exceeds the max limit supported by this endpoint"),
    "102": fault(400, 102, "Session key invalid or no longer valid"),
    "104": fault(400, 104, "Incorrect signature"),
    "105": fault(400, 105, "(#105) The number of parameters exceeded the maximum for this operation"),
    "190": fault(400, 190, "Invalid OAuth access token - Cannot parse access token"),
    "190/458": _expired(458, "The user has not authorized application 700."),
    "190/459": _expired(459, "You cannot access the app till you log in and follow the instructions given."),
    "190/460": _expired(460, "Error validating access token: The session is invalid because the user changed it."),
    "190/463": _expired(
        463,
        "Error validating access token: Session has expired on Monday, 21-Sep-26 03:00:00 PDT. The current time is "
        "Monday, 21-Sep-26 04:00:00 PDT.",
    ),
    "190/464": _expired(464, "Sessions for the user are not allowed because the user is not a confirmed user."),
    "190/467": _expired(467, "Error validating access token: The session is invalid."),
    "190/492": _expired(492, "Error validating access token: The user no longer has a role on the page."),
    "200": Fault(
        403, {"code": 200, "message": "(#200) Requires business_management permission to manage the object"}, bare=True
    ),
    "200/capability": fault(
        403, 200, "(#200) The application does not have the capability brand_safety_feed_verification."
    ),
    "200/private": fault(403, 200, "(#200) The content is not public"),
    "294": fault(403, 294, "(#294) Managing advertisements requires an access token with the extended permission."),
    "341": fault(400, 341, "(#341) Feed action request limit reached", is_transient=True),
    "368": fault(403, 368, "The action attempted has been deemed abusive or is otherwise disallowed"),
    "613": fault(400, 613, "(#613) Calls to this api have exceeded the rate limit."),
    "613/1487742": fault(
        400,
        613,
        "(#613) There have been too many calls from this ad-account. Please wait a bit and try again.",
        1487742,
    ),
    "613/1996": fault(400, 613, "(#613) Calls to this api have exceeded the rate limit.", 1996),
    "613/5044001": fault(400, 613, "(#613) Calls to this api have exceeded the rate limit.", 5044001),
    "960": fault(400, 960, "(#960) Batch request timed out", is_transient=True),
    "2500": fault(400, 2500, 'Syntax error "Expected end of string" at character 1'),
    "2500/token": fault(400, 2500, "An active access token must be used to query information about the current user."),
    "2601/1815107": fault(
        400,
        2601,
        "Error accessing adreport job.",
        1815107,
        is_transient=True,
        error_user_title="Loading Async Ads Report Failed",
        error_user_msg=_NOT_READY,
    ),
    "2635": fault(
        400,
        2635,
        "(#2635) You are calling a deprecated version of the Ads API. Please update to the latest version: v25.0.",
    ),
    "2642": fault(400, 2642, "(#2642) Invalid cursors values"),
    "3000": fault(
        400,
        3000,
        "(#3000) Reading insights of a page, app, domain or event source group not owned by the querying user or "
        "application",
    ),
    "3001": fault(400, 3001, "(#3001) Invalid query"),
    "3003": fault(400, 3003, "(#3003) Metric requires app admin privileges"),
    "app insights gone": fault(
        400, 100, "(#100) Tried accessing nonexisting field (app_insights) on node type (Application)"
    ),
    "3018": fault(
        400,
        3018,
        "(#3018) The start date of the time range cannot be beyond 37 months from the current date",
    ),
    "80000": _throttle(80000, "from this"),
    "80000/2446079": _throttle(80000, "from this"),
    "80003": _throttle(80003, "to this"),
    "80004": _throttle(80004, "to this", "#ads-management"),
    "80004/2446079": _throttle(80004, "to this", "#ads-management"),
    "80011": fault(
        400, 80011, "(#80011) There have been too many calls to Brand Safety APIs. Wait a bit and try again."
    ),
    "-3/1504045": fault(500, -3, "Report too large", 1504045, error_user_title="Report Too Large"),
    "-2/2490547": fault(500, -2, "Report generation failed", 2490547, error_user_title="Report Generation Failed"),
    "not successful": Fault(503, {"message": "Call was not successful"}, bare=True),
    "batch size": Fault(
        400,
        {"message": "Too many requests in batch message. Maximum batch size is 50", "type": "GraphBatchException"},
        bare=True,
    ),
}
"""Every body of 1.5, 1.6, 2.12 and 4.5, keyed by code, code/subcode, or a word where the code alone is ambiguous."""


def named(key: str) -> GraphError:
    """Return the catalogue's error of that name."""
    return GraphError(CATALOGUE[key])


def invalid(message: str) -> GraphError:
    """Return a plain code 100 with its usual prefix."""
    return GraphError(fault(400, 100, f"(#100) {message}"))


def no_object(object_id: str) -> GraphError:
    """Return 100/33 naming the object."""
    known = CATALOGUE["100/33"]
    return GraphError(Fault(known.status, {**known.error, "message": _NO_OBJECT.format(id=object_id)}))
