"""Owns who may call: tokens, proofs of the app secret, versions (graph-api.md 1.1 and 1.3)."""

import hashlib
import hmac

from sandbox.calls import Call
from sandbox.faults import GraphError, fault, named
from sandbox.options import NEWEST_VERSION, ServerOptions

_PREFIX = "sandbox-token"
_EXPIRED = "sandbox-token-expired"


def proof(token: str, secret: str) -> str:
    """Return the proof that a caller must send with a token."""
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def authenticate(call: Call, options: ServerOptions) -> None:
    """Refuse a missing, expired or unknown token, and a proof that is wrong or missing though required."""
    if not call.token:
        raise named("2500/token")
    if call.token == _EXPIRED:
        raise named("190/463")
    if not call.token.startswith(_PREFIX):
        raise named("190")
    if options.app_secret:
        _check_proof(call, options)


def _check_proof(call: Call, options: ServerOptions) -> None:
    sent = call.parameters.get("appsecret_proof", "")
    if not sent:
        if options.require_proof:
            raise _refused("API calls from the server require an appsecret_proof argument")
        return
    if not hmac.compare_digest(sent, proof(call.token, options.app_secret)):
        raise _refused("Invalid appsecret_proof provided in the API argument")


def _refused(message: str) -> GraphError:
    return GraphError(fault(400, 100, message, type="GraphMethodException"))


def check_version(call: Call, options: ServerOptions, *, marketing: bool) -> None:
    """Refuse dead versions with 2635, and unversioned calls to anything under an ad object."""
    number = version_number(call.version)
    if number is None:
        if marketing or call.version:
            raise GraphError(fault(400, 2635, "(#2635) An API version is required for this call."))
    elif number < options.profile:
        raise named("2635")
    elif number > NEWEST_VERSION:
        raise GraphError(fault(400, 2500, f"Unknown path components: /{call.version}"))


def version_number(version: str) -> int | None:
    """Return 25 for `v25.0`; None when there is no version."""
    major = version.removeprefix("v").partition(".")[0]
    return int(major) if version.startswith("v") and major.isdigit() else None
