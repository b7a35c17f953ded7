"""The folder PROPINTEL_HOME, and the error when it cannot be used."""

from __future__ import annotations

import contextlib
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
