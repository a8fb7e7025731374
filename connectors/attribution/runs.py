"""Owns one report run from its start to its file: how it is waited for and fetched (graph-api.md 6.4)."""

from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from connectors.attribution.reads import Reads
from connectors.errors import Fault, GaveUp, Transport
from connectors.graph.calls import Call
from connectors.graph.door import Sender
from connectors.http.clock import Clock
from connectors.http.messages import Request, Response
from schemas.events import Say

COMPLETED, ERROR = "completed", "error"
TIMEOUT = "timeout"
TOO_MUCH = frozenset({TIMEOUT, "size_exceeded"})
ALIVE = frozenset({"scheduled", "running"})
MOST_HOPS = 5
MOST_FETCHES = 3
REDIRECT = range(300, 400)
OK = 200


@dataclass(frozen=True, slots=True)
class Patience:
    """How a run is waited for: seconds between looks, doubling, and how long at most."""

    initial_seconds: float
    max_seconds: float
    deadline_seconds: float


@dataclass(frozen=True, slots=True)
class Runs:
    """Waits for report runs and fetches their files. `base` is Graph's own address, against which a path is read."""

    reads: Reads
    http: Sender
    clock: Clock
    patience: Patience
    base: str
    timeout_seconds: float
    say: Say

    async def ended(self, run: str) -> str:
        """The status in which a run ended.

        Raises:
            GaveUp: It still runs after the deadline; the next load looks again.
            Fault: It cannot be looked at.
        """
        waited, wait = 0.0, self.patience.initial_seconds
        while True:
            status = await self.reads.status(run)
            self.say("attribution.run_polled", run=run, status=status)
            if status not in ALIVE:
                return status
            if waited >= self.patience.deadline_seconds:
                raise GaveUp(f"the report run is still {status} after {waited / 60:.0f} minutes", place=f"run {run}")
            await self.clock.sleep(wait)
            waited, wait = waited + wait, min(wait * 2, self.patience.max_seconds)

    async def file(self, run: str) -> bytes:
        """The file of a completed run. Its address is signed and short-lived: a failed fetch asks for a new one.

        Raises:
            Fault: It cannot be fetched.
        """
        call = Call("file", "GET", f"{run}/data", {"filename": f"insights_{run}"})
        for fetch in range(1, MOST_FETCHES + 1):
            reply = await self.reads.graph.call(call)
            found = reply.body if reply.location is None else await self._follow(run, reply.location)
            if isinstance(found, bytes):
                return found
            if fetch == MOST_FETCHES:
                raise found
            await self.clock.sleep(self.patience.initial_seconds * fetch)
        raise AssertionError("the last fetch returns or raises")

    async def _follow(self, run: str, location: str) -> bytes | Fault:
        """What lies at the end of the redirects, asked without our token and told without their addresses."""
        address = urljoin(f"{self.base}/", location)
        for _ in range(MOST_HOPS):
            response = await self._get(run, address)
            if isinstance(response, Fault):
                return response
            onward = response.headers.get("location")
            if response.status in REDIRECT and onward:
                address = urljoin(address, onward)
            elif response.status == OK:
                return response.body
            else:
                return _lost(run, address, f"the file's host answered HTTP {response.status}")
        return _lost(run, address, f"more than {MOST_HOPS} redirects")

    async def _get(self, run: str, address: str) -> Response | Fault:
        try:
            return await self.http.send(Request("GET", address, timeout_seconds=self.timeout_seconds))
        except Fault as fault:
            return _lost(run, address, fault.message)


def _lost(run: str, address: str, why: str) -> Transport:
    """A fault that names the host alone: the rest of the address opens the file to anybody."""
    return Transport(why, place=f"file of report run {run} at {urlsplit(address).hostname or 'nowhere'}")
