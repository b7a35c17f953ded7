"""Start processes through a warm parent (`warm_start.py`). It has few imports, so that its callers start quickly."""

import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

MESSAGE_BYTES = 1 << 20


def ask(
    path: str, argv: Sequence[str], env: Mapping[str, str], cwd: str, streams: Sequence[int]
) -> tuple[socket.socket, int]:
    """Start a process through the parent at `path`.

    Return the process id, and a connection that will deliver the exit code.

    `argv` contains the arguments of `python -m`, or is `["propintel", ...]`; `streams` are stdin, stdout, and stderr.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(path)
    order = json.dumps({"argv": list(argv), "env": dict(env), "cwd": cwd}).encode()
    socket.send_fds(connection, [order], streams)
    return connection, int(connection.recv(MESSAGE_BYTES))


def main(path: str, program: str) -> int:
    connection, pid = ask(path, [program, *sys.argv[1:]], os.environ, str(Path.cwd()), (0, 1, 2))

    def pass_on(number: int, _: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    code = int(connection.recv(MESSAGE_BYTES) or -signal.SIGKILL)
    return code if code >= 0 else 128 - code
