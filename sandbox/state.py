"""Owns everything that a running sandbox remembers, as one value that the rooms share."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sandbox.calls import Call, CallLog
from sandbox.clock import SandboxClock, local_day
from sandbox.evaluation import Evaluated, evaluate
from sandbox.options import ServerOptions
from sandbox.query import Query
from sandbox.quotas import Quotas
from sandbox.runs import Runs
from sandbox.scenario import Scenario, mutation
from sandbox.world import World


@dataclass(slots=True)
class State:
    """The world, the time, and what calls have left behind."""

    world: World
    clock: SandboxClock
    options: ServerOptions
    scenario: Scenario = field(default_factory=Scenario)
    log: CallLog = field(default_factory=CallLog)
    pages: dict[tuple[str, str], int] = field(default_factory=dict)
    """The zero-based page that a cursor of a path leads to."""
    files_port: int = 0
    """Where hourly files are listed and lie; 0 until the sandbox listens."""
    quotas: Quotas = field(init=False)
    runs: Runs = field(init=False)

    def __post_init__(self) -> None:
        self.runs = Runs(self.options.seed, self.options.run_seconds)
        self.scenario.lasting = [mutation(entry) for entry in self.world.mutations]
        self.scenario.mutations = [*self.scenario.lasting]
        self.forget_quotas()

    def forget_quotas(self) -> None:
        """Start every quota anew."""
        active = Counter(
            node.account_id for node in self.world.nodes.values() if node.kind == "ad" and node.status == "ACTIVE"
        )
        self.quotas = Quotas(self.options, active)

    def edit(self, object_id: str, changes: dict[str, Any] | None) -> None:
        """Change or remove an object; nothing that was worked out before is served again."""
        self.world = self.world.edited(object_id, changes)
        self.scenario.version += 1

    def today(self, account_id: str) -> date:
        """Return the account's present day."""
        return local_day(self.clock.now(), self.world.zone(account_id))

    def evaluate(self, query: Query, as_of: date) -> Evaluated:
        """Work out a query's rows with the scenario's mutations."""
        return evaluate(self.world, query, as_of, self.scenario.mutate if self.scenario.mutations else None)

    def page_of(self, call: Call) -> int:
        """Return which page of its list a call asks for, counted from 0."""
        return self.pages.get((call.path, call.parameters.get("after", "")), 0)

    def note_next(self, call: Call, cursor: str) -> None:
        """Remember where a cursor that was given out leads to."""
        self.pages[call.path, cursor] = self.page_of(call) + 1
