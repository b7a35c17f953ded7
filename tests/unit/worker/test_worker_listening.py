"""A worker's parent that listens for beat forks nobody in the middle of a look."""

from __future__ import annotations

import subprocess
import sys

_FORK_DURING_A_LOOK = """
import os, sys, threading
from worker import listening

listening.hold_back_forks()
looked = []
started = threading.Event()

def look():
    with listening._looking:
        started.set()
        forking.wait(30)
        looked.append("to its end")

forking = threading.Event()
threading.Thread(target=look).start()
started.wait(30)
threading.Timer(0.2, forking.set).start()
child = os.fork()
if child == 0:
    free = listening._looking.acquire(blocking=False)
    os._exit(0 if looked and free else 3)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
free = listening._looking.acquire(timeout=300)
sys.exit(status if free else 4)
"""


def test_a_fork_waits_for_the_end_of_a_look_and_both_sides_can_look_again() -> None:
    """Else a child would inherit locks of SQLite or of the resolver that nobody in it releases."""
    argv = [sys.executable, "-c", _FORK_DURING_A_LOOK]
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
