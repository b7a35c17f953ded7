"""`propintel changes`: list the property changes after a cursor."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from app.errors.requests import InvalidCursorError
from app.plurals import counted
from app.printable import printable
from app.property.fields.table import FIELDS
from app.property.storage.ids import PROPERTY, find_id, short_ids
from app.property.storage.watches.changes import ChangeStore, Followed
from app.services.delivery.deliver import changes_backlog
from app.services.runtime.stores import Stores, open_stores
from app.settings import load_settings
from cli.command import command, new_app
from cli.output import cut, make_table, moment, show

app = new_app("changes")

_LONGEST_CHARS = 60


@command(
    app, "", "", "--property 3f2c9a7b", "--since latest --json | jq -r .next_since > cursor", '--since "$(cat cursor)"'
)
def changes(
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="CURSOR", help="Only changes after this `next_since`, or `latest` for none."),
    ] = None,
    property_id: Annotated[
        str | None, typer.Option("--property", metavar="PROPERTY", help="Only changes of this property.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="The most to list.")] = 1000,
) -> None:
    """List property changes, oldest first, with the evidence of the old and the new value.

    With --since, list only changes after a cursor; otherwise, list all stored changes. docs/changes.md explains what
    counts as a change.

    JSON: `{"changes": [...], "next_since": CURSOR, "has_more", "webhook": {"pending", "oldest_at", "error"}}`; a change
    has "id", "property", "field", "old", "new", "context", "old_evidence", "new_evidence", "why", "seen_at",
    "published_at".
    """
    with open_stores(load_settings()) as stores:
        store = ChangeStore(stores.database)
        backlog = changes_backlog(stores.database)
        full_id = find_id(stores.database, property_id, PROPERTY) if property_id else None
        try:
            found = store.since(since, limit=limit, property_id=full_id)
        except InvalidCursorError as exc:
            raise typer.BadParameter("not a `next_since` of this command", param_hint="--since") from exc
        data: dict[str, Any] = {**found.as_json(), "webhook": backlog}
        show(data, lambda: _tables(stores, found, backlog))


def _tables(stores: Stores, found: Followed, backlog: Mapping[str, Any]) -> Iterator[Table | Text]:
    ids = short_ids(stores.database, PROPERTY, [one.property_id for one in found.changes])
    rows = [
        (moment(one.published_at), ids[one.property_id], FIELDS[one.field].label, _words(one.old), _words(one.new))
        for one in found.changes
    ]
    yield make_table(counted(len(rows), "change"), ("published (UTC)", "property", "field", "was", "is"), rows)
    yield Text(f"Continue with: --since {found.next_since}", no_wrap=True, overflow="ignore")
    if backlog["pending"]:
        error = f": {backlog['error']}" if backlog["error"] else ""
        yield Text(printable(f"Webhook: {counted(backlog['pending'], 'change waits', 'changes wait')}{error}"))


def _words(value: Any) -> str:
    if value is None:
        return ""
    parts = value if isinstance(value, list) else [value]
    rows = (" ".join(str(v) for v in part.values() if v) if isinstance(part, dict) else str(part) for part in parts)
    return cut("; ".join(rows), _LONGEST_CHARS)
