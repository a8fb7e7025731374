"""Owns what an ad account is to the pipeline."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """An ad account: digits, time zone, currency, name."""

    id: str
    zone: str
    currency: str = ""
    name: str = ""
