"""`propintel alerts`: what is wrong with the keys and with beat, and what was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from app.printable import printable
from app.property.storage.keys.alerts import AlertStore
from app.property.storage.keys.tables import Alert
from app.property.storage.outbox import Backlog, Channel, Outbox
from app.services.runtime.stores import open_stores
from app.settings import load_settings
from cli.output import FormatOption, make_table, show

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_EXAMPLES = """\b
Examples:
  propintel alerts                  what fires, and what is over since a day
  propintel alerts --all            everything that is kept
  propintel alerts --format json | jq '.firing[].message'
"""
_RECENT = timedelta(days=1)
_MOST = 10_000


@app.command(epilog=_EXAMPLES)
def alerts(
    every: Annotated[bool, typer.Option("--all", help="Also those that are over for longer than a day.")] = False,
    format_: FormatOption = None,
) -> None:
    """Show the alerts that fire, critical ones first, and those that are over. docs/alerts.md says what to do.

    JSON: `{"firing": [...], "resolved": [...], "webhook": {"pending", "given_up", "error"}}`; an alert has "kind",
    "subject", "severity", "message", "details", "fired_at", "resolved_at".
    """
    with open_stores(load_settings()) as stores:
        store, now = AlertStore(stores.database), stores.database.clock.now()
        firing, backlog = store.firing(), Outbox(stores.database).backlog(Channel.ALERT)
        over = store.resolved(limit=_MOST).items
    if not every:
        over = [alert for alert in over if alert.resolved_at is not None and now - alert.resolved_at < _RECENT]
    data: dict[str, Any] = {
        "firing": [alert.as_json() for alert in firing],
        "resolved": [alert.as_json() for alert in over],
        "webhook": backlog.as_json(),
    }
    show(data, format_, lambda: _tables(firing, over, backlog))


def _tables(firing: list[Alert], over: list[Alert], backlog: Backlog) -> Iterator[Table | Text]:
    rows = [(str(a.severity), a.kind, _moment(a.fired_at), "", a.message) for a in firing]
    rows += [("over", a.kind, _moment(a.fired_at), _moment(a.resolved_at), a.message) for a in over]
    yield make_table(f"{len(firing)} alerts firing", ("state", "alert", "since (UTC)", "until", "what"), rows)
    if backlog.pending or backlog.given_up:
        error = f": {backlog.error}" if backlog.error else ""
        yield Text(printable(f"Webhook: {backlog.pending} messages wait, {backlog.given_up} were given up{error}"))


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""
