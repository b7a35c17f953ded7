"""The worker's settings, read once when Celery first asks for its configuration; only the keys may change later."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import NoReturn

from app.errors import ConfigurationError
from app.services.keys.reload import ReloadMark
from app.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class _Loaded:
    settings: Settings
    mark: int


_loaded: _Loaded | None = None


def settings() -> Settings:
    """The process's settings. Ends the process with the reason and exit code 2 if they cannot be used."""
    return _load().settings


def mark_at_load() -> int:
    """The reload mark's stamp when the keys of `settings()` were read. A forked child inherits both as one."""
    return _load().mark


def adopt_keys(fresh: Settings) -> None:
    """`fresh` are the settings of this process and of the children that it forks from now on."""
    global _loaded  # noqa: PLW0603 (one per process by design)
    _loaded = _Loaded(fresh, ReloadMark(fresh.state.propintel_home).stamp())


def note_mark(stamp: int) -> None:
    """The keys of `settings()` are those that the mark with this stamp asks for: a child need not read them again."""
    global _loaded  # noqa: PLW0603 (one per process by design)
    _loaded = _Loaded(settings(), stamp)


def _load() -> _Loaded:
    global _loaded  # noqa: PLW0603 (one per process by design)
    if _loaded is None:
        try:
            found = load_settings()
        except ConfigurationError as exc:
            exit_with(str(exc))
        _loaded = _Loaded(found, ReloadMark(found.state.propintel_home).stamp())
    return _loaded


def exit_with(reason: str) -> NoReturn:
    """End a process that cannot be configured, as cli.md says: the reason on stderr, code 2."""
    sys.stderr.write(f"{reason}\n")
    raise SystemExit(2)
