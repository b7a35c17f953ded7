"""Limit the CPU time, elements, and memory that a page may cost. A page beyond a limit fails as `page_too_complex`.

The 62 real pages saved for the evaluation have at most 6,400 tags, 24,000 JSON values, and 2,900 elements (280 in one),
and take up to 0.25 s from bytes to prompt. A job may spend 3 s of CPU time and 400 MB on a page. The limits here are
lower, to leave room for work outside these blocks and for a signal's delay.
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

#: These limit a text before parsing: its tags (each `<`), and its JSON values (each `,`, `[`, and `{`).
MOST_TAGS = 200_000
MOST_VALUES = 250_000
#: These limit a parsed tree: its elements, and the children of one element.
MOST_ELEMENTS = 50_000
MOST_CHILDREN = 10_000
CPU_SECONDS = 2.0
MEMORY_BYTES = 300_000_000
#: If something swallowed the exception, it is raised again after this many seconds of CPU time.
_AGAIN_SECONDS = 0.2
#: A block with less CPU time than this, in seconds, is refused, since a timer of zero seconds never fires.
_LEAST_SECONDS = 0.001
_STATM = Path("/proc/self/statm")

#: These exceptions interrupt a job's Python code. If one interrupts reading, the page counts as too complex.
INTERRUPTIONS: list[type[Exception]] = []


class _SpentError(BaseException):
    """The CPU time is used up. This is not an `Exception`, so that no reader catches it."""


class _Meter:
    is_running = False


@dataclass(slots=True)
class Spent:
    """The CPU seconds that one page has cost in all blocks that share this object."""

    cpu_seconds: float = 0.0


def reading(url: str, spent: Spent | None = None, *, seconds: float | None = None) -> AbstractContextManager[None]:
    """Return a context manager that limits its block to the page's CPU time and to 300 MB of additional memory. Beyond
    a limit, the block raises `PageTooComplexError`.

    Blocks that share `spent` share `seconds` (2 by default) of CPU time; a block without `spent` has its own time. Both
    limits apply to the whole process, and only to blocks in its main thread, where a prefork or solo worker runs jobs.
    In other threads only the size limits of this module apply. A nested block belongs to the outer one.
    """
    if _Meter.is_running or threading.current_thread() is not threading.main_thread():
        return nullcontext()
    return _Budget(url, spent or Spent(), CPU_SECONDS if seconds is None else seconds)


class _Budget(AbstractContextManager[None]):
    """The context manager of `reading`. As a class, it keeps all its frames in this file, which `_spent` ignores."""

    def __init__(self, url: str, spent: Spent, seconds: float) -> None:
        self.url, self.spent, self.seconds = url, spent, seconds

    def __enter__(self) -> None:
        left = self.seconds - self.spent.cpu_seconds
        if left < _LEAST_SECONDS:
            raise self._too_slow()
        # use the thread's clock, because the process's clock is not exact while its timer runs
        self.began = time.thread_time()
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
    """Raise `PageTooComplexError` for a text too large to parse as HTML or JSON."""
    if (tags := text.count("<")) > MOST_TAGS:
        raise PageTooComplexError(url, f"it has {tags} tags, more than {MOST_TAGS}")
    if (values := sum(map(text.count, ",[{"))) > MOST_VALUES:
        raise PageTooComplexError(url, f"it has about {values} values, more than {MOST_VALUES}")


def require_small_tree(url: str, root: Any) -> None:
    """Raise `PageTooComplexError` for a tree with too many elements, or too many children of one element."""
    for count, element in enumerate(root.iter(), 1):
        if count > MOST_ELEMENTS:
            raise PageTooComplexError(url, f"it has more than {MOST_ELEMENTS} elements")
        if (children := len(element)) > MOST_CHILDREN:
            raise PageTooComplexError(url, f"one <{element.tag}> has {children} elements, more than {MOST_CHILDREN}")


def _limit_memory(limits: tuple[int, int]) -> None:
    """Limit the address space to its current size plus `MEMORY_BYTES`. Do nothing outside Linux."""
    if not _STATM.exists():
        return
    wanted = int(_STATM.read_text().split()[0]) * resource.getpagesize() + MEMORY_BYTES
    soft = min([wanted, *(limit for limit in limits if limit != resource.RLIM_INFINITY)])
    resource.setrlimit(resource.RLIMIT_AS, (soft, limits[1]))


def _spent(_: int, frame: FrameType | None) -> None:
    """Raise `_SpentError`, except in code of this file, which begins and ends the block and would not catch it."""
    if _Meter.is_running and frame is not None and frame.f_code.co_filename != __file__:
        raise _SpentError
