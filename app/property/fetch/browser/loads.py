"""Load a page's resources: the worker makes each request and passes the response to the browser."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from app.property.fetch.browser.chromium.wire import Message, from_text, to_text
from app.property.fetch.browser.process import BrowserGoneError, Conversation


@dataclass(frozen=True, slots=True)
class Load:
    """A request that a page makes.

    `headers` have lower-case names and exclude cookies. The decompressed response must be smaller than `most_bytes`.
    """

    method: str
    url: str
    headers: dict[str, str]
    cookies: dict[str, str]
    body: bytes
    most_bytes: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """A decompressed response. Repeated headers are joined with commas, and `set-cookie` headers with newlines."""

    status: int
    headers: dict[str, str]
    body: bytes


class Loads:
    """Makes the requests of one page: calls `load` in threads, and sends the responses to the browser.

    The total size of the decompressed response bodies is limited to `most_bytes`. At most `at_once` requests run
    concurrently.
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
        self.have_begun = True
        self._threads.submit(self._answer, message)

    def end(self) -> None:
        """Start no more requests. Running requests finish, and their responses are dropped."""
        self._is_over = True
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _answer(self, message: Message) -> None:
        loaded = None
        try:
            if not self._is_over:
                loaded = self._counted(self._load(_load_of(message["load"], self._left_bytes)))
        finally:  # the page waits for an answer even if the request fails
            with suppress(BrowserGoneError):
                answer: Message | None = None
                if loaded is not None:
                    answer = {"status": loaded.status, "headers": loaded.headers, "body": to_text(loaded.body)}
                self._conversation.answer(message["ask"], answer)

    def _counted(self, loaded: Loaded | None) -> Loaded | None:
        with self._lock:
            self._left_bytes -= len(loaded.body) if loaded is not None else 0
            return loaded if self._left_bytes >= 0 else None


def _load_of(message: Message, most_bytes: int) -> Load:
    body = from_text(message["body"])
    return Load(str(message["method"]), str(message["url"]), message["headers"], message["cookies"], body, most_bytes)
