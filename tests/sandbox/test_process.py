import asyncio
import json
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_start_and_stop(number: signal.Signals) -> None:
    """The program prints one JSON line when it listens, answers, and stops cleanly on a signal."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox", "--now", "2026-11-23T04:00:00Z", "--size", "small", "--seed", "7",
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    told = json.loads(await process.stdout.readline())
    assert told.keys() == {"listening", "files"}
    url = told["listening"]
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer sandbox-token"}) as session:
        async with session.get(f"{url}/v25.0/act_111", params={"fields": "name"}) as response:
            assert await response.json() == {"name": "Account 111", "id": "act_111"}
        await session.post(f"{url}/v25.0/act_111/insights", data={"level": "ad", "breakdowns": "age,gender"})
        process.send_signal(number)
        rest, log = await process.communicate()
    assert (process.returncode, rest) == (0, b"")
    assert b"sandbox stopped" in log
    assert b"Traceback" not in log
