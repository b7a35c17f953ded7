"""The secret key for hashing the names of purged people. Without it, nobody can test whether a name is among the
hashes.

It is not stored in the database, so that a copy of the database does not contain both the hashes and the key.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import ConfigurationError
from app.files import write_once

_BYTES = 32


@dataclass(frozen=True, slots=True)
class NamesKey:
    """The key: derived from `secret` (PRIVACY_KEY), or else stored in the file `path`.

    The first purge of a person creates the file. If both `secret` and `path` are None, people cannot be purged.
    """

    secret: str | None = field(default=None, repr=False)
    path: Path | None = None

    def read(self) -> bytes | None:
        """Return the 32 bytes of the key, or None if there is none.

        Raises `ConfigurationError` if the file is unreadable or damaged.
        """
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
        """Return the key, and create its file if needed. Raises `ConfigurationError` if that is impossible."""
        if self.read() is None and self.path is not None:
            try:
                write_once(self.path, secrets.token_bytes(_BYTES))  # if two processes race, both use the first key
            except OSError as exc:
                raise _unusable(f"{self.path} cannot be written ({exc.strerror or exc})") from exc
        key = self.read()
        if key is None:
            raise _unusable("the purge of a person needs a key that all processes share")
        return key


def _unusable(problem: str) -> ConfigurationError:
    remedy = "Set the same PRIVACY_KEY for every process and keep it; create one with `openssl rand -hex 32`"
    return ConfigurationError("PRIVACY_KEY", problem, remedy)
