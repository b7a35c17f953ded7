"""Measure the memory of a process's descendants, and kill them. Descendants are found only on Linux, in /proc."""

import os
import re
import signal
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
#: Anonymous and shared memory. Mapped files, such as the program, are excluded, because the kernel can drop them.
_OWN = re.compile(rb"^(?:RssAnon|RssShmem):\s*(\d+) kB", re.MULTILINE)


def descendants(root: int) -> list[int]:
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
    total = 0
    for pid in descendants(root):
        with suppress(OSError):
            total += sum(int(kilobytes) for kilobytes in _OWN.findall((_PROC / str(pid) / "status").read_bytes()))
    return total * 1024


def end_descendants(root: int) -> None:
    """Kill all descendants of `root`. Repeat this up to four times, because new processes may start meanwhile."""
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
