"""Ports for servers that have to be told theirs before they listen."""

from __future__ import annotations

import random
import socket

#: below those that Linux hands out itself (32768 and up), to each that connects or listens on port 0: one of these may
#: be gone before it is used
_PORTS = range(20_000, 32_000)
_given: set[int] = set()


def free_port() -> int:
    """A port of loopback that nobody listens on, another at each call."""
    while True:
        # at random, since other processes choose from the same ones
        port = random.choice(_PORTS)
        if port in _given:
            continue
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        _given.add(port)
        return port
