"""`propintel enqueue`: enqueue targets for the workers."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from app.clock import SystemClock
from app.errors.broker import BrokerFullError
from app.errors.storage import DiskFullError, NoSpaceError
from app.errors.targets import InvalidTargetListError
from app.plurals import counted
from app.property.storage.ids import BATCH, short_ids
from app.property.storage.jobs.models import Enqueued, Job, JobState, shown_state
from app.property.urls.target_lists import InvalidRow
from app.services.keys.view import KeyView
from app.services.reports.estimate import estimate
from app.services.runtime.stores import Stores, open_stores
from app.settings import Settings, load_settings
from cli.arguments import read_targets
from cli.command import command, new_app
from cli.failures import FAILED, INTERRUPTED, say_error
from cli.output import make_table, note, show
from cli.waiting import wait_for_jobs
from tasks._celery.submission import make_sender, submit_targets

app = new_app("enqueue")

_FILE_HELP = (
    "A file of URLs and addresses, - for stdin: one on each line; CSV with a column `target`, `url`, or `address`, or "
    "with `street`, `city`, `state`, and `zip`; or JSON Lines (strings, or objects with the same names). Blank lines "
    "and lines that start with # are skipped."
)

_SKIP_HELP = "Leave out and list invalid targets; exit code 1 if there are any."
_ECONOMY_HELP = "Not urgent: the model may take a day, at half the price."
_CALLBACK_HELP = "Where to POST, signed, when all jobs of the batch have ended; see WEBHOOK_SECRET."


@command(
    app,
    "",
    "https://www.example.com/homes/123-main-st",
    '"12 Main St, Springfield, IL 62701"',
    "--file targets.csv --estimate",
    "--file targets.csv --skip-invalid",
    "--file targets.csv --wait",
    "--file county.csv --economy",
    "--file targets.csv --callback-url https://example.com/hook",
    "--file - --priority 0 < urls.txt",
)
def enqueue(
    *,
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="TARGET", help="URLs of property pages, or addresses.")
    ] = None,
    file: Annotated[str | None, typer.Option("--file", help=_FILE_HELP)] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until all have ended; exit code 1 if any failed.")] = False,
    priority: Annotated[int, typer.Option("--priority", min=0, max=9, help="0 is the most urgent.")] = 5,
    refresh: Annotated[bool, typer.Option("--refresh", help="Scrape fresh properties again.")] = False,
    skip_invalid: Annotated[bool, typer.Option("--skip-invalid", help=_SKIP_HELP)] = False,
    estimated: Annotated[bool, typer.Option("--estimate", help="Show the cost; enqueue nothing.")] = False,
    economy: Annotated[bool, typer.Option("--economy", help=_ECONOMY_HELP)] = False,
    callback_url: Annotated[str | None, typer.Option("--callback-url", metavar="URL", help=_CALLBACK_HELP)] = None,
) -> None:
    """Enqueue targets for the workers. If a target is invalid, nothing is enqueued, unless --skip-invalid is given.

    A target that is in progress, or whose property is fresh, gets no new job. --economy uses OpenAI's Batch API; see
    docs/batch-api.md. docs/batches.md explains the figures of --estimate.

    JSON: `{"batch", "jobs": [ids], "duplicates": n}`, with --wait also "counts", with --skip-invalid "skipped":
    `[{"row", "text", "reason"}]`; with --estimate `{"targets", "jobs",
    "duplicates", "pages", "model", "model_calls", "tokens", "usd", "minutes", "recent_jobs": {"urls": n, "addresses":
    n}, "economy", "without_source", "problem"}`.
    """
    skipped = list[InvalidRow]()
    wanted = _read_targets(targets or [], file, skipped if skip_invalid else None)
    settings = load_settings()
    more = {"skipped": [row.as_json() for row in skipped]} if skip_invalid else {}
    if estimated:
        _show_estimate(settings, wanted, skipped, more, refresh=refresh, economy=economy)
        raise typer.Exit(FAILED if skipped else 0)
    with ExitStack() as stack:
        try:
            stores = stack.enter_context(open_stores(settings))
            enqueued = submit_targets(
                stores.jobs,
                stack.enter_context(closing(make_sender(settings))),
                settings,
                wanted,
                priority=priority,
                refresh=refresh,
                callback_url=callback_url,
                economy=economy,
            )
        except (BrokerFullError, DiskFullError, NoSpaceError):
            note("Nothing was enqueued.")
            raise
        ended = _wait(stores, enqueued) if wait else None
        data = {**enqueued.as_json(), **more}
        if ended is not None:
            data["counts"] = {state.value: sum(job.state is state for job in ended) for state in JobState}
        show(data, lambda: [*_skipped_table(skipped), Text(_summary(stores, enqueued, data.get("counts")))])
    has_failures = ended is not None and _say_failures(ended)
    _say_skipped(skipped)
    if has_failures or skipped:
        raise typer.Exit(FAILED)


def _read_targets(arguments: Sequence[str], file: str | None, skipped: list[InvalidRow] | None) -> list[str]:
    try:
        return read_targets(arguments, file, skipped=skipped)
    except typer.BadParameter as exc:
        if skipped is None and isinstance(exc.__cause__, InvalidTargetListError):
            exc.message += " --skip-invalid enqueues the valid lines."
        raise


def _skipped_table(skipped: Sequence[InvalidRow]) -> list[Table]:
    rows = [(row.row, row.text, row.reason) for row in skipped]
    return [make_table("Skipped", ("line", "text", "reason"), rows)] if rows else []


def _say_skipped(skipped: Sequence[InvalidRow]) -> None:
    if skipped:
        say_error(f"{counted(len(skipped), 'invalid target')} skipped")


def _show_estimate(
    settings: Settings,
    wanted: Sequence[str],
    skipped: Sequence[InvalidRow],
    more: Mapping[str, Any],
    *,
    refresh: bool,
    economy: bool,
) -> None:
    with open_stores(settings) as stores, closing(KeyView(settings)) as keys:
        found = estimate(stores.database, keys, settings, wanted, refresh=refresh, economy=economy)
    show({**found.as_json(), **more}, lambda: [*_skipped_table(skipped), Text(found.sentence())])
    _say_skipped(skipped)


def _wait(stores: Stores, enqueued: Enqueued) -> list[Job]:
    try:
        return wait_for_jobs(stores.jobs, enqueued, SystemClock(), stores.settings.state.propintel_home.expanduser())
    except KeyboardInterrupt:
        note(f"Stopped waiting; the jobs continue. See `propintel jobs list --batch {enqueued.batch[:8]}`.")
        raise typer.Exit(INTERRUPTED) from None


def _summary(stores: Stores, enqueued: Enqueued, counts: dict[str, int] | None) -> str:
    batch = short_ids(stores.database, BATCH, [enqueued.batch])[enqueued.batch]
    text = f"Batch {batch}: {len(enqueued.new)} enqueued, {counted(enqueued.duplicates, 'duplicate')}"
    if counts is None:
        return text
    return f"{text}; " + ", ".join(f"{count} {shown_state(state)}" for state, count in counts.items() if count)


def _say_failures(ended: Sequence[Job]) -> bool:
    failed = [job for job in ended if job.state is not JobState.DONE]
    for job in failed:
        state = shown_state(job.state)
        say_error(f"job {job.id} {state}: {job.error['message'] if job.error else f'it was {state}'}")
    return bool(failed)
