"""Owns what a family of reports is to the rest of the pipeline: its tables, what of it is due, and how it is loaded.

Ads insights and ad objects are planned account by account (`pipeline/plan.py`); every other family is one of these,
built by `pipeline/assembly.py` from its section of the configuration and the choice of the command line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connectors.errors import Fault
from pipeline.catalogue import Owned
from pipeline.due import Due
from pipeline.isolation import undone
from pipeline.ledger import Ledger
from pipeline.line import Line
from pipeline.workshop import Workshop
from schemas.work import Failure


class Family(Protocol):
    """One configured family, narrowed to what a command is about."""

    @property
    def name(self) -> str:
        """Its section of the configuration, such as `brand_safety`."""

    @property
    def owned(self) -> Sequence[Owned]:
        """Its tables, whatever the command is about: all are settled before anything is asked."""

    @property
    def owners(self) -> Sequence[str]:
        """The first parts of its scopes that are configured: what `--account` may name."""

    def due(self, ledger: Ledger, now: datetime) -> Sequence[Due]:
        """What is due, as far as the ledger alone tells; asks nobody."""

    async def load(self, shop: Workshop, line: Line) -> None:
        """Loads what is due. Its faults are its own: they end in the committer's totals and in the refusals."""


@dataclass(frozen=True, slots=True)
class FamilyWork:
    """A family in one run."""

    family: Family
    shop: Workshop
    line: Line

    async def in_time(self) -> None:
        """Loads the family, or what of it can be had before the run gives up; the rest stays due."""
        why = await undone(self.shop, self.family.load(self.shop, self.line))
        if why is not None:
            remedy = why.remedy if isinstance(why, Fault) else "look"
            self.shop.committer.totals.failures.append(Failure(self.family.name, "", "", str(why), remedy))
