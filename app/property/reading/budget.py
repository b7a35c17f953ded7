"""Limit the CPU time and memory spent on reading a page, and the page's size. A page that exceeds a limit raises
`PageTooComplexError`.

The 62 real pages saved for the evaluation have at most 6,400 tags, 24,000 JSON values, and 2,900 elements (at most 280
children of one element). Each page takes up to 0.25 s from the response body to the model's prompt. A job may spend 3 s
of CPU time and 400 MB on a page. The limits here are lower, because code outside the limited blocks also takes time and
memory, and because a signal may arrive late.
"""

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

#: Limits for a text before parsing. Each `<` counts as a tag, and each `,`, `[`, or `{` as a JSON value.
MOST_TAGS = 200_000
MOST_VALUES = 250_000
MOST_ELEMENTS = 50_000
MOST_CHILDREN = 10_000
CPU_SECONDS = 2.0
MEMORY_BYTES = 300_000_000
#: If some code catches `_SpentError`, the timer raises it again after this many seconds of CPU time.
_AGAIN_SECONDS = 0.2
#: A block that has less CPU time left than this, in seconds, fails at once, because a timer set to zero never fires.
_LEAST_SECONDS = 0.001
_STATM = Path("/proc/self/statm")

#: Exceptions that interrupt a job from outside, such as Celery's soft time limit. If such an exception is raised while
#: a page is read, the page counts as too complex.
INTERRUPTIONS: list[type[Exception]] = []


class _SpentError(BaseException):
    """Raised when the CPU time is used up. It is not an `Exception`, so that no `except Exception` catches it."""


class _Meter:
    is_running = False


@dataclass(slots=True)
class Spent:
    """The CPU seconds that all blocks sharing this object have spent on one page."""

    cpu_seconds: float = 0.0


def reading(url: str, spent: Spent | None = None, *, seconds: float | None = None) -> AbstractContextManager[None]:
    """Return a context manager that limits the CPU time of its block, and its additional memory to 300 MB. Beyond a
    limit, the block raises `PageTooComplexError`.

    Blocks that share `spent` share `seconds` (2 by default) of CPU time. A block without `spent` has its own time
    limit. Both limits measure the whole process, but apply only if the block runs in the main thread, where a prefork
    or solo worker runs jobs. A nested block counts as part of the outer block.
    """
    if _Meter.is_running or threading.current_thread() is not threading.main_thread():
        return nullcontext()
    return _Budget(url, spent or Spent(), CPU_SECONDS if seconds is None else seconds)


class _Budget(AbstractContextManager[None]):
    """The context manager of `reading`. It is a class, not a generator, so that its frames are in this file, where
    `_spent` does not raise.
    """

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
    """Raise `PageTooComplexError` if a text is too large to parse as HTML or JSON."""
    if (tags := text.count("<")) > MOST_TAGS:
        raise PageTooComplexError(url, f"it has {tags} tags, more than {MOST_TAGS}")
    if (values := sum(map(text.count, ",[{"))) > MOST_VALUES:
        raise PageTooComplexError(url, f"it has about {values} values, more than {MOST_VALUES}")


def require_small_tree(url: str, root: Any) -> None:
    """Raise `PageTooComplexError` if a tree has too many elements, or one element has too many children."""
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
    """Raise `_SpentError`, except while code of this file runs. That code starts and ends the limited block, and an
    error raised in it would not become `PageTooComplexError`.
    """
    if _Meter.is_running and frame is not None and frame.f_code.co_filename != __file__:
        raise _SpentError
