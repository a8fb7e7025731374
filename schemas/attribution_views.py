"""Owns the typed view of each attribution report: made from what has landed, so that a rebuilt warehouse has it too."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from schemas.attribution import ROWS
from schemas.attribution_cells import OWN
from schemas.columns import Kind
from schemas.view import LandedViews, View

_ASKED = f"""
SELECT report_id, kinds::VARCHAR, max(fetched_at) AS newest FROM {ROWS} GROUP BY ALL ORDER BY report_id, newest
"""  # noqa: S608 - a declared name


def views_of(rows: Sequence[tuple[Any, ...]]) -> list[View]:
    """A view for each report of which rows landed; `rows` hold report id and `kinds`, the newest last."""
    reports: dict[str, list[dict[str, str]]] = {}
    for report, kinds, *_ in rows:
        reports.setdefault(str(report), []).append({})
        for cell in json.loads(kinds):
            reports[str(report)][-1][cell["name"]] = json.dumps([cell["kind"], cell["label"]])
    return [_view(report, _merged(found)) for report, found in sorted(reports.items())]


def _merged(found: Iterable[dict[str, str]]) -> dict[str, tuple[Kind, str]]:
    """Every cell that any landing had, in the newest one's order; one whose kind changed is text in all of them."""
    cells: dict[str, tuple[Kind, str]] = {}
    for one in reversed(list(found)):
        for name, told in one.items():
            kind, label = json.loads(told)
            known = cells.get(name)
            same = known is None or known[0].name == kind
            cells[name] = (Kind[kind] if same else Kind.TEXT, known[1] if known else label)
    return cells


def _view(report: str, cells: dict[str, tuple[Kind, str]]) -> View:
    own = ", ".join(OWN)
    typed = "".join(f", CAST(cells ->> '$.{name}' AS {kind.value}) AS \"{name}\"" for name, (kind, _) in cells.items())
    return View(
        f"{ROWS}_{report}",
        f"Rows of the attribution report {report}, typed; a figure beyond six decimals stands whole in {ROWS}.columns",
        f"SELECT {own}{typed} FROM {ROWS} WHERE report_id = {_text(report)}",  # noqa: S608 - names of [a-z0-9_], digits
        (ROWS,),
        {name: label for name, (_, label) in cells.items()},
    )


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


ATTRIBUTION_VIEWS = LandedViews((ROWS,), _ASKED, views_of)
