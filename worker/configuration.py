"""The worker's settings, read once when Celery first asks for its configuration."""

from __future__ import annotations

import sys
from functools import cache
from typing import NoReturn

from app.errors import ConfigurationError
from app.settings import Settings, load_settings


@cache
def settings() -> Settings:
    """The process's settings. Ends the process with the reason and exit code 2 if they cannot be used."""
    try:
        return load_settings()
    except ConfigurationError as exc:
        exit_with(str(exc))


def exit_with(reason: str) -> NoReturn:
    """End a process that cannot be configured, as cli.md says: the reason on stderr, code 2."""
    sys.stderr.write(f"{reason}\n")
    raise SystemExit(2)
