"""Who sits at the terminal, for what is written down."""

from __future__ import annotations

import getpass
import socket


def who() -> str:
    """`alice@host`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "somebody"
    return f"{user}@{socket.gethostname()}"
