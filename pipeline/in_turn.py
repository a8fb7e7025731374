"""Owns families whose steps build on one another: each is loaded when those before it are done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.catalogue import Owned
from pipeline.due import Due
from pipeline.family import Family
from pipeline.ledger import Ledger
from pipeline.line import Line
from pipeline.workshop import Workshop


@dataclass(frozen=True, slots=True)
class InTurn:
    """Several steps that are one family to the rest of the pipeline (`pipeline/family.py`)."""

    name: str
    steps: tuple[Family, ...]

    @property
    def owned(self) -> Sequence[Owned]:
        """The tables of all steps."""
        return [owned for step in self.steps for owned in step.owned]

    @property
    def owners(self) -> Sequence[str]:
        """What all steps are about, each once."""
        return list(dict.fromkeys(owner for step in self.steps for owner in step.owners))

    def due(self, ledger: Ledger, now: datetime) -> Sequence[Due]:
        """What is due of any step."""
        return [due for step in self.steps for due in step.due(ledger, now)]

    async def load(self, shop: Workshop, line: Line) -> None:
        """Loads one step after the other; what fails in one is no reason to leave out the next."""
        for step in self.steps:
            await step.load(shop, line)
