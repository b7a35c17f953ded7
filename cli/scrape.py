"""`propintel scrape`: do the job here and now, without a broker."""

from __future__ import annotations

from typing import Annotated, Any

import openai
import typer
from structlog.contextvars import bound_contextvars

from app.clock import SystemClock
from app.errors import PropertyIntelligenceError
from app.errors.keys import CapacityError
from app.property.storage.jobs.models import PageFrom
from app.property.storage.properties.tables import SourceRow
from app.property.storage.statements import new_id
from app.property.urls.targets import host_of_target, is_address, normalise_target
from app.services.property_intelligence import Scraper
from app.services.runtime.resources import open_resources
from app.services.runtime.traces import start_tracing
from app.services.scraping.run import Run
from app.settings import load_settings
from app.tracing import shutdown_tracing, span
from cli.failures import INTERRUPTED, report
from cli.output import PropertyFormatOption, note, print_json, wants_json
from cli.property_output import said_of, show_properties
from tasks.retry_policy import capacity_wait_seconds

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_EXAMPLES = """\b
Examples:
  propintel scrape https://www.example.com/homes/123-main-st
  propintel scrape "12 Main St, Springfield, IL 62701"
  propintel scrape --format json URL URL | jq '.[].record.ListPrice'
  propintel scrape "12 Main St, Springfield, IL 62701" --format brief
  propintel scrape --refresh URL      fetch again although it is fresh
"""
_NOT_READ = {
    PageFrom.UNCHANGED: "its page has not changed",
    PageFrom.SAME_PAGE: "its page was read by another URL just now",
}
#: what is said where the API names no time (specification: 60 s)
_UNKNOWN_WAIT_SECONDS = 60.0


@app.command(epilog=_EXAMPLES)
def scrape(
    targets: Annotated[list[str], typer.Argument(metavar="TARGET", help="URLs of property pages, or addresses.")],
    refresh: Annotated[bool, typer.Option("--refresh", help="Scrape again even if the property is fresh.")] = False,
    format_: PropertyFormatOption = None,
) -> None:
    """Scrape pages and addresses here and now and store their properties; no broker and no worker are needed.

    All targets of one command share the budget of a batch (BUDGET_BATCH_...).

    JSON: the property of one target; of several, a list of those that succeeded. Exit code 1 if any failed. Ctrl-C
    shows what is finished until then.
    """
    settings = load_settings()
    targets = [normalise_target(target) for target in targets]
    batch = new_id()
    results, codes, left = [], [0], list(targets)
    said: list[list[SourceRow]] = []
    start_tracing(settings)
    try:
        with open_resources(settings) as resources:
            for target in targets:
                try:
                    results.append(_scrape_one(resources.scraper, target, batch, refresh))
                except PropertyIntelligenceError as exc:
                    codes.append(report(exc))
                del left[0]
            said = said_of(resources.properties, results, format_)
    except KeyboardInterrupt:
        codes.append(INTERRUPTED)
        note(f"interrupted: {len(results)} of {len(targets)} targets are stored; not done: {_listed(left)}")
    finally:
        shutdown_tracing()
    if results:
        said += [[] for _ in results[len(said) :]]
        show_properties(results, format_, said, SystemClock().now(), as_list=len(targets) > 1)
    elif len(targets) > 1 and wants_json(format_):
        print_json([])
    raise typer.Exit(max(codes))


def _scrape_one(scraper: Scraper, target: str, batch: str, refresh: bool) -> dict[str, Any]:
    job = new_id()  # no row of the table: only for log lines and traces
    about = {"propintel.job.id": job, "propintel.batch.id": batch, "server.address": host_of_target(target)}
    with bound_contextvars(job=job, batch=batch), span("job", about, trace_id=job) as run:
        try:
            outcome = scraper.scrape(target, Run(batch=batch), refresh=refresh)
        except openai.RateLimitError as exc:
            wait = capacity_wait_seconds(exc, SystemClock().now())
            raise CapacityError(wait if wait is not None else _UNKNOWN_WAIT_SECONDS) from exc
        run.set({"propintel.outcome": "done"})
    if outcome.page_from is PageFrom.STORED:
        note(f"{target} was scraped before and is fresh: shown as stored (--refresh scrapes again)")
    elif outcome.page_from is not PageFrom.SITE:
        note(f"{target}: {_NOT_READ[outcome.page_from]}, so it was not read again")
    if outcome.wanted_model:
        note(f"{target}: left out, for want of a model: {', '.join(outcome.wanted_model)}. {outcome.model_note or ''}")
    return outcome.as_json()


def _listed(targets: list[str]) -> str:
    """URLs hold no space, addresses do."""
    return ("; " if any(map(is_address, targets)) else " ").join(targets) or "none"
