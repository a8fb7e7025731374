"""Owns the views that pivot app insights: one per family of metrics, a column per metric."""

from collections.abc import Iterator

from schemas.app_insights import APP_INSIGHTS, TABLE_NAME
from schemas.app_insights_metrics import METRICS, Adds, Family, Metric
from schemas.view import View

_SHARED = (*APP_INSIGHTS.key[:1], "date_start", "date_stop", *APP_INSIGHTS.key[2:])
"""What a row of a view stands for: everything of the table's key but the metric, and the days of the value."""


def _view(family: Family) -> View:
    metrics = [metric for metric in METRICS.values() if metric.family is family]
    shared = ", ".join(_SHARED)
    pivoted = ", ".join(f"max(value) FILTER (metric = '{metric.name}') AS {metric.name}" for metric in metrics)
    among = ", ".join(f"'{metric.name}'" for metric in metrics)
    return View(
        name=f"app_{family.value}",
        meaning=f"App insights about {family.value}: a row per app, time and question, a column per metric",
        select=f"SELECT {shared}, {pivoted} FROM {TABLE_NAME} WHERE metric IN ({among}) GROUP BY {shared}",  # noqa: S608 - declared names
        needs=(TABLE_NAME,),
        columns={
            **{name: APP_INSIGHTS[name].comment for name in _SHARED},
            **{metric.name: _comment(metric) for metric in metrics},
        },
    )


def _comment(metric: Metric) -> str:
    unit = f" [{metric.unit}]" if metric.unit else ""
    return f"{metric.meaning}{unit}" + ("" if metric.adds is Adds.ADDITIVE else f"; {metric.adds.value}: never summed")


def _views() -> Iterator[View]:
    return (_view(family) for family in Family)


APP_INSIGHTS_VIEWS: tuple[View, ...] = tuple(_views())
"""`app_activity`, `app_logins`, `app_requests`, `app_notifications`, `app_payments`."""
