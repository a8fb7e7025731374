"""Owns how something worth saying is said: an event's name and its fields, never a sentence with values inside."""

from typing import Protocol


class Say(Protocol):
    """Says one event, `room.what_happened` plus snake_case fields. Called synchronously at the moment it happens."""

    def __call__(self, event: str, /, **fields: object) -> None:
        """Say it."""


def silent(event: str, /, **fields: object) -> None:
    """Says nothing."""
