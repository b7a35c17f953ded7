"""Print the output of commands: results as tables or JSON on stdout, and notes on stderr.

Text from pages is untrusted. These functions replace or escape terminal control characters in it.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from enum import StrEnum
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.printable import json_text, printable

#: The width in characters of tables that are written to a pipe or file.
_WIDE = 160
_LONGEST_CELL = 300


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"


_chosen: ContextVar[Format | None] = ContextVar("format", default=None)


def choose_format(wanted: Format | None) -> None:
    _chosen.set(wanted)


def chosen_format() -> Format | None:
    return _chosen.get()


def wants_json() -> bool:
    """Return whether to print JSON. If no format was requested, print JSON unless stdout is a terminal."""
    wanted = _chosen.get()
    return wanted is Format.JSON or (wanted is None and not sys.stdout.isatty())


def show(data: Any, table: Callable[[], Iterable[Table | Text]]) -> None:
    """Print `data` if the output is JSON (`wants_json`), else the tables and texts that `table` returns."""
    if wants_json():
        print_json(data)
        return
    console = stdout_console()
    for part in table():
        console.print(part)


def print_json(data: Any, *, indent: int | None = 2) -> None:
    """Print one JSON document, on a single line if `indent` is None."""
    print(json_text(data, indent=indent), flush=True)  # noqa: T201


def note(message: str) -> None:
    print(printable(message), file=sys.stderr, flush=True)  # noqa: T201


def stdout_console() -> Console:
    """Return a console on stdout. It is as wide as the terminal or COLUMNS, else 160 characters (`_WIDE`)."""
    is_known = sys.stdout.isatty() or os.environ.get("COLUMNS")
    return Console(file=sys.stdout, width=None if is_known else _WIDE, highlight=False)


def stderr_console() -> Console:
    return Console(file=sys.stderr, highlight=False)


def make_table(title: str | None, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Return a table with `columns` and `rows`. Values are shown as plain text, and long cells wrap."""
    table = empty_table(title)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    return table


def make_facts(title: str, facts: Iterable[tuple[str, Any]]) -> Table:
    """Return a table with a line for each fact (name, value), except facts whose value is None or ""."""
    table = make_table(title, ("", ""), [(name, value) for name, value in facts if value not in (None, "")])
    table.show_header = False
    return table


def empty_table(title: str | None, *, expand: bool = False) -> Table:
    return Table(
        title=title,
        title_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
        expand=expand,
    )


def cell(value: Any) -> Text:
    """Return a value as a table cell: plain text without control characters, cut if it is very long."""
    if value is None:
        return Text("")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return Text(cut(printable(text), _LONGEST_CELL))


def cut(text: str, longest: int) -> str:
    """Return `text`, cut to at most `longest` characters, at the end of a word if that keeps at least half of them."""
    if len(text) <= longest:
        return text
    kept = text[: longest - 1]
    words = kept.rpartition(" ")[0]
    return f"{words or kept}…" if len(words) > longest // 2 else f"{kept}…"


def moment(at: Any) -> str:
    """Return a UTC time in the form `2026-01-31 08:15`. `at` is a `datetime`, an ISO 8601 text, or None (then "")."""
    text = at if isinstance(at, str) else at.isoformat() if at else ""
    return text[:16].replace("T", " ")
