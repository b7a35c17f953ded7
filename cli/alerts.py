"""`propintel alerts`: list firing and resolved alerts."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from app.plurals import counted
from app.printable import printable
from app.property.storage.keys.alerts import AlertStore
from app.property.storage.keys.tables import Alert
from app.property.storage.outbox import Backlog, Channel, Outbox
from app.services.runtime.stores import open_stores
from app.settings import load_settings
from cli.command import command, new_app
from cli.output import make_table, moment, show

app = new_app("alerts")

_RECENT = timedelta(days=1)
_MOST = 10_000


@command(app, "", "", "--all", "--json | jq '.firing[].message'")
def alerts(
    every: Annotated[bool, typer.Option("--all", help="Also alerts that were resolved more than a day ago.")] = False,
) -> None:
    """List firing alerts, critical ones first, and then resolved alerts. docs/alerts.md explains what to do.

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
    show(data, lambda: _tables(firing, over, backlog))


def _tables(firing: list[Alert], over: list[Alert], backlog: Backlog) -> Iterator[Table | Text]:
    rows = [(str(alert.severity), alert.kind, _times(alert), alert.message) for alert in firing]
    rows += [("resolved", alert.kind, _times(alert), alert.message) for alert in over]
    yield make_table(f"{counted(len(firing), 'alert')} firing", ("state", "alert", "times (UTC)", "message"), rows)
    if backlog.pending or backlog.given_up:
        error = f": {backlog.error}" if backlog.error else ""
        waits = counted(backlog.pending, "message waits", "messages wait")
        yield Text(printable(f"Webhook: {waits}, {backlog.given_up} were given up{error}"))


def _times(alert: Alert) -> str:
    return f"{moment(alert.fired_at)}" + (f" to {moment(alert.resolved_at)}" if alert.resolved_at else "")
