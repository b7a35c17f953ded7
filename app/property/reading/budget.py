"""What a page may cost: CPU time, elements and memory. Past it the page fails as `page_too_complex`, for good.

62 saved real pages have at most 6,400 tags, 24,000 signs of values and 2,900 elements, 280 of them in one, and take up
to 0.25 s from their bytes to the question for a model. A job may spend 3 s and 400 MB on a page: what is spent outside
of these blocks, and until a signal comes through, is in the difference.
"""

from __future__ import annotations

import resource
import signal
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from app.errors.pages import PageTooComplexError

#: counted before anything is made of a text: tags, and signs before which or behind which a JSON value stands
MOST_TAGS = 200_000
MOST_VALUES = 250_000
#: counted before anything is looked for in a tree
MOST_ELEMENTS = 50_000
MOST_CHILDREN = 10_000
CPU_SECONDS = 2.0
MEMORY_BYTES = 300_000_000
#: an exception that something swallowed is raised again after so long
_AGAIN_SECONDS = 0.2
#: nothing is begun with less: a timer of no seconds would never go off
_LEAST_SECONDS = 0.001
_STATM = Path("/proc/self/statm")

#: what ends a run of a job in the middle of Python code: while a page is read, it is the page's fault
INTERRUPTIONS: list[type[Exception]] = []


class _SpentError(BaseException):
    """The CPU time is spent. No reader may take it for its own failure."""


class _Meter:
    is_running = False


@dataclass(slots=True)
class Spent:
    """The CPU seconds that one page has cost so far, in all blocks that were given this."""

    cpu_seconds: float = 0.0


def reading(url: str, spent: Spent | None = None, *, seconds: float | None = None) -> AbstractContextManager[None]:
    """Work on the page at `url` in the block, with at most 300 MB of memory more than there was.

    All blocks that are given the same `spent` have `seconds` (2) of CPU time together; one without has them for itself.
    Raises `PageTooComplexError`. Time and memory are those of the process, so they are watched in its main thread,
    where a prefork or solo worker runs its jobs; elsewhere the limits on size have to do. A block inside a block is
    part of it.
    """
    if _Meter.is_running or threading.current_thread() is not threading.main_thread():
        return nullcontext()
    return _Budget(url, spent or Spent(), CPU_SECONDS if seconds is None else seconds)


class _Budget(AbstractContextManager[None]):
    """The block of `reading` that is measured. A class, so that `_spent` can leave its frames alone."""

    def __init__(self, url: str, spent: Spent, seconds: float) -> None:
        self.url, self.spent, self.seconds = url, spent, seconds

    def __enter__(self) -> None:
        left = self.seconds - self.spent.cpu_seconds
        if left < _LEAST_SECONDS:
            raise self._too_slow()
        self.began = time.thread_time()  # exact, where the process's clock goes by ticks once its timer runs
        self.limits = resource.getrlimit(resource.RLIMIT_AS)
        _limit_memory(self.limits)
        self.before = signal.signal(signal.SIGPROF, _spent)
        _Meter.is_running = True
        signal.setitimer(signal.ITIMER_PROF, left, _AGAIN_SECONDS)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        _Meter.is_running = False
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, self.before)
        resource.setrlimit(resource.RLIMIT_AS, self.limits)
        self.spent.cpu_seconds += time.thread_time() - self.began
        if kind is None:
            return
        if issubclass(kind, _SpentError):
            raise self._too_slow() from None
        if issubclass(kind, MemoryError):
            raise PageTooComplexError(self.url, f"it took more than {MEMORY_BYTES} bytes of memory") from None
        if issubclass(kind, tuple(INTERRUPTIONS)):
            raise PageTooComplexError(self.url, "the time of its job was over while it was read") from None

    def _too_slow(self) -> PageTooComplexError:
        return PageTooComplexError(self.url, f"it took more than {self.seconds:g} s of CPU time")


def require_few_parts(url: str, text: str) -> None:
    """Raise `PageTooComplexError` for a text of which nothing should be made, neither a tree nor objects."""
    if (tags := text.count("<")) > MOST_TAGS:
        raise PageTooComplexError(url, f"it has {tags} tags, more than {MOST_TAGS}")
    if (values := sum(map(text.count, ",[{"))) > MOST_VALUES:
        raise PageTooComplexError(url, f"it has about {values} values, more than {MOST_VALUES}")


def require_small_tree(url: str, root: Any) -> None:
    """Raise `PageTooComplexError` for a tree with too many elements, in all or in one of them."""
    for count, element in enumerate(root.iter(), 1):
        if count > MOST_ELEMENTS:
            raise PageTooComplexError(url, f"it has more than {MOST_ELEMENTS} elements")
        if (children := len(element)) > MOST_CHILDREN:
            raise PageTooComplexError(url, f"one <{element.tag}> has {children} elements, more than {MOST_CHILDREN}")


def _limit_memory(limits: tuple[int, int]) -> None:
    """Let the process have so much more of address space than it has; nothing where nobody can tell (not Linux)."""
    if not _STATM.exists():
        return
    wanted = int(_STATM.read_text().split()[0]) * resource.getpagesize() + MEMORY_BYTES
    soft = min([wanted, *(limit for limit in limits if limit != resource.RLIM_INFINITY)])
    resource.setrlimit(resource.RLIMIT_AS, (soft, limits[1]))


def _spent(_: int, frame: FrameType | None) -> None:
    """Raise in the block. In this file the block is only begun or ended, and nothing would catch the error."""
    if _Meter.is_running and frame is not None and frame.f_code.co_filename != __file__:
        raise _SpentError
