"""Owns telling people of troubles: looks, sends what is new to the webhook, remembers it. Its faults are its own."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from connectors.errors import Fault
from connectors.http.client import HttpClient
from connectors.http.clock import Clock
from connectors.http.messages import Request
from pipeline.alerts import News, Trouble, body, news
from pipeline.ledger import Ledger
from schemas.events import Say

TOLD = "alerts.told"
WAITS = (2.0, 10.0, 30.0)
"""Seconds between the attempts to send; after the last it is left to the next look."""
ANSWER_SECONDS = 15.0
OK, SERVER_ERROR, TOO_MANY = range(200, 300), 500, 429


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where people are told; its address is a secret."""

    http: HttpClient
    clock: Clock
    url: str = field(repr=False)

    async def send(self, document: bytes) -> str | None:
        """Why it could not be sent, without the address; None when it was."""
        request = Request("POST", self.url, json=document, timeout_seconds=ANSWER_SECONDS, place="the webhook")
        failure: str | None = None
        for wait in (0.0, *WAITS):
            await self.clock.sleep(wait)
            try:
                status = (await self.http.send(request)).status
            except Fault as fault:
                failure = fault.message
                continue
            if status in OK:
                return None
            failure = f"HTTP {status}"
            if status < SERVER_ERROR and status != TOO_MANY:
                break
        return failure


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells what the ledger knows of troubles; `webhook` None: the log only."""

    ledger: Ledger
    look: Callable[[], list[Trouble]]
    store: str
    say: Say
    webhook: Webhook | None = None

    async def tell(self, now: datetime) -> None:
        """Looks, and says what is new: in the log, and to the webhook. What could not be sent is new the next time."""
        found = news(await asyncio.to_thread(self.look), self.ledger.note(TOLD) or {}, now)
        if not found.is_there:
            return
        for trouble in found.troubles:
            self.say("alert.raised", **_fields(trouble))
        for trouble in found.over:
            self.say("alert.over", **_fields(trouble))
        failure = await self._sent(found, now)
        if failure is None:
            self.ledger.save_note(TOLD, found.told)
        else:
            self.say("alert.unsent", because=failure)

    async def _sent(self, found: News, now: datetime) -> str | None:
        if self.webhook is None:
            return None
        return await self.webhook.send(orjson.dumps(body(found, self.store, now)))


def _fields(trouble: Trouble) -> dict[str, str]:
    return {"kind": trouble.kind, "table": trouble.table, "scope": trouble.scope, "message": trouble.message}
