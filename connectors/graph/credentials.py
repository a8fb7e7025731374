"""The access token and the app secret: proves and masks them. Refuses to show them."""

import hashlib
import hmac
from dataclasses import dataclass, field
from urllib.parse import quote

MASK = "***"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Whom Graph sees asking."""

    access_token: str = field(repr=False)
    app_secret: str | None = field(default=None, repr=False)

    def proof(self) -> str | None:
        """`appsecret_proof`: lower-case hex HMAC-SHA256 of the token under the secret (graph-api.md 1.3 [seed 004])."""
        if self.app_secret is None:
            return None
        return hmac.new(self.app_secret.encode(), self.access_token.encode(), hashlib.sha256).hexdigest()

    def secrets(self) -> tuple[str, ...]:
        """Every spelling that must not be seen: as they are, and as they stand in an address."""
        plain = [text for text in (self.access_token, self.app_secret, self.proof()) if text]
        return tuple(dict.fromkeys([*plain, *(quote(text, safe="") for text in plain)]))

    def masked(self, body: bytes) -> bytes:
        """The body with every secret in it replaced; the same object when there is none."""
        for secret in self.secrets():
            body = body.replace(secret.encode(), MASK.encode())
        return body
