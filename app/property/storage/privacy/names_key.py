"""The secret that hashes of purged names are made with: no list of names can be tried on them without it.

It is a setting, or a file beside a database that one machine has for itself; never in the database, whose copies would
hold hashes and key together.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import ConfigurationError
from app.files import write_once

_BYTES = 32


@dataclass(frozen=True, slots=True)
class NamesKey:
    """`secret` (PRIVACY_KEY), else what is in the file `path`, which the first purge of a person makes.

    Neither: nobody can be purged until a secret is set.
    """

    secret: str | None = field(default=None, repr=False)
    path: Path | None = None

    def read(self) -> bytes | None:
        """32 bytes; None if there is none (yet). Raises `ConfigurationError` for a file that cannot be read."""
        if self.secret is not None:
            return hashlib.sha256(self.secret.encode()).digest()
        if self.path is None:
            return None
        try:
            held = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise _unusable(f"{self.path} cannot be read ({exc.strerror or exc})") from exc
        if len(held) != _BYTES:
            raise _unusable(f"{self.path} is damaged")
        return held

    def make(self) -> bytes:
        """The key, made if there is none and it may be. Raises `ConfigurationError`."""
        if self.read() is None and self.path is not None:
            try:
                write_once(self.path, secrets.token_bytes(_BYTES))  # of two that make one at a time, both use the first
            except OSError as exc:
                raise _unusable(f"{self.path} cannot be written ({exc.strerror or exc})") from exc
        key = self.read()
        if key is None:
            raise _unusable("the purge of a person needs a key that the whole fleet has")
        return key


def _unusable(problem: str) -> ConfigurationError:
    remedy = "Set PRIVACY_KEY, the same for every process; make one with `openssl rand -hex 32`, and keep it"
    return ConfigurationError("PRIVACY_KEY", problem, remedy)
