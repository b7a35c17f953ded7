"""`propintel watch`: have properties, URLs and addresses refreshed on a schedule, within a day's budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from app.property.storage.paging import every
from app.property.storage.watches.models import Watch
from app.property.storage.watches.repository import MOST_INTERVAL_DAYS, Watches
from app.property.urls.targets import normalise_watched
from app.services.runtime.stores import open_stores
from app.services.watches.watching import WatchSummary, summary
from app.settings import load_settings
from cli.output import FormatOption, make_table, note, show
from cli.targets import read_targets
from cli.whoami import who

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)

_ADD = """\b
Examples:
  propintel watch add 3f2c9a7be1d04f6fa1b2c3d4e5f60718
  propintel watch add https://www.example.com/homes/123-main-st --every 1
  propintel watch add "12 Main St, Springfield, IL 62701"
  propintel watch add --file clients.csv --every 30
"""
_REMOVE = """\b
Examples:
  propintel watch remove https://www.example.com/homes/123-main-st
"""
_LIST = """\b
Examples:
  propintel watch list
  propintel watch list --format json | jq -r '.watches[] | select(.status == "paused") | .target'
"""


@app.callback()
def _group() -> None:
    """Refresh properties on a schedule, within a day's budget; see docs/watching.md."""


@app.command(epilog=_ADD)
def add(
    *,
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="TARGET", help="Ids of stored properties, URLs of pages or searches, or addresses."),
    ] = None,
    file: Annotated[
        str | None, typer.Option("--file", help="URLs and addresses, as `propintel enqueue --file` takes them.")
    ] = None,
    every: Annotated[
        int | None,
        typer.Option("--every", metavar="DAYS", min=1, max=MOST_INTERVAL_DAYS, help="Default: WATCH_INTERVAL_DAYS."),
    ] = None,
    format_: FormatOption = None,
) -> None:
    """Watch what is named; all or nothing. What is watched already gets the new interval, and goes on if it was paused.

    JSON: `{"new": n, "watches": [as in list]}`.
    """
    wanted = read_targets(targets or [], file, normalise_watched)
    settings = load_settings()
    with open_stores(settings) as stores:
        added = Watches(stores.database).add(
            wanted, interval_days=every or settings.watch.interval_days, who=who(), most=settings.watch.max_watches
        )
        told = summary(stores.database, settings).warning()
    data = {"new": added.new, "watches": [one.as_json() for one in added.watches]}
    show(data, format_, lambda: [_table(added.watches)])
    if told is not None:
        note(told)


@app.command(epilog=_REMOVE)
def remove(
    targets: Annotated[list[str], typer.Argument(metavar="WATCH", help="Ids of watches, or what they watch.")],
    format_: FormatOption = None,
) -> None:
    """Watch it no longer. Its jobs that no worker has had are cancelled, what is stored stays.

    JSON: `{"removed": n, "cancelled_jobs": n}`.
    """
    with open_stores(load_settings()) as stores:
        watches = Watches(stores.database)
        found = list(dict.fromkeys(watches.get(name).id for name in targets))  # all of them, before one goes
        cancelled = sum(watches.remove(watch_id) for watch_id in found)
    data = {"removed": len(found), "cancelled_jobs": cancelled}
    show(data, format_, lambda: [Text(f"{len(found)} removed, {cancelled} jobs cancelled")])


@app.command("list", epilog=_LIST)
def list_command(format_: FormatOption = None) -> None:
    """What is watched, when it is due, what waits for the next day's budget, and what is paused and why.

    JSON: `{"counts": {status: n}, "budget": {"day", "resets_at", "pages": {"used", "limit"}, "model_calls": {"used",
    "limit"}}, "watches": [{"id", "kind", "target", "property", "interval_days", "status", "pause_reason", "due_at",
    "put_off_at", "under_way_since", "failures", "error", "refreshed_at", "created_at", "created_by"}]}`.
    """
    settings = load_settings()
    with open_stores(settings) as stores:
        watches, found = list(every(Watches(stores.database).page)), summary(stores.database, settings)
    data: dict[str, Any] = {**found.as_json(), "watches": [one.as_json() for one in watches]}
    show(data, format_, lambda: _whole(watches, found))
    told = found.warning()
    if told is not None:
        note(told)


def _whole(watches: Sequence[Watch], found: WatchSummary) -> Iterator[Table | Text]:
    yield _table(watches)
    day, limits = found.today, found.limits
    yield Text(
        f"Today (UTC): {day.pages} of {limits.pages} pages, {day.model_calls} of {limits.model_calls} model calls;"
        f" about {found.daily_pages:.1f} pages a day are wanted"
    )


def _table(watches: Sequence[Watch]) -> Table:
    rows = [
        (
            one.id,
            one.target,
            one.interval_days,
            str(one.status),
            f"{one.due_at:%Y-%m-%d %H:%M}",
            f"{one.refreshed_at:%Y-%m-%d %H:%M}" if one.refreshed_at else "",
            one.pause_reason or (one.error["message"] if one.error else ""),
        )
        for one in watches
    ]
    return make_table("Watches", ("watch", "of", "days", "status", "due (UTC)", "refreshed", "what is wrong"), rows)
