"""Run a command in a private network in which this machine can have any internet address."""

import shutil
import subprocess

#: A command with this prefix gets private mounts and a private network. The network has only a loopback device, which
#: is down.
ISOLATE = ("unshare", "--net", "--mount", "--map-root-user")


def problem() -> str | None:
    """Return the reason why no private network is available, with the remedy; None if one is available."""
    if any(shutil.which(name) is None for name in ("unshare", "ip", "mount")):
        return "no network namespaces: install the packages util-linux, iproute2 and mount"
    if subprocess.run([*ISOLATE, "ip", "link"], capture_output=True, check=False).returncode:
        return "no network namespace may be made here: run as root, or allow user namespaces"
    return None
