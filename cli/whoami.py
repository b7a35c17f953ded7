"""Who sits at the terminal, and why he does it, for what is written down."""

from __future__ import annotations

import getpass
import socket
from typing import Annotated

import typer

from app.services.reports.identity_decisions import MOST_CHARACTERS


def who() -> str:
    """`alice@host`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


def _short_enough(reason: str) -> str:
    if len(reason) > MOST_CHARACTERS:
        raise typer.BadParameter(f"it has more than {MOST_CHARACTERS} characters")
    return reason


Reason = Annotated[
    str, typer.Option("--reason", callback=_short_enough, help="Why; it is written down with who and when.")
]
