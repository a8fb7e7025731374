"""Runs the measurements and prints them; `--full` adds the slow ones, `--json` prints one JSON document."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict

import click

from benchmarks import calls_per_day, hourly_files, insights_pages, planning, ready_report, status_page
from benchmarks.figures import Figure, table

BENCHMARKS: dict[str, tuple[str, Callable[[bool], list[Figure]]]] = {
    "calls_per_day": (
        "A night of 200 accounts, beside a plain loop; a line is calls per account-day or the sandbox's seconds",
        lambda _: calls_per_day.figures(),
    ),
    "hourly_files": (
        "Hourly brand-safety files to landed Parquet, beside inflating the same files in one thread",
        lambda full: hourly_files.figures(full=full),
    ),
    "insights_pages": (
        "Pages of ads insights to typed Parquet, beside orjson.loads of the same bytes",
        lambda full: insights_pages.figures(full=full),
    ),
    "planning": (
        "A plan over 500 accounts x 400 days x 10 tables, beside the two seconds that it may take",
        lambda _: planning.figures(),
    ),
    "ready_report": (
        "A ready report to the warehouse, beside a bare loop with Meta's own SDK",
        lambda _: ready_report.figures(),
    ),
    "status_page": (
        "The status page over 2,000,000 slices, beside the goal of 0.3 s",
        lambda _: status_page.figures(),
    ),
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)))
@click.option("--full", is_flag=True, help="Also 1,000,000 rows of one account-day.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def main(names: tuple[str, ...], *, full: bool, as_json: bool) -> None:
    """Measure the speed of the product; all benchmarks unless some are named."""
    found = {name: BENCHMARKS[name][1](full) for name in names or BENCHMARKS}
    if as_json:
        json.dump({name: [asdict(figure) for figure in figures] for name, figures in found.items()}, sys.stdout)
        return
    for name, figures in found.items():
        click.echo(f"{BENCHMARKS[name][0]}\n{table(figures)}\n")


if __name__ == "__main__":
    main()
