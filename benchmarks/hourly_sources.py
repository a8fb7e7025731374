"""Makes the hourly files that `hourly_files` reads: from the sandbox's own generator, over HTTP, onto the disk."""

import gzip
import json
import random
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[1]
NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
HOUR = datetime(2026, 11, 12, 7)  # noqa: DTZ001 - local wall time
_IMPRESSION = re.compile(rb'("impression_id":)"\d+"')
_CONTENT = re.compile(rb'("(?:above|below)_content_(?:root_)?(?:owner_)?id":)"\d+"')
_CALM = {"late": 0, "lost": 0, "partial": 0, "empty": 0}


def make(folder: Path, files: int, lines: int) -> list[Path]:
    """One hour of so many files with so many lines each."""
    with _sandbox() as (graph, host):
        told = {"rules": [], "brand_safety": {"lines": lines, "parts": files, "shares": _CALM}}
        _read(urllib.request.Request(f"{graph}/sandbox/scenario", json.dumps(told).encode()))  # noqa: S310 - plain HTTP
        query = {"platform": "facebook", "position": "feed", "datetime": f"{HOUR:%Y-%m-%dT%H:00}"}
        address = f"{host}/adjacent_content_delivery_reports/900/file_download?{urlencode(query)}"
        listing = urllib.request.Request(address, headers={"Authorization": "Bearer sandbox-token-benchmark"})  # noqa: S310
        found = []
        for file in json.loads(_read(listing))["data"]:
            path = folder / f"{file['index']:02}.jsonl.gz"
            urllib.request.urlretrieve(file["download_url"], path)  # noqa: S310 - as above
            found.append(path)
    assert len(found) == files
    return found


def hashed(source: Path, folder: Path) -> None:
    """The same file with ids that no two lines share and hashes for impressions: what of it hardly compresses."""
    chance = random.Random(source.name)
    with gzip.open(source) as lines, gzip.open(folder / source.name, "wb", 6) as file:
        for line in lines:
            told = _IMPRESSION.sub(lambda found: b'%b"%b"' % (found[1], chance.randbytes(32).hex().encode()), line)
            file.write(_CONTENT.sub(lambda found: b'%b"%d"' % (found[1], chance.randrange(10**16, 10**17)), told))


def _read(request: urllib.request.Request) -> Any:
    with urllib.request.urlopen(request) as reply:  # noqa: S310 - as above
        return reply.read()


@contextmanager
def _sandbox() -> Iterator[tuple[str, str]]:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--now", NOW.isoformat(), "--size", "small"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            yield told["listening"], told["files"]
        finally:
            process.terminate()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The files of a folder over HTTP, from a process that costs next to nothing."""
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{process.stdout.readline().split(' port ')[1].split()[0]}"
        finally:
            process.terminate()
