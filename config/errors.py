"""Owns the one refusal of this room; light, so that the command line can know it without reading any setting."""


class Wrong(Exception):
    """The configuration cannot be used; the message says every place, value and nearest legal value, a line each."""
