"""Ports for servers that need a port number before they listen."""

import random
import socket

#: Linux's ephemeral ports (32768 and up) are avoided: another process could get one before the server listens.
_PORTS = range(20_000, 32_000)
_given: set[int] = set()


def free_port() -> int:
    """Return an unused loopback port, a different one at each call."""
    while True:
        # random, since other processes choose from the same range
        port = random.choice(_PORTS)
        if port in _given:
            continue
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        _given.add(port)
        return port
