"""A small client of the sandbox: it speaks HTTP only, so that tests see what any client sees."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from sandbox.main import Running

TOKEN = "sandbox-token-test"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: Any
    text: str

    @property
    def error(self) -> dict[str, Any]:
        """Return the error envelope."""
        error: dict[str, Any] = self.body["error"]
        return error

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Return the rows."""
        rows: list[dict[str, Any]] = self.body["data"]
        return rows


class Client:
    """Asks one sandbox with a token in the header."""

    def __init__(self, server: Running, session: aiohttp.ClientSession, token: str = TOKEN) -> None:
        self.server = server
        self.session = session
        self.headers = {"Authorization": f"Bearer {token}"}

    async def get(self, path: str, **parameters: Any) -> Answer:
        """Read a path under v25.0, or a complete address, or a path that begins with a slash as it stands."""
        url = path if path.startswith("http") else f"{self.server.url}{path if path[:1] == '/' else '/v25.0/' + path}"
        wire = {name: _wire(value) for name, value in parameters.items()}
        async with self.session.get(url, params=wire, headers=self.headers) as response:
            return await _answer(response)

    async def post(self, path: str, **fields: Any) -> Answer:
        """Send a form."""
        wire = {name: _wire(value) for name, value in fields.items()}
        url = f"{self.server.url}{path if path[:1] == '/' else '/v25.0/' + path}"
        async with self.session.post(url, data=wire, headers=self.headers) as response:
            return await _answer(response)

    async def control(self, path: str, document: Any) -> Answer:
        """Send a control call."""
        async with self.session.post(f"{self.server.url}/sandbox/{path}", json=document) as response:
            return await _answer(response)

    async def batch(self, operations: list[dict[str, Any]], **more: Any) -> Answer:
        """Send a batch."""
        return await self.post("/v25.0/", batch=operations, **more)

    async def all_rows(self, path: str, **parameters: Any) -> list[dict[str, Any]]:
        """Follow `next` to the last page."""
        answer = await self.get(path, **parameters)
        rows = list(answer.rows)
        while "next" in answer.body.get("paging", {}):
            answer = await self.get(answer.body["paging"]["next"])
            rows += answer.rows
        return rows

    async def truth(self, account: str = "111", **parameters: Any) -> list[dict[str, Any]]:
        """Ask for the truth."""
        rows: list[dict[str, Any]] = (await self.get("/sandbox/truth/insights", account=account, **parameters)).body[
            "rows"
        ]
        return rows

    def later(self, seconds: float) -> None:
        """Let sandbox time pass."""
        self.server.state.clock.advance(seconds)

    async def submitted(self, path: str = "act_111/insights", **fields: Any) -> str:
        """Submit a report run and return its id."""
        run: str = (await self.post(path, **fields)).body["report_run_id"]
        return run

    async def completed(self, run: str) -> list[tuple[str, int]]:
        """Poll a run while time passes until it is final, and return what each poll showed."""
        seen: list[tuple[str, int]] = []
        while not seen or not _final(*seen[-1]):
            shown = (await self.get(run)).body
            seen.append((shown["async_status"], shown["async_percent_completion"]))
            self.later(0.05)
        return seen


def _wire(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _final(status: str, percent: int) -> bool:
    return status in {"Job Failed", "Job Skipped"} or (status, percent) == ("Job Completed", 100)


async def _answer(response: aiohttp.ClientResponse) -> Answer:
    text = await response.text()
    is_json = text.startswith(("{", "["))
    return Answer(response.status, response.headers, json.loads(text) if is_json else None, text)


def unordered(rows: list[dict[str, Any]]) -> list[str]:
    """Return rows in a form that compares without their order."""
    return sorted(json.dumps(row, sort_keys=True) for row in rows)
