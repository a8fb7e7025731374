"""Owns what is reported about brand safety at a moment: one value that calls, downloads and the truth all ask."""

from datetime import datetime

from sandbox import brand_safety_reports as reports
from sandbox.brand_safety_content import ContentWorld
from sandbox.brand_safety_hours import Fate, Hour, Range, Sizes, available, fate
from sandbox.brand_safety_rows import LineMaker, Part, parts_of
from sandbox.state import State
from sandbox.world import Node


class Reporting:
    """What is reported: the same for calls and for the truth."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.contents = ContentWorld(state.options.seed)
        self.maker = LineMaker(state.options.seed, state.world, self.contents)

    def sizes(self, *, is_download: bool) -> Sizes:
        """Return the sizes; files and ad-set reports are late and lost each on their own."""
        options = self.state.options
        return Sizes(options.seed + (not is_download), options.file_lines, options.file_parts)

    def fate(self, hour: Hour, *, is_download: bool = True) -> Fate:
        """Return what becomes of an hour."""
        return fate(hour, self.sizes(is_download=is_download), self.state.scenario.safety)

    def range(self, platform: str, position: str, *, is_download: bool, at: datetime | None = None) -> Range:
        """Return what endpoint (a) tells at a moment, the present one by default."""
        sizes = self.sizes(is_download=is_download)
        return available(platform, position, at or self.state.clock.now(), sizes, self.state.scenario.safety)

    def parts(self, hour: Hour) -> list[Part]:
        """Return every part that an hour has when it is complete."""
        if not self.maker.has_ads(hour.owner):
            return []
        return parts_of(hour, self.fate(hour), self.state.options.seed)

    def part(self, reference: str) -> Part | None:
        """Return the part that a signed address names."""
        owner, platform, position, starts, index = reference.split("/")
        parts = self.parts(Hour(owner, platform, position, datetime.fromisoformat(starts)))
        return next((part for part in parts if part.index == int(index)), None)

    def report(self, adset: Node, hour: Hour) -> list[reports.Row]:
        """Return an ad-set report's rows at the present moment; an hour that is not there has none."""
        if not self.fate(hour, is_download=False).is_there(self.state.clock.now()):
            return []
        return reports.rows(self.state.world, self.contents, self.state.options.seed, adset, hour)
