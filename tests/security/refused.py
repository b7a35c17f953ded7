"""Run work on a page that exceeds a limit, in the main thread or in another thread."""

import threading
from collections.abc import Callable
from typing import Any

from app.errors.pages import PageTooComplexError


def refused(work: Callable[[], Any], *, in_thread: bool) -> PageTooComplexError:
    """Return the error that ends `work`. In another thread, which no signal can interrupt, only size limits apply."""
    found = list[PageTooComplexError]()

    def attempt() -> None:
        try:
            work()
        except PageTooComplexError as exc:
            found.append(exc)

    if in_thread:
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    else:
        attempt()
    (error,) = found
    return error
