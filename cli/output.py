"""What a command prints: results on stdout as JSON or a table, remarks on stderr.

Text from pages is hostile: nothing here lets it move the cursor or style the terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.printable import json_text, printable

_WIDE = 160


class Format(StrEnum):
    """How results are printed."""

    JSON = "json"
    TABLE = "table"


FormatOption = Annotated[
    Format | None,
    typer.Option("--format", help="How to print the result. Default: a table in a terminal, JSON in a pipe or file."),
]


class PropertyFormat(StrEnum):
    """How properties are printed."""

    JSON = "json"
    TABLE = "table"
    BRIEF = "brief"


PropertyFormatOption = Annotated[
    PropertyFormat | None,
    typer.Option(
        "--format",
        help="How to print properties; brief is the contractor's report. Default: a table in a terminal, JSON in a "
        "pipe or file.",
    ),
]


def wants_json(chosen: Format | PropertyFormat | None) -> bool:
    """The format asked for; without one, JSON whenever a program reads along."""
    return chosen in (Format.JSON, PropertyFormat.JSON) or (chosen is None and not sys.stdout.isatty())


def show(data: Any, chosen: Format | None, table: Callable[[], Iterable[Table | Text]]) -> None:
    """Print `data` as JSON, or what `table` makes of it."""
    if wants_json(chosen):
        print_json(data)
        return
    console = stdout_console()
    for part in table():
        console.print(part)


def print_json(data: Any, *, indent: int | None = 2) -> None:
    """One JSON document; without `indent` on a line of its own."""
    print(json_text(data, indent=indent), flush=True)  # noqa: T201


def note(message: str) -> None:
    """A remark for whoever watches, on stderr."""
    print(printable(message), file=sys.stderr, flush=True)  # noqa: T201


def stdout_console() -> Console:
    """Tables go through this one; in a pipe they are wide instead of wrapped."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else _WIDE, highlight=False)


def stderr_console() -> Console:
    return Console(file=sys.stderr, highlight=False)


def make_table(title: str | None, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """A plain table; cells are values, printed as text and nothing else."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    return table


def cell(value: Any) -> Text:
    """A value as one cell: no markup, no control characters, nothing longer than a screen."""
    if value is None:
        return Text("")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = printable(text)
    return Text(text if len(text) <= 300 else f"{text[:299]}…")
