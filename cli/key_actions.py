"""`propintel keys disable`, `enable`, `probe`: act on one key of the whole fleet."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import Annotated

import typer
from rich.text import Text

from app.keypool.snapshots import Action
from app.printable import printable
from app.services.keys.actions import act
from app.services.keys.view import KeyView
from app.services.runtime.stores import open_stores
from app.settings import load_settings
from cli.output import Format, FormatOption, show
from cli.whoami import Reason, who

KeyName = Annotated[
    str, typer.Argument(metavar="MASK", help="The key as `propintel keys` shows it; or its id, or how that begins.")
]

_EXAMPLES = """\b
Examples:
  propintel keys disable 'sk-proj-abc...xyz1' --reason 'leaked in a ticket'
  propintel keys enable 'sk-proj-abc...xyz1'
  propintel keys probe 'sk-proj-abc...xyz1' --reason 'credit was added'
"""


def add_to(app: typer.Typer) -> None:
    """Give `app` the three commands."""
    for command in (disable, enable, probe):
        app.command(command.__name__, epilog=_EXAMPLES)(command)


def disable(name: KeyName, reason: Reason = "", format_: FormatOption = None) -> None:
    """Give a key no new request, in any process, until it is enabled; requests under way finish.

    JSON: `{"key", "mask", "action", "outcome", "state", "message", "recorded_at"}`, for `enable` and `probe` as well.
    """
    _act(name, "disable", reason, format_)


def enable(name: KeyName, reason: Reason = "", format_: FormatOption = None) -> None:
    """Bring a disabled key back, with the health that it had."""
    _act(name, "enable", reason, format_)


def probe(name: KeyName, reason: Reason = "", format_: FormatOption = None) -> None:
    """Let a failing, refused or unpaid key be tried with the next request, whatever its wait.

    Nothing changes for a healthy key.
    """
    _act(name, "probe", reason, format_)


def _act(name: str, action: Action, reason: str, format_: Format | None) -> None:
    settings = load_settings()
    with closing(KeyView(settings)) as view, ExitStack() as opened:
        done = act(
            view,
            lambda: opened.enter_context(open_stores(settings)).database,
            name,
            action,
            who=who(),
            reason=reason,
        )
    show(done.as_json(), format_, lambda: [Text(printable(done.sentence))])
