"""Owns what all work of one run shares; a value that is handed to each family's work."""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass

from connectors.http.clock import Clock
from pipeline.committer import Committer
from pipeline.deadline import Deadline
from pipeline.refusals import Refusals
from schemas.columns import Table
from schemas.events import Say


@dataclass(frozen=True, slots=True)
class Workshop:
    """`tables` are every table that a report or family has or ever had, with every column, the facts first."""

    committer: Committer
    refusals: Refusals
    clock: Clock
    pool: Executor
    say: Say
    tables: Mapping[str, tuple[Table, ...]]
    run_id: str
    deadline: Deadline
