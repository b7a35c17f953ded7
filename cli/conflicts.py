"""Checks before `propintel up` starts: no other `up` uses its home, and the ports of its servers are free."""

import contextlib
import errno
import fcntl
import os
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.errors import ConfigurationError
from app.home import make_home, usable_home

_TAKEN = (errno.EADDRINUSE, errno.EACCES)


@contextlib.contextmanager
def only_up(home: Path) -> Iterator[None]:
    """Lock this home for one `propintel up` during the `with` block.

    Raises `ConfigurationError` if another process holds the lock. Child processes do not inherit the lock, so it is
    released when this process ends. Workers that end a bit later do no harm: any number of workers may share a home.
    """
    make_home(home)
    file = home / "up.lock"
    with usable_home(home):
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b", buffering=0) as lock:  # a buffer would be written again, and fail, at the end
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = lock.read(20).decode("ascii", "replace").strip()
            other = f"another `propintel up`{f' (process {pid})' if pid else ''} runs in {home}"
            raise ConfigurationError("PROPINTEL_HOME", other, "Stop it first, or set another home") from None
        with usable_home(home):
            lock.truncate()
            lock.write(b"%d\n" % os.getpid())
        yield


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server will listen. The address "" means all addresses. `setting` is the variable that sets the port."""

    setting: str
    port: int
    address: str = "127.0.0.1"


def require_free(places: Sequence[Place]) -> None:
    """Raise `ConfigurationError` if a port in `places` is in use or needs privileges.

    Other errors, such as an invalid address, are ignored, because the server will report them.
    """
    with contextlib.ExitStack() as probes:
        for place in places:
            try:
                _listen(place, probes)
            except OSError as exc:
                if exc.errno in _TAKEN:
                    raise _conflict(place, places, exc) from exc


def _listen(place: Place, probes: contextlib.ExitStack) -> None:
    """Listen on the port until `probes` closes.

    SO_REUSEADDR allows this while connections of an earlier server are still closing.
    """
    found = socket.getaddrinfo(place.address or None, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, kind, protocol, _, address in found:
        probe = probes.enter_context(socket.socket(family, kind, protocol))
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        probe.bind(address)
        probe.listen(1)


def _conflict(place: Place, places: Sequence[Place], error: OSError) -> ConfigurationError:
    where = f"port {place.port} of {place.address or 'all addresses'}"
    same = [other.setting for other in places if other is not place and other.port == place.port]
    if same:
        return ConfigurationError(place.setting, f"{where} is {same[0]} too", f"Set {place.setting} to another port")
    if error.errno == errno.EACCES:
        return ConfigurationError(place.setting, f"{where} needs privileges", f"Set {place.setting} to 1024 or more")
    remedy = f"Stop that program, or set {place.setting} to a free port"
    return ConfigurationError(place.setting, f"{where} is in use by another program", remedy)
