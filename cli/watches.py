"""`propintel watches`: refresh properties, URLs, and addresses on a schedule, within a daily budget."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from app.errors.ids import UnknownIdError
from app.plurals import counted
from app.property.storage.ids import PROPERTY, WATCH, IdKind, find_id, short_ids
from app.property.storage.paging import every
from app.property.storage.watches.models import Watch, WatchKind
from app.property.storage.watches.repository import MOST_INTERVAL_DAYS, Watches
from app.property.urls.targets import normalize_watched
from app.services.runtime.stores import Stores, open_stores
from app.services.watches.watching import WatchSummary, summary
from app.settings import load_settings
from cli.arguments import read_targets, who
from cli.command import command, new_app
from cli.output import make_table, moment, note, show

app = new_app("watches", "Refresh properties on a schedule, within a day's budget; see docs/watching.md.")


@command(
    app,
    "add",
    "3f2c9a7b",
    "https://www.example.com/homes/1 --every 1",
    '"12 Main St, Springfield, IL 62701"',
    "--file clients.csv --every 30",
)
def add(
    *,
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="TARGET", help="IDs of properties, URLs of pages or searches, or addresses."),
    ] = None,
    file: Annotated[
        str | None, typer.Option("--file", help="URLs and addresses, as `propintel enqueue --file` takes them.")
    ] = None,
    every: Annotated[
        int | None,
        typer.Option("--every", metavar="DAYS", min=1, max=MOST_INTERVAL_DAYS, help="Default: WATCH_INTERVAL_DAYS."),
    ] = None,
) -> None:
    """Watch all targets, or none if one is invalid. An existing watch gets the new interval, and resumes if paused.

    A home has one watch, by whatever name.

    JSON: `{"new": n, "already_watched": [{"target", "watch"}], "watches": [...]}`, as in `propintel watches list`.
    """
    settings = load_settings()
    with open_stores(settings) as stores:
        named = [_full(stores, target, PROPERTY) for target in targets or ()]
        wanted = read_targets(named, file, normalize_watched)
        added = Watches(stores.database).add(
            wanted, interval_days=every or settings.watch.interval_days, who=who(), most=settings.watch.max_watches
        )
        warning = summary(stores.database, settings).warning()
        show(added.as_json(), lambda: [_table(stores, added.watches)])
    for said in filter(None, (added.note(), warning)):
        note(said)


@command(app, "remove", "https://www.example.com/homes/1")
def remove(
    targets: Annotated[list[str], typer.Argument(metavar="WATCH", help="IDs of watches, or what they watch.")],
) -> None:
    """Stop watching targets. Jobs of these watches that have not started are canceled. Stored data is kept.

    JSON: `{"removed": n, "cancelled_jobs": n}`.
    """
    with open_stores(load_settings()) as stores:
        watches = Watches(stores.database)
        names = [_full(stores, name, WATCH, PROPERTY) for name in targets]
        found = list(dict.fromkeys(watches.get(name).id for name in names))  # look up all watches before removing any
        canceled = sum(watches.remove(watch_id) for watch_id in found)
    data = {"removed": len(found), "cancelled_jobs": canceled}
    show(data, lambda: [Text(f"{len(found)} removed, {counted(canceled, 'job')} canceled")])


@command(app, "list", "", "--json | jq -r '.watches[].target'")
def list_watches() -> None:
    """List watches: when each is due and why it waits. A watch may wait for the next day's budget or be paused.

    JSON: `{"counts": {status: n}, "budget": {"day", "resets_at", "pages": {"used", "limit"}, "model_calls": {"used",
    "limit"}}, "watches": [{"id", "kind", "target", "property", "interval_days", "status", "pause_reason", "due_at",
    "put_off_at", "under_way_since", "failures", "error", "refreshed_at", "created_at", "created_by"}]}`.
    """
    settings = load_settings()
    with open_stores(settings) as stores:
        watches, found = list(every(Watches(stores.database).page)), summary(stores.database, settings)
        data: dict[str, Any] = {**found.as_json(), "watches": [one.as_json() for one in watches]}
        show(data, lambda: _whole(stores, watches, found))
    if (warning := found.warning()) is not None:
        note(warning)


def _whole(stores: Stores, watches: Sequence[Watch], found: WatchSummary) -> Iterator[Table | Text]:
    yield _table(stores, watches)
    day, limits = found.today, found.limits
    yield Text(
        f"Today (UTC): {day.pages} of {counted(limits.pages, 'page')},"
        f" {day.model_calls} of {counted(limits.model_calls, 'model call')};"
        f" all watches need about {counted(round(found.daily_pages, 1), 'page')} a day"
    )


def _full(stores: Stores, typed: str, *kinds: IdKind) -> str:
    """Return the id that begins with `typed`, trying the `kinds` in order. Return `typed` if no id matches."""
    for kind in kinds:
        with suppress(UnknownIdError):
            return find_id(stores.database, typed, kind)
    return typed


def _table(stores: Stores, watches: Sequence[Watch]) -> Table:
    ids = short_ids(stores.database, WATCH, [one.id for one in watches])
    properties = short_ids(stores.database, PROPERTY, [one.target for one in watches if one.kind == WatchKind.PROPERTY])
    rows = [
        (
            ids[one.id],
            properties.get(one.target, one.target),
            one.interval_days,
            str(one.status),
            moment(one.due_at),
            moment(one.refreshed_at),
            one.pause_reason or (one.error["message"] if one.error else ""),
        )
        for one in watches
    ]
    return make_table("Watches", ("watch", "target", "days", "status", "due (UTC)", "refreshed", "problem"), rows)
