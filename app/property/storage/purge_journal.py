"""A journal of purges outside the database, which a backup of the database cannot take back: one JSON object a line.

Lines are only added, and are on the disk when `add` returns. Processes of one machine may share the file.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from app.errors import ConfigurationError
from app.files import private
from app.property.storage.purge_account import PurgeEntry

_VERSION = 1


class PurgeJournal:
    """The file `path`; it need not be there yet. Raises `ConfigurationError` where it cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[PurgeEntry]:
        """All purges, in the order in which they were added. A last line without an end was never added."""
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise self._unusable(f"{self.path} cannot be read ({exc.strerror or exc})") from exc
        return self._entries(text)

    def add(self, entries: Iterable[PurgeEntry]) -> int:
        """Add those that are not in it; -> how many that were. The file is made for its owner alone."""
        try:
            with open(self.path, "a+b", opener=private) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.seek(0)
                text = file.read()
                known = {entry.id for entry in self._entries(text)}
                new = [entry for entry in entries if entry.id not in known]
                if new:
                    file.truncate(text.rfind(b"\n") + 1)  # what an earlier writer did not finish
                    file.write(b"".join(_line(entry) for entry in new))
                    file.flush()
                    os.fsync(file.fileno())
                    _sync_folder(self.path.parent)
                return len(new)
        except OSError as exc:
            raise self._unusable(f"{self.path} cannot be written ({exc.strerror or exc})") from exc

    def _entries(self, text: bytes) -> list[PurgeEntry]:
        lines = text.split(b"\n")[:-1]
        return [self._entry(number, line) for number, line in enumerate(lines, 1)]

    def _entry(self, number: int, line: bytes) -> PurgeEntry:
        try:
            told: dict[str, Any] = json.loads(line)
            if told.pop("v") != _VERSION:
                raise self._unusable(f"line {number} of {self.path} is of a newer version of this program")
            return PurgeEntry(**{**told, "at": datetime.fromisoformat(told["at"])})
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            raise self._unusable(f"line {number} of {self.path} is damaged") from exc

    def _unusable(self, problem: str) -> ConfigurationError:
        remedy = "Mend or restore that file, which says what may not come back; do not delete it"
        return ConfigurationError("PURGE_JOURNAL", problem, remedy)


def _line(entry: PurgeEntry) -> bytes:
    told = {"v": _VERSION, **asdict(entry), "at": entry.at.isoformat()}
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"


def _sync_folder(folder: Path) -> None:
    """So that the file itself is there after a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
