"""Commands that are imported when they are called.

`propintel token` need not wait for Celery, SQLAlchemy and the extractors.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperGroup


@dataclass(frozen=True, slots=True)
class Lazy:
    """Where a command is (`module` has a `typer.Typer` called `attribute`) and its line in the list of commands."""

    module: str
    summary: str
    attribute: str = "app"

    def load(self) -> Any:
        return typer.main.get_command(getattr(importlib.import_module(self.module), self.attribute))


def lazy_group(commands: Mapping[str, Lazy]) -> type[TyperGroup]:
    """Return the class of a group that has `commands`, in this order."""

    class LazyGroup(TyperGroup):
        commands: Any

        def __init__(self, **attrs: Any) -> None:
            super().__init__(**attrs)
            self.commands = dict(commands)  # Typer compares a mistyped name with these

        def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 (Click's signature)
            return list(commands)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 (Click's signature)
            return commands[cmd_name].load() if cmd_name in commands else None

        def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 (Click's signature)
            with formatter.section("Commands"):
                formatter.write_dl([(name, command.summary) for name, command in commands.items()])

    return LazyGroup
