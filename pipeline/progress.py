"""Owns what a person at a terminal sees while a load runs: one bar for slices, one line of what happens now."""

from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

NEWS = frozenset({"slices.failed", "task.halved", "quota.blocked", "publish.whole", "publish.strangers_log_removed"})


class Progress:
    """A listener that draws on stderr."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[doing]}"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bars.add_task("slices", total=None, doing="finding accounts")
        self._submitted = self._pages = 0
        self._left = ""

    def __call__(self, event: str, fields: Mapping[str, object]) -> None:
        """Draws one event."""
        if event == "discovery.done":
            self._bars.start()
        elif event == "plan.made":
            self._bars.update(self._task, total=float(str(fields["slices"])), doing="asking")
            self._console.print(_estimate(fields), highlight=False)
        elif event == "run.progress":
            self._left = _left(fields["seconds_left"])
        elif event in {"landing.landed", "slices.failed", "slices.unchanged"}:
            self._bars.advance(self._task, float(str(fields["slices"])))
        elif event == "publish.begun":
            self._bars.update(self._task, doing="publishing")
        elif event == "publish.done":
            self._bars.stop()
        self._count(event)
        if event in NEWS:
            self._console.print(f"{event} {dict(fields)}", style="yellow", markup=False, highlight=False)

    def _count(self, event: str) -> None:
        self._submitted += event == "report_run.submitted"
        self._pages += event in {"page.read", "objects.page"}
        if event in {"report_run.submitted", "page.read", "objects.page"}:
            self._bars.update(self._task, doing=f"{self._submitted} report runs, {self._pages} pages{self._left}")


def _estimate(fields: Mapping[str, object]) -> str:
    """What lies ahead, before it begins."""
    seconds = fields["seconds"]
    long = f", about {-(-int(str(seconds)) // 60)} min by the last load" if seconds is not None else ""
    return f"{fields['slices']} slices are due, about {fields['calls']} calls{long}"


def _left(seconds: object) -> str:
    return "" if seconds is None else f", about {-(-int(str(seconds)) // 60)} min left"
