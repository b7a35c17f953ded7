"""Targets from the command line: arguments, and a file or stdin."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from app.errors.targets import InvalidTargetListError
from app.property.urls.target_lists import parse_targets
from app.property.urls.targets import normalise_target


def read_targets(
    arguments: Sequence[str], file: str | None, check: Callable[[str], object] = normalise_target
) -> list[str]:
    """The targets of both, in order. `file` "-" is stdin; `check` raises `InvalidTargetError` for what is no target.

    Raises `InvalidTargetError` for a bad argument and `typer.BadParameter` for a file with bad lines, an unreadable
    file, or no target at all.
    """
    targets = list(arguments)
    for target in targets:
        check(target)
    if file is not None:
        name = "stdin" if file == "-" else file
        try:
            targets += parse_targets(_read(file, name), name, check)
        except InvalidTargetListError as exc:
            raise typer.BadParameter(str(exc)) from exc
    if not targets:
        raise typer.BadParameter("there is no target: name some, or give --file with at least one")
    return targets


def _read(file: str, name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as exc:
        raise typer.BadParameter(f"{name} cannot be read: {exc.strerror or type(exc).__name__}") from exc
