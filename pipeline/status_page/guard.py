"""Owns who may see the pages: on loopback everybody on this machine, elsewhere who has the token. Pure.

The token travels as the password of HTTP's own sign-in (any name), or as `Authorization: Bearer`; never in an address.
"""

import base64
import binascii
import hmac
import ipaddress
from dataclasses import dataclass

ASK = 'Basic realm="Insights", charset="UTF-8"'
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Guard:
    """`token` None: no token is asked for, and only those who name this machine are answered.

    Otherwise a page elsewhere could make a name of its own lead to this machine, and have a browser read it the pages.
    """

    token: str | None = None

    def lets_in(self, authorization: str | None) -> bool:
        """Whether this header, if any, shows the token."""
        if self.token is None:
            return True
        return any(hmac.compare_digest(shown, self.token.encode()) for shown in _shown(authorization or ""))

    def knows(self, host: str | None) -> bool:
        """Whether the name by which the page was asked for is one of this server's."""
        return self.token is not None or _without_port(host or "") in LOCAL_NAMES


def _shown(authorization: str) -> list[bytes]:
    """The token that a header shows, as bytes; none if it shows none."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return [rest.strip().encode()]
    if scheme.lower() != "basic":
        return []
    try:
        return [base64.b64decode(rest.strip(), validate=True).partition(b":")[2]]
    except (binascii.Error, ValueError):
        return []


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if ":" in host else host
