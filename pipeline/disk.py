"""Owns how names on disk survive a loss of power: folders are synced after what they hold has changed."""

import os
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Makes a folder, and those above it, safely."""
    if not folder.exists():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder safe."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
