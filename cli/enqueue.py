"""`propintel enqueue`: give targets to the workers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Annotated

import typer
from rich.text import Text

from app.clock import SystemClock
from app.property.storage.jobs.models import Enqueued, Job, JobState
from app.services.keys.view import KeyView
from app.services.reports.estimate import estimate
from app.services.runtime.stores import Stores, open_stores
from app.settings import Settings, load_settings
from cli.failures import FAILED, INTERRUPTED, say_error
from cli.output import Format, FormatOption, note, show
from cli.targets import read_targets
from cli.waiting import wait_for_jobs
from tasks._celery.submission import make_sender, submit_targets

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_EXAMPLES = """\b
Examples:
  propintel enqueue https://www.example.com/homes/123-main-st
  propintel enqueue "12 Main St, Springfield, IL 62701"
  propintel enqueue --file targets.csv --estimate
  propintel enqueue --file targets.csv --wait
  propintel enqueue --file county.csv --economy --estimate
  propintel enqueue --file targets.csv --callback-url https://hooks.example.com/propintel
  grep homes urls.txt | propintel enqueue --file - --priority 0 --format json
"""
_FILE_HELP = (
    "A file of URLs and addresses, - for stdin: one a line; CSV with a column `target`, `url` or `address`, or with "
    "`street`, `city`, `state` and `zip`; or JSON Lines (texts, or objects with the same names). Blank lines and "
    "lines that start with # are skipped."
)

_ECONOMY_HELP = "Not urgent: the model answers within a day, in batches at half the price."
_CALLBACK_HELP = "Gets a signed POST when all jobs of the batch are over; see WEBHOOK_SECRET."


@app.command(epilog=_EXAMPLES)
def enqueue(
    *,
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="TARGET", help="URLs of property pages, or addresses.")
    ] = None,
    file: Annotated[str | None, typer.Option("--file", help=_FILE_HELP)] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until all are over; exit 1 if any failed.")] = False,
    priority: Annotated[int, typer.Option("--priority", min=0, max=9, help="0 is the most urgent, 9 the least.")] = 5,
    refresh: Annotated[bool, typer.Option("--refresh", help="Scrape again even what is fresh.")] = False,
    estimated: Annotated[bool, typer.Option("--estimate", help="Say what it would cost; queue nothing.")] = False,
    economy: Annotated[bool, typer.Option("--economy", help=_ECONOMY_HELP)] = False,
    callback_url: Annotated[str | None, typer.Option("--callback-url", metavar="URL", help=_CALLBACK_HELP)] = None,
    format_: FormatOption = None,
) -> None:
    """Give targets to the workers; all or nothing.

    A target that is under way or fresh is reported, not enqueued again. With --economy the model's answers come with
    OpenAI's Batch API; see docs/batch-api.md.
    JSON: `{"batch", "jobs": [ids], "duplicates": n}`, with --wait also "counts"; with --estimate `{"targets", "jobs",
    "duplicates", "pages", "model", "model_calls", "tokens", "usd", "minutes", "recent_jobs": {"urls": n, "addresses":
    n}, "economy"}`, see docs/batches.md.
    """
    wanted = read_targets(targets or [], file)
    settings = load_settings()
    if estimated:
        _show_estimate(settings, wanted, refresh=refresh, economy=economy, format_=format_)
        return
    with open_stores(settings) as stores, closing(make_sender(settings)) as celery_app:
        enqueued = submit_targets(
            stores.jobs,
            celery_app,
            settings,
            wanted,
            priority=priority,
            refresh=refresh,
            callback_url=callback_url,
            economy=economy,
        )
        ended = _wait(stores, enqueued) if wait else None
    data = enqueued.as_json()
    if ended is not None:
        data["counts"] = {state.value: sum(job.state is state for job in ended) for state in JobState}
    show(data, format_, lambda: [Text(_summary(enqueued, data.get("counts")))])
    if ended is not None and _say_failures(ended):
        raise typer.Exit(FAILED)


def _show_estimate(
    settings: Settings, wanted: Sequence[str], *, refresh: bool, economy: bool, format_: Format | None
) -> None:
    with open_stores(settings) as stores, closing(KeyView(settings)) as keys:
        found = estimate(stores.database, keys, settings, wanted, refresh=refresh, economy=economy)
    show(found.as_json(), format_, lambda: [Text(found.sentence())])


def _wait(stores: Stores, enqueued: Enqueued) -> list[Job]:
    try:
        return wait_for_jobs(stores.jobs, enqueued, SystemClock())
    except KeyboardInterrupt:
        note(f"Stopped waiting; the jobs go on. `propintel jobs --batch {enqueued.batch}` shows them.")
        raise typer.Exit(INTERRUPTED) from None


def _summary(enqueued: Enqueued, counts: dict[str, int] | None) -> str:
    text = f"Batch {enqueued.batch}: {len(enqueued.new)} enqueued, {enqueued.duplicates} duplicates"
    if counts is None:
        return text
    return f"{text}; " + ", ".join(f"{count} {state}" for state, count in counts.items() if count)


def _say_failures(ended: Sequence[Job]) -> bool:
    """One line on stderr for each job that did not succeed; True if there was one."""
    failed = [job for job in ended if job.state is not JobState.DONE]
    for job in failed:
        reason = job.error["message"] if job.error else f"it was {job.state}"
        say_error(f"job {job.id} {job.state}: {reason}")
    return bool(failed)
