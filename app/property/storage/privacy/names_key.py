"""The secret key for hashing purged names. Without it, no list of names can be tested against the hashes.

The key is a setting, or a file beside a SQLite database. It is never in the database, because a copy of the database
would then contain both hashes and key.
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
    """The key from `secret` (PRIVACY_KEY), else from the file `path`, which the first purge of a person creates.

    With neither, people cannot be purged until a secret is set.
    """

    secret: str | None = field(default=None, repr=False)
    path: Path | None = None

    def read(self) -> bytes | None:
        """Return the 32 bytes of the key; None without one. Raises `ConfigurationError` for an invalid file."""
        if self.secret is not None:
            return hashlib.sha256(self.secret.encode()).digest()
        if self.path is None:
            return None
        try:
            key = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise _unusable(f"{self.path} cannot be read ({exc.strerror or exc})") from exc
        if len(key) != _BYTES:
            raise _unusable(f"{self.path} is damaged")
        return key

    def make(self) -> bytes:
        """Return the key; create its file if it is missing. Raises `ConfigurationError` if that is impossible."""
        if self.read() is None and self.path is not None:
            try:
                write_once(self.path, secrets.token_bytes(_BYTES))  # two processes both use the first key written
            except OSError as exc:
                raise _unusable(f"{self.path} cannot be written ({exc.strerror or exc})") from exc
        key = self.read()
        if key is None:
            raise _unusable("the purge of a person needs a key that all processes share")
        return key


def _unusable(problem: str) -> ConfigurationError:
    remedy = "Set the same PRIVACY_KEY for every process and keep it; create one with `openssl rand -hex 32`"
    return ConfigurationError("PRIVACY_KEY", problem, remedy)
