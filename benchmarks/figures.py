"""Owns what a benchmark has found and how it is shown."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line: seconds, and where they are compared, the ratio beside what it should reach; likewise the memory."""

    what: str
    seconds: float
    ratio: float | None = None
    reach: float | None = None
    peak_mb: float | None = None
    most_mb: float | None = None


def table(figures: Iterable[Figure]) -> str:
    """The figures as a table of text."""
    lines = [f"{'':44}{'seconds':>9}{'ratio':>8}{'reach':>8}{'peak MB':>9}{'under':>7}"]
    lines += [
        f"{figure.what:44}{figure.seconds:9.3f}{_number(figure.ratio, 'x'):>8}{_number(figure.reach, 'x'):>8}"
        f"{_whole(figure.peak_mb):>9}{_whole(figure.most_mb):>7}"
        for figure in figures
    ]
    return "\n".join(lines)


def _number(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.2f}{unit}"


def _whole(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"
