"""`propintel changes`: what changed of the properties, since when one likes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from app.errors.requests import InvalidCursorError
from app.printable import printable
from app.property.storage.watches.changes import ChangeStore, Followed
from app.services.delivery.deliver import changes_backlog
from app.services.runtime.stores import open_stores
from app.settings import load_settings
from cli.output import FormatOption, make_table, show

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_EXAMPLES = """\b
Examples:
  propintel changes                             the newest of all properties
  propintel changes --property 3f2c9a7be1d04f6f
  propintel changes --since latest --format json | jq -r .next_since > cursor
  propintel changes --since "$(cat cursor)" --format json
"""
_LONGEST_CHARS = 60


@app.command(epilog=_EXAMPLES)
def changes(
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="CURSOR", help="Those after this `next_since`; `latest` says where one is."),
    ] = None,
    property_id: Annotated[str | None, typer.Option("--property", metavar="ID", help="Those of one property.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="At most so many.")] = 1000,
    format_: FormatOption = None,
) -> None:
    """Show what changed: the oldest first, each once, with the evidence of both values.

    Without --since it begins with the oldest that is kept. docs/changes.md says what is told, and when.

    JSON: `{"changes": [...], "next_since": CURSOR, "has_more", "webhook": {"pending", "oldest_at", "error"}}`; a change
    has "id", "property", "field", "old", "new", "context", "old_evidence", "new_evidence", "why", "seen_at",
    "published_at".
    """
    with open_stores(load_settings()) as stores:
        store = ChangeStore(stores.database)
        backlog = changes_backlog(stores.database)
        try:
            found = store.since(since, limit=limit, property_id=property_id)
        except InvalidCursorError as exc:
            raise typer.BadParameter("it is no `next_since` of ours", param_hint="--since") from exc
    data: dict[str, Any] = {**found.as_json(), "webhook": backlog}
    show(data, format_, lambda: _tables(found, backlog))


def _tables(found: Followed, backlog: Mapping[str, Any]) -> Iterator[Table | Text]:
    rows = [
        (f"{one.published_at:%Y-%m-%d %H:%M}", one.property_id, one.field, _words(one.old), _words(one.new), one.why)
        for one in found.changes
    ]
    yield make_table(f"{len(rows)} changes", ("told (UTC)", "property", "field", "was", "is", "believed"), rows)
    yield Text(f"Go on with: --since {found.next_since}")
    if backlog["pending"]:
        error = f": {backlog['error']}" if backlog["error"] else ""
        yield Text(printable(f"Webhook: {backlog['pending']} changes wait{error}"))


def _words(value: Any) -> str:
    if value is None:
        return ""
    parts = value if isinstance(value, list) else [value]
    rows = (" ".join(str(v) for v in part.values() if v) if isinstance(part, dict) else str(part) for part in parts)
    text = "; ".join(rows)
    return text if len(text) <= _LONGEST_CHARS else f"{text[: _LONGEST_CHARS - 1]}…"
