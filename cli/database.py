"""`propintel db`: the database's schema."""

from __future__ import annotations

import typer
from rich.text import Text

from app.property.store import Database, database_url, upgrade
from app.settings import load_settings
from cli.output import FormatOption, show

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)

_EXAMPLES = """\b
Examples:
  propintel db upgrade
  DATABASE_URL=postgresql+psycopg://user:password@host/db propintel db upgrade
"""


@app.callback()
def _group() -> None:
    """The database's schema."""


@app.command("upgrade", epilog=_EXAMPLES)
def upgrade_database(format_: FormatOption = None) -> None:
    """Bring the database to this version's schema, in one transaction. SQLite does so by itself.

    JSON: `{"before": revision or null, "after": revision}`.
    """
    url = database_url(load_settings())
    database = Database(url)
    if database.is_sqlite:
        database.open()  # makes its folder
        database.close()
    before, after = upgrade(url)
    text = f"schema {after}, as it was" if before == after else f"schema {before or 'none'} -> {after}"
    show({"before": before, "after": after}, format_, lambda: [Text(f"{database!r}: {text}")])
