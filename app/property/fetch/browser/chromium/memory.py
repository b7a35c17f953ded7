"""Measure the memory of a process's descendants, and kill them. Without Linux's /proc, no descendants are found."""

import os
import re
import signal
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
#: Anonymous and shared memory. Memory of mapped files, such as the program, is excluded: it can be loaded again.
_OWN = re.compile(rb"^(?:RssAnon|RssShmem):\s*(\d+) kB", re.MULTILINE)


def descendants(root: int) -> list[int]:
    """Return the ids of all descendants of `root`, parents first."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in _PROC.iterdir() if _PROC.is_dir() else ():
        if entry.name.isdecimal():
            with suppress(OSError, ValueError, IndexError):
                stat = (entry / "stat").read_bytes()
                children[int(stat.rpartition(b")")[2].split()[1])].append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(children[pid])
    return found[1:]


def used_bytes(root: int) -> int:
    """Return the anonymous and shared memory of all descendants of `root`, in bytes."""
    total = 0
    for pid in descendants(root):
        with suppress(OSError):
            total += sum(int(kilobytes) for kilobytes in _OWN.findall((_PROC / str(pid) / "status").read_bytes()))
    return total * 1024


def end_descendants(root: int) -> None:
    """Kill all descendants of `root`. Repeat up to four times for processes that start meanwhile."""
    for _ in range(5):
        found = descendants(root)
        if not found:
            return
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
