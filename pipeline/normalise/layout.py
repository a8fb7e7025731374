"""Owns what a row of a report is made of: which names are cells, lists, results, assets. Derived from the report."""

from dataclasses import dataclass
from functools import cached_property

from schemas.ads_insights import ReportTables, quotient_metrics, tables_of
from schemas.breakdowns import BREAKDOWNS
from schemas.columns import ORIGIN_NAMES, Column
from schemas.insights_fields import Shape
from schemas.reports import Report

ELEMENT_VALUE = "value"
DEFAULT_WINDOW = "default"


@dataclass(frozen=True)
class Layout:
    """The parts of a row by their names, in the API's words."""

    report: Report

    @cached_property
    def tables(self) -> ReportTables:
        """The tables that the report fills."""
        return tables_of(self.report)

    @cached_property
    def actions(self) -> tuple[str, ...]:
        """The list metrics whose elements become rows of the actions table."""
        return tuple(field.name for field in self.report.having(Shape.ACTIONS))

    @cached_property
    def histograms(self) -> tuple[str, ...]:
        """The list metrics whose values are lists of numbers."""
        return tuple(field.name for field in self.report.having(Shape.HISTOGRAM))

    @cached_property
    def results(self) -> tuple[str, ...]:
        """The list metrics that become rows of the results table."""
        return tuple(field.name for field in self.report.having(Shape.RESULTS))

    @cached_property
    def structured(self) -> tuple[str, ...]:
        """The fields that stay JSON columns of the facts."""
        return tuple(field.name for field in self.report.having(Shape.STRUCTURED))

    @cached_property
    def assets(self) -> tuple[str, ...]:
        """The breakdowns whose value is an object."""
        return tuple(name for name in self.report.breakdowns if BREAKDOWNS[name].asset_keys)

    @cached_property
    def quotients(self) -> frozenset[str]:
        """The list metrics that the API computes by division."""
        return frozenset(quotient_metrics(self.report))

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """The action breakdowns, each once: they stand in an element beside its value."""
        return tuple(dict.fromkeys(self.report.action_breakdowns))

    @cached_property
    def windows(self) -> tuple[str, ...]:
        """The attribution windows that have a column of their own."""
        return tuple(name for name in self.report.asked_windows if name != DEFAULT_WINDOW)

    @cached_property
    def cells(self) -> tuple[Column, ...]:
        """The columns of the facts that hold one text of the row each."""
        aside = {*ORIGIN_NAMES, *self.structured, *(f"{name}_detail" for name in self.assets), "extra"}
        return tuple(column for column in self.tables.facts.columns if column.name not in aside)

    @cached_property
    def identity(self) -> tuple[str, ...]:
        """The key columns without which a row is no row: ids and dates; a breakdown that is absent is ''."""
        return tuple(name for name in self.tables.facts.key if name not in self.report.breakdowns)

    @property
    def only_careful(self) -> bool:
        """Whether rows hold structures that must be kept as the JSON they came as."""
        return bool(self.assets or self.structured)
