"""A site that is slow, fails, and hangs according to its seed, and counts its responses.

`/homes/N` are the generated listings of `simulators.site`. `/poison/N` calls `on_poison` to kill the process that
fetches it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from simulators.site import homes
from tests.chaos.plan import manners

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

_ROBOTS = b"User-agent: *\nDisallow:\n"
#: How long a "hang" lasts, in seconds. A fetcher gives up earlier.
_HANG_SECONDS = 60.0
_POISON_SECONDS = 15.0


@dataclass(frozen=True)
class Served:
    """A request that ended at `at` (monotonic seconds). `outcome` is "complete", "abandoned", "killed", or a mishap."""

    at: float
    path: str
    outcome: str


class ChaosSite:
    def __init__(self, seed: int, on_poison: Callable[[int], bool] = lambda _: False) -> None:
        """`on_poison` kills the client with the given port. It returns False if it finds no such process."""
        self._seed = seed
        self.on_poison = on_poison
        self._asked: Counter[str] = Counter()
        self.served: list[Served] = []

    @property
    def complete(self) -> Counter[str]:
        """Count the complete good responses, by path."""
        return Counter(one.path for one in list(self.served) if one.outcome == "complete")

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        path, port = str(scope["path"]), int(scope["client"][1])
        kind, _, number = path.strip("/").partition("/")
        if path == "/robots.txt":
            await _answer(send, 200, _ROBOTS, "text/plain")
        elif kind == "poison" and number.isdigit():
            self._note(path, await self._poison(path, port, receive, send))
        elif kind == "homes" and number.isdigit():
            self._note(path, await self._home(path, int(number), receive, send))
        else:
            await _answer(send, 404, b"<h1>Page not found</h1>")

    def _note(self, path: str, outcome: str) -> None:
        self.served.append(Served(time.monotonic(), path, outcome))

    async def _home(self, path: str, number: int, receive: Receive, send: Send) -> str:
        behavior, body = manners(self._seed, number), homes.page(number).encode()
        self._asked[path] += 1
        turn = self._asked[path] - 1
        mishap = behavior.mishaps[turn] if turn < len(behavior.mishaps) else None
        if await _left(receive, _HANG_SECONDS if mishap == "hang" else behavior.latency_seconds):
            return mishap or "abandoned"
        if mishap in ("500", "503", "hang"):
            await _answer(send, 503 if mishap == "hang" else int(mishap), b"<h1>Try again later</h1>")
            return mishap
        if mishap == "broken":
            await _start(send, 200, len(body), "text/html; charset=utf-8")
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            return mishap  # uvicorn closes the connection, because the response is incomplete
        await _answer(send, 200, body)
        return "complete"

    async def _poison(self, path: str, port: int, receive: Receive, send: Send) -> str:
        if await asyncio.to_thread(self.on_poison, port) and await _left(receive, _POISON_SECONDS):
            return "killed"
        await _answer(send, 200, homes.page(int(path.rpartition("/")[2])).encode())
        return "complete"


async def _left(receive: Receive, seconds: float) -> bool:
    gone = asyncio.ensure_future(_until_gone(receive))
    done, _ = await asyncio.wait({gone}, timeout=seconds)
    gone.cancel()
    return bool(done)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _start(send: Send, status: int, length: int, content_type: str) -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _answer(send: Send, status: int, body: bytes, content_type: str = "text/html; charset=utf-8") -> None:
    await _start(send, status, len(body), content_type)
    await send({"type": "http.response.body", "body": body})
