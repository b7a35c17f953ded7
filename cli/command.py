"""Base classes of all commands: the shared options, and groups that import a command only when it is called."""

import importlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

import typer
from typer._click.shell_completion import CompletionItem
from typer.core import TyperCommand, TyperGroup

from app.logs import configure_logging
from app.settings import load_log_settings
from app.settings.names import log_near_misses
from cli.output import Format, choose_format

_VERBOSE = "propintel.verbose"


def new_app(name: str, summary: str = "") -> typer.Typer:
    """Return a Typer app without commands. It becomes a group if several commands are added."""
    settings: dict[str, Any] = {"no_args_is_help": True, "add_completion": False, "rich_markup_mode": None}
    return typer.Typer(name=name, cls=Group, help=summary, **settings)


def command[F: Callable[..., Any]](app: typer.Typer, name: str, *examples: str) -> Callable[[F], F]:
    """Return a decorator that adds a function to `app` as the command `name`. The command's help shows `examples`.

    `name` is "" for the only command of an app.
    """
    words = " ".join(filter(None, ("propintel", app.info.name, name)))
    lines = [f"  {words} {example}".rstrip() for example in examples]
    return app.command(name or app.info.name, cls=Command, epilog="\n".join(["\b\nExamples:", *lines]))


class Command(TyperCommand):
    """A command with `--format` (unless it declares its own), `--json`, and `--verbose`."""

    def __init__(self, *, params: Any, **attrs: Any) -> None:
        taken = {name for param in params for name in param.opts}
        shared = [param for param in _shared_options() if taken.isdisjoint(param.opts)]
        super().__init__(params=[*params, *shared], **attrs)

    def invoke(self, ctx: Any) -> Any:
        is_json, is_verbose = ctx.params.pop("as_json"), ctx.params.pop("verbose")
        chosen = ctx.params.pop("output_format", None)
        if is_json and (chosen or ctx.params.get("format_")) not in (None, Format.JSON):
            raise typer.BadParameter("give either --json or --format", param_hint="--json")
        choose_format(Format.JSON if is_json else chosen)
        log = load_log_settings()
        configure_logging(
            level=logging.INFO if is_verbose or ctx.meta.get(_VERBOSE) else log.level or logging.WARNING,
            log_format="json" if log.format == "json" else "text",
        )
        if self.name != "doctor":  # `doctor` reports misspelled variables itself
            log_near_misses()
        return super().invoke(ctx)


class Group(TyperGroup):
    """A group of commands that also accepts `--verbose` before the command's name."""

    def __init__(self, *, params: Any, **attrs: Any) -> None:
        verbose = [param for param in _shared_options() if param.name == "verbose"]
        super().__init__(params=[*params, *verbose], **attrs)

    def invoke(self, ctx: Any) -> Any:
        ctx.meta[_VERBOSE] = ctx.params.pop("verbose") or ctx.meta.get(_VERBOSE, False)
        return super().invoke(ctx)


@dataclass(frozen=True, slots=True)
class Lazy:
    """A command that is imported when it is called: its Typer app is `attribute` of `module`.

    `summary` is shown in the list of commands.
    """

    module: str
    summary: str
    attribute: str = "app"

    def load(self) -> Any:
        return typer.main.get_command(getattr(importlib.import_module(self.module), self.attribute))


def lazy_group(commands: Mapping[str, Lazy]) -> type[Group]:
    """Return the class of a group with `commands`, in this order. A command is imported only when it is called."""

    class LazyGroup(Group):
        commands: Any

        def __init__(self, **attrs: Any) -> None:
            super().__init__(**attrs)
            self.commands = dict(commands)  # for a mistyped command, Typer suggests similar names from this mapping

        def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 (Click's signature)
            return list(commands)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 (Click's signature)
            return commands[cmd_name].load() if cmd_name in commands else None

        def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 (Click's signature)
            with formatter.section("Commands"):
                formatter.write_dl([(name, command.summary) for name, command in commands.items()])

        def shell_complete(self, ctx: Any, incomplete: str) -> list[CompletionItem]:
            if incomplete.startswith("-"):
                return super().shell_complete(ctx, incomplete)
            found = [(name, one) for name, one in commands.items() if name.startswith(incomplete)]
            return [CompletionItem(name, help=one.summary) for name, one in found]

    return LazyGroup


@cache
def _shared_options() -> tuple[Any, ...]:
    app = typer.Typer(add_completion=False)
    app.command()(_declare_shared_options)
    return tuple(typer.main.get_command(app).params)


def _declare_shared_options(
    *,
    output_format: Annotated[
        Format | None, typer.Option("--format", help="Default: a table in a terminal, JSON in a pipe or file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log to stderr what happens.")] = False,
) -> None:
    """Declare the shared options. Typer reads this signature and never calls the function."""
