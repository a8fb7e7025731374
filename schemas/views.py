"""Owns which views a publication makes: those of every family, in the order of the families' names."""

from schemas.app_insights_views import APP_INSIGHTS_VIEWS
from schemas.attribution_views import ATTRIBUTION_VIEWS
from schemas.brand_safety_views import BRAND_SAFETY_VIEWS
from schemas.view import LandedViews, View

VIEWS: tuple[View | LandedViews, ...] = (*APP_INSIGHTS_VIEWS, ATTRIBUTION_VIEWS, *BRAND_SAFETY_VIEWS)
"""The views of every family."""
