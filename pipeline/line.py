"""Owns what a run asks with: one HTTP client, one gate for all tokens, and a Graph for each token and server."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.graph.calls import Target
from connectors.graph.client import Graph
from connectors.graph.credentials import Credentials
from connectors.graph.door import Tally
from connectors.http.client import HttpClient
from connectors.http.clock import Clock
from connectors.http.retry import Policy
from connectors.pace.gate import Gate
from pipeline.quota_readings import QuotaReadings
from schemas.events import Say


@dataclass(frozen=True, slots=True)
class Line:
    """What a family is given to ask with; `credentials` and `target` are those of `[graph]`, `readings` the gate's.

    `own` are the credentials of families that have theirs, by the name of the family.
    """

    http: HttpClient
    gate: Gate
    clock: Clock
    credentials: Credentials
    target: Target
    say: Say
    own: Mapping[str, Credentials] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    readings: QuotaReadings = field(default_factory=QuotaReadings)

    def graph(
        self, credentials: Credentials | None = None, target: Target | None = None, policy: Policy | None = None
    ) -> Graph:
        """A way to Graph, with this token, server and patience; what goes through it is counted here."""
        return Graph(
            self.http,
            self.gate,
            self.clock,
            credentials or self.credentials,
            target or self.target,
            policy=policy,
            say=lambda event, fields: self.say(event, **fields),
            tally=self.tally,
        )
