"""Owns `python -m sandbox`."""

from sandbox.main import main

main()
