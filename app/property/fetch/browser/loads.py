"""What a page in the browser loads: each request is made in the worker, and its answer handed to the browser."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from app.property.fetch.browser.chromium.wire import Message, from_text, to_text
from app.property.fetch.browser.process import BrowserGoneError, Conversation


@dataclass(frozen=True, slots=True)
class Load:
    """A request that a page makes; `headers` without cookies, in small letters, `cookies` by name. The page has no room
    for an answer of `most_bytes` or more, unpacked."""

    method: str
    url: str
    headers: dict[str, str]
    cookies: dict[str, str]
    body: bytes
    most_bytes: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """The answer to it, unpacked; fields of the same name are one, set-cookie with line ends between them."""

    status: int
    headers: dict[str, str]
    body: bytes


class Loads:
    """The requests of one page, each made by `load` in a thread and answered to the browser, until `end`.

    All answers together may have `most_bytes`; `at_once` are made at the same time.
    """

    def __init__(
        self, conversation: Conversation, load: Callable[[Load], Loaded | None], *, most_bytes: int, at_once: int
    ) -> None:
        self._conversation = conversation
        self._load = load
        self._left_bytes = most_bytes
        self._threads = ThreadPoolExecutor(at_once, "page-load")
        self._is_over = False
        self._lock = threading.Lock()
        self.have_begun = False

    def begin(self, message: Message) -> None:
        """Have the request made that the message `ask` holds."""
        self.have_begun = True
        self._threads.submit(self._answer, message)

    def end(self) -> None:
        """Start no more requests. Those under way end by themselves, and their answers are dropped."""
        self._is_over = True
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _answer(self, message: Message) -> None:
        loaded = None
        try:
            if not self._is_over:
                loaded = self._counted(self._load(_load_of(message["load"], self._left_bytes)))
        finally:  # whatever happened, the page must not wait for it
            with suppress(BrowserGoneError):
                self._conversation.answer(message["ask"], None if loaded is None else _message_of(loaded))

    def _counted(self, loaded: Loaded | None) -> Loaded | None:
        """What the page has room for."""
        with self._lock:
            self._left_bytes -= len(loaded.body) if loaded is not None else 0
            return loaded if self._left_bytes >= 0 else None


def _load_of(message: Message, most_bytes: int) -> Load:
    body = from_text(message["body"])
    return Load(str(message["method"]), str(message["url"]), message["headers"], message["cookies"], body, most_bytes)


def _message_of(loaded: Loaded) -> Message:
    return {"status": loaded.status, "headers": loaded.headers, "body": to_text(loaded.body)}
