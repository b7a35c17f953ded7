"""The folder PROPINTEL_HOME and the secret in it, which signs tokens if no other key is configured.

Only `propintel up --web` creates the secret, because its web server listens on loopback only. If JWT_SECRET is not set,
all processes with this folder use the secret for page sessions (`access/page_sessions.py`). If JWT_JWKS_URL is also not
set, they use it for tokens (`access/tokens.py`).
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from app import files
from app.disk import naming_full_disk
from app.errors import ConfigurationError
from app.redaction import protect

_SHORTEST = 32
_FOR_OTHERS = 0o077


@contextlib.contextmanager
def usable_home(home: Path) -> Iterator[None]:
    """Convert an `OSError` in the `with` block to a `ConfigurationError` that names `home`, or to a `NoSpaceError`."""
    try:
        with naming_full_disk(home):
            yield
    except OSError as exc:
        problem = f"{home} cannot be used ({exc.strerror})"
        raise ConfigurationError("PROPINTEL_HOME", problem, "Set it to a folder that this user may write to") from exc


def make_home(home: Path) -> None:
    """Create PROPINTEL_HOME with mode 0700 if it does not exist. Raises `ConfigurationError` if this fails."""
    with usable_home(home):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)


def read_home_secret(home: Path) -> str | None:
    """Return the secret in `home`, or None if there is none. Raises `ConfigurationError` if its file is unreadable,
    damaged, or not private.
    """
    file = _file_of(home)
    try:
        with file.open(encoding="utf-8") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            secret = stream.read().strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as exc:
        raise _unusable(file, f"cannot be read ({getattr(exc, 'strerror', None) or type(exc).__name__})") from exc
    if mode & _FOR_OTHERS:
        raise _unusable(file, "can be read by other users of this machine")
    if len(secret) < _SHORTEST:
        raise _unusable(file, "is damaged")
    protect([secret])
    return secret


def make_home_secret(home: Path) -> None:
    """Create the secret of `home` if there is none. Raises `ConfigurationError` if this fails."""
    make_home(home)
    if read_home_secret(home) is None:
        with usable_home(home):
            files.write_once(_file_of(home), f"{secrets.token_hex(_SHORTEST)}\n".encode())


def _file_of(home: Path) -> Path:
    return home.expanduser() / "jwt_secret"


def _unusable(file: Path, problem: str) -> ConfigurationError:
    remedy = "Delete it, and `propintel up --web` creates a new one; or set JWT_SECRET"
    return ConfigurationError("JWT_SECRET", f"is not set, and {file} {problem}", remedy)
