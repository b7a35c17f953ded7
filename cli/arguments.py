"""Arguments and options that several commands share: ids with shell completion, targets, and a reason."""

import getpass
import socket
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from app.errors import PropertyIntelligenceError
from app.errors.targets import InvalidTargetListError
from app.property.storage.ids import PROPERTY, IdKind, ids_from
from app.property.urls.target_lists import InvalidRow, parse_targets, valid_targets
from app.property.urls.targets import normalize_target
from app.services.reports.identity_decisions import MOST_CHARACTERS
from app.services.runtime.stores import open_stores
from app.settings import load_settings

_MOST_COMPLETIONS = 50


def id_argument(kind: IdKind, metavar: str = "") -> Any:
    """Return the Typer declaration of an argument that takes an id of the given kind, with shell completion."""
    text = f"The ID of a {kind.name}, or its first characters."
    return typer.Argument(metavar=metavar or kind.name.upper(), help=text, autocompletion=_completing(kind))


def _completing(kind: IdKind) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        try:
            with open_stores(load_settings()) as stores:
                return ids_from(stores.database, incomplete, kind, limit=_MOST_COMPLETIONS)
        except PropertyIntelligenceError:  # shell completion cannot show an error
            return []

    return complete


PropertyId = Annotated[str, id_argument(PROPERTY)]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="The most to list.")]


def choice_option(name: str, read: Callable[[str], str], choices: Iterable[str], about: str) -> Any:
    """Return the declaration of an option with one of `choices` in any spelling. `read` raises `ValueError`."""

    def parse(text: str) -> str:
        try:
            return read(text)
        except ValueError as exc:
            raise typer.BadParameter(str(exc)) from exc

    names = list(choices)
    text = f"{about} One of: {', '.join(names)}."
    return typer.Option(name, parser=parse, metavar="NAME", help=text, autocompletion=lambda: names)


def who() -> str:
    """Return the user who runs the command, as `alice@host`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def _short_enough(reason: str) -> str:
    if len(reason) > MOST_CHARACTERS:
        raise typer.BadParameter(f"it has more than {MOST_CHARACTERS} characters")
    return reason


Reason = Annotated[
    str, typer.Option("--reason", callback=_short_enough, help="Why; recorded with your name and the time.")
]


def read_targets(
    arguments: Sequence[str],
    file: str | None,
    check: Callable[[str], object] = normalize_target,
    skipped: list[InvalidRow] | None = None,
) -> list[str]:
    """Return the targets in `arguments`, followed by the targets in `file`. The file "-" is stdin.

    Raises the `InvalidTargetError` of `check` for an invalid argument, and `typer.BadParameter` for an unreadable file,
    an invalid line, or no target. If `skipped` is a list, invalid arguments and lines are appended to it instead,
    unless there are no others.
    """
    targets = list(arguments)
    try:
        if skipped is not None:
            targets = valid_targets(targets, skipped, check)
        for target in targets:
            check(target)
        if file is not None:
            name = "stdin" if file == "-" else file
            targets += parse_targets(_read(file, name), name, check, skipped)
    except InvalidTargetListError as exc:
        raise typer.BadParameter(str(exc)) from exc
    if not targets:
        raise typer.BadParameter("no target given: name one, or give --file with at least one")
    return targets


def _read(file: str, name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as exc:
        raise typer.BadParameter(f"{name} cannot be read: {exc.strerror or type(exc).__name__}") from exc
