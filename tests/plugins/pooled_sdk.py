"""Run the real OpenAI SDK with a key pool against local HTTP servers, through sync and async clients.

A test scenario is written once for all clients: `value_of`, `items_of`, and `entered` accept sync and async results.
"""

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import openai
import pytest

from app.clock import SystemClock
from app.keypool.keys import make_keys
from app.keypool.pool import KeyPool
from app.keypool.pricing import make_pricing
from app.keypool.retry_loop import Terms
from app.keypool.spending import NO_BUDGET, Budget, Usage
from app.keypool.stores.base import Change, KeyRequest, Later, Lease, NoCapacity, Settlement
from app.keypool.stores.memory import MemoryStore
from app.keypool.transport import AsyncPooledTransport, PooledTransport

MODEL = "gpt-4.1-mini"
TEXT = "Built in 1998. Asking price $450,000. " * 10
MESSAGES: Any = [{"role": "user", "content": TEXT}]
PROMPT_TOKENS = -(-len(TEXT) // 4)
WIDE = {"rpm": 60_000, "tpm": 100_000_000}
FACES = ["sync", "async", "async on a blocking store"]
KEYS = tuple(f"sk-simulator-{letter * 24}0001" for letter in "abcd")
PLACEHOLDER = "no-key-of-the-pool"


class RememberingStore(MemoryStore):
    """An in-process store that records settlements, streams, and the calling threads."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.settled: list[Settlement] = []
        self.streams: list[Usage] = []
        self.broken = 0
        self.threads: set[int] = set()
        #: `acquire` sets `leased`, then waits for `gate` before it returns.
        self.leased = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def acquire(self, ask: KeyRequest) -> Lease | Later | NoCapacity:
        found = super().acquire(ask)
        self.leased.set()
        assert self.gate.wait(60)
        return found

    def settle(self, lease: Lease, settlement: Settlement) -> Change:
        self.settled.append(settlement)
        self.threads.add(threading.get_ident())
        return super().settle(lease, settlement)

    def end_stream(self, lease: Lease, usage: Usage | None, *, broke: bool = False) -> Change:
        self.streams += [] if usage is None else [usage]
        self.broken += broke
        self.threads.add(threading.get_ident())
        return super().end_stream(lease, usage, broke=broke)


class BlockingStore(RememberingStore):
    """A store with `blocking` set, so that async clients call it in another thread."""

    blocking = True


@dataclass
class Pooled:
    """A key pool and its store, for SDK clients of the kind `face` (one of `FACES`)."""

    store: RememberingStore
    pool: KeyPool
    base_url: str
    face: str
    terms: Terms = field(default_factory=lambda: Terms(2, make_pricing()))

    def run[T](self, scenario: Callable[[Any], Awaitable[T]]) -> T:
        """Run `scenario(client)` with a sync or an async SDK client, depending on `face`."""

        async def main() -> T:
            options: Any = {"api_key": PLACEHOLDER, "base_url": self.base_url, "max_retries": 0, "timeout": 10}
            if self.face == "sync":
                with httpx2.Client(transport=self.sync_transport(), trust_env=False) as http:
                    return await scenario(openai.OpenAI(http_client=http, **options))
            async with httpx2.AsyncClient(transport=self.async_transport(), trust_env=False) as aio:
                return await scenario(openai.AsyncOpenAI(http_client=aio, **options))

        return asyncio.run(main())

    def sync_transport(self) -> PooledTransport:
        return PooledTransport(self.pool, SystemClock(), self.terms)

    def async_transport(self) -> AsyncPooledTransport:
        return AsyncPooledTransport(self.pool, self.terms)


def pooled(base_url: str, keys: tuple[str, ...], face: str, budget: Budget = NO_BUDGET) -> Pooled:
    made = make_keys(keys)
    kind = BlockingStore if "blocking" in face else RememberingStore
    store = kind(made, "round_robin", SystemClock(), budget=budget)
    return Pooled(store, KeyPool(made, store, "round_robin"), base_url, face)


async def value_of(answer: Any) -> Any:
    return await answer if inspect.isawaitable(answer) else answer


async def items_of(stream: Any) -> list[Any]:
    return [item async for item in stream] if hasattr(stream, "__aiter__") else list(stream)


@asynccontextmanager
async def entered(manager: Any) -> AsyncIterator[Any]:
    if hasattr(manager, "__aenter__"):
        async with manager as value:
            yield value
    else:
        with manager as value:
            yield value


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def there(openai_simulator: Callable[..., Any], face: str) -> Pooled:
    """Start an OpenAI simulator with two healthy keys and ample capacity, and return a key pool for it."""
    simulator = openai_simulator()
    return pooled(simulator.base_url, simulator.keys, face)


@contextmanager
def breaking_server(broken: int, head: bytes, part: bytes, whole: bytes) -> Iterator[tuple[str, list[str]]]:
    """Start a server that breaks off its first `broken` responses. Yield its URL and the keys it received."""
    seen: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(int(x.split(":")[1]) for x in request.splitlines() if x.startswith("content-length"))
        await reader.readexactly(length)
        seen.append(next(x for x in request.splitlines() if x.startswith("authorization")))
        writer.write(head + (part if len(seen) <= broken else whole))
        await writer.drain()
        writer.close()

    loop, started = asyncio.new_event_loop(), threading.Event()
    address: list[str] = []

    async def listen() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        address.append(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        started.set()
        await done.wait()
        server.close()

    done = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(listen(),))
    thread.start()
    started.wait(120)
    try:
        yield address[0], seen
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(10)
        loop.close()
