"""Files of PROPINTEL_HOME that only their owner may read: written whole, never readable by others even for a moment."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from app.errors import ConfigurationError


@contextlib.contextmanager
def usable_home(home: Path) -> Iterator[None]:
    """Turn an `OSError` of the block, which works with files of `home`, into a `ConfigurationError`."""
    try:
        yield
    except OSError as exc:
        problem = f"{home} cannot be used ({exc.strerror})"
        raise ConfigurationError("PROPINTEL_HOME", problem, "Set it to a folder that this user may write to") from exc


def make_home(home: Path) -> None:
    """Create PROPINTEL_HOME for its owner alone if it is not there. Raises `ConfigurationError`."""
    with usable_home(home):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)


def write_once(file: Path, text: str) -> None:
    """Create `file` with mode 0600, or keep the one that another process created meanwhile."""
    draft = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
    finally:
        draft.unlink()
