"""Owns which families of calls the sandbox has beside insights and objects, each with its own control calls."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from aiohttp import web

from sandbox.app_insights import AppInsights
from sandbox.attribution import Attribution
from sandbox.brand_safety import BrandSafety
from sandbox.graph import Family
from sandbox.state import State


class FurtherFamily(Family, Protocol):
    """A family with calls of its own beside Graph's: truth, file downloads."""

    def routes(self) -> Iterable[web.RouteDef]:
        """Return what it serves outside of Graph, under `/sandbox` or wherever its files lie."""
        ...


FAMILIES: Sequence[Callable[[State], FurtherFamily]] = (AppInsights, Attribution, BrandSafety)


def further_families(state: State) -> Sequence[FurtherFamily]:
    """Return every family, on one state."""
    return tuple(make(state) for make in FAMILIES)
