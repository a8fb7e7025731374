"""Owns which views a publication makes: those of every family, in the order of the families' names."""

from schemas.brand_safety_views import BRAND_SAFETY_VIEWS
from schemas.view import View

VIEWS: tuple[View, ...] = (*BRAND_SAFETY_VIEWS,)
"""The views of every family."""
