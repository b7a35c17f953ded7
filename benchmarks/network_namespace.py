"""A network of one's own, where any address of the internet can be this machine's: how to get one, or why not."""

from __future__ import annotations

import shutil
import subprocess

#: in front of a command: its network is a loopback that is down, and what it mounts is seen by it alone
ISOLATE = ("unshare", "--net", "--mount", "--map-root-user")


def problem() -> str | None:
    """Why there is none here, and what to do; None if there is."""
    if any(shutil.which(name) is None for name in ("unshare", "ip", "mount")):
        return "no network namespaces: install the packages util-linux, iproute2 and mount"
    if subprocess.run([*ISOLATE, "ip", "link"], capture_output=True, check=False).returncode:
        return "no network namespace may be made here: run as root, or allow user namespaces"
    return None
