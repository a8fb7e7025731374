"""Bytes out, bytes in: clock, messages, retry policy and client. Knows no API."""
