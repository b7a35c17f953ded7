"""Run one Chromium, which renders several pages at once for the worker."""

import asyncio
import ctypes
import itertools
import os
import resource
import shutil
import socket
import sys
import tempfile
import time
from contextlib import suppress
from functools import partial
from typing import Any

from playwright.async_api import Browser, Error, async_playwright

from app.property.fetch.browser.chromium import memory, wire
from app.property.fetch.browser.chromium.program import launch_options
from app.property.fetch.browser.chromium.visit import Order, VisitError, render_page
from app.property.fetch.browser.chromium.wire import Message

_WATCH_SECONDS = 0.25
_END_SECONDS = 3.0
_REPORT_SECONDS = 1.0
_PR_SET_CHILD_SUBREAPER = 36


async def serve(orders_fd: int, answers_fd: int) -> None:
    """Render pages until the input closes, or Chromium ends, uses too much memory, or is idle for too long."""
    _adopt_orphans()
    reader, writer = await _streams(orders_fd, answers_fd)
    host = Host(reader, writer)
    try:
        await host.run()
    finally:
        memory.end_descendants(os.getpid())
        shutil.rmtree(tempfile.gettempdir(), ignore_errors=True)  # this folder belongs to this process only


class Host:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._visits: dict[int, asyncio.Task[None]] = {}
        self._questions: dict[int, asyncio.Future[Message | None]] = {}
        self._port = socket.socket()
        self._numbers = itertools.count()
        self._idle_since = time.monotonic()
        self._over = asyncio.Event()

    async def run(self) -> None:
        start = await self._receive()
        if start is None:
            return
        async with async_playwright() as playwright:
            try:
                browser = await playwright.chromium.launch(**launch_options(**start["launch"], proxy=self._dead_end()))
            except Error as exc:
                await self._send({"broken": exc.message[-4000:]})
                return
            browser.on("disconnected", lambda _: self._over.set())
            await self._send({"ready": browser.version})
            tasks = [
                asyncio.create_task(self._listen(browser)),
                asyncio.create_task(self._watch(start["launch"]["memory_bytes"], start["idle_seconds"])),
                asyncio.create_task(self._over.wait()),
            ]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if self._over.is_set() and self._visits:  # let running visits send their results
                await asyncio.wait(list(self._visits.values()), timeout=_REPORT_SECONDS)
            for task in (*tasks, *self._visits.values()):
                task.cancel()
            with suppress(TimeoutError, Error):
                async with asyncio.timeout(_END_SECONDS):
                    await browser.close()
            # kill the remaining processes, because Playwright would wait for their end
            memory.end_descendants(os.getpid())

    def _dead_end(self) -> str:
        """Return the URL of a proxy that refuses all connections: this process binds the port but does not listen."""
        self._port.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{self._port.getsockname()[1]}"

    async def _listen(self, browser: Browser) -> None:
        while (message := await self._receive()) is not None:
            if "render" in message:
                order = Order.of(message)
                self._visits[order.render] = asyncio.create_task(self._render(browser, order))
            elif "cancel" in message:
                visit = self._visits.get(message["cancel"])
                if visit is not None:
                    visit.cancel()
            elif "answer" in message:
                question = self._questions.pop(message["answer"], None)
                if question is not None and not question.done():
                    question.set_result(message["loaded"])

    async def _render(self, browser: Browser, order: Order) -> None:
        number = order.render
        try:
            answer: dict[str, Any] = await render_page(browser, order, partial(self._load, number))
        except VisitError as exc:
            answer = {"failed": exc.code, "reason": exc.reason}
        finally:
            self._visits.pop(number, None)
            self._idle_since = time.monotonic()
        await self._send({"of": number, **answer})

    async def _load(self, visit: int, request: Message) -> Message | None:
        number = next(self._numbers)
        question: asyncio.Future[Message | None] = asyncio.get_running_loop().create_future()
        self._questions[number] = question
        try:
            await self._send({"of": visit, "ask": number, "load": request})
            return await question
        finally:
            self._questions.pop(number, None)

    async def _watch(self, memory_bytes: int, idle_seconds: float) -> None:
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            if memory.used_bytes(os.getpid()) > memory_bytes:
                for number in list(self._visits):
                    reason = f"the browser took more than {memory_bytes} bytes of memory"
                    await self._send({"of": number, "failed": "memory", "reason": reason})
                return
            if not self._visits and time.monotonic() - self._idle_since > idle_seconds:
                return

    async def _send(self, message: Message) -> None:
        with suppress(ConnectionError):  # the worker has ended, and this process will end soon
            self._writer.write(wire.packed(message))
            await self._writer.drain()

    async def _receive(self) -> Message | None:
        return wire.unpacked(await self._reader.readline())


async def _streams(orders_fd: int, answers_fd: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=wire.MAX_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(orders_fd, "rb"))
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.streams.FlowControlMixin(loop), os.fdopen(answers_fd, "wb")
    )
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


def _adopt_orphans() -> None:
    """Disable core dumps. On Linux, also become the parent of orphaned descendants, so that `memory` finds them."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
