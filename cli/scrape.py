"""`propintel scrape`: scrape pages or addresses now, without a broker."""

from typing import Annotated, Any

import openai
import typer
from structlog.contextvars import bound_contextvars

from app.clock import SystemClock
from app.errors import PropertyIntelligenceError
from app.errors.keys import CapacityError
from app.plurals import counted
from app.property.presenting.attempts import failures_in_words
from app.property.presenting.missing import model_note
from app.property.storage.jobs.models import PageFrom
from app.property.storage.statements import new_id
from app.property.urls.targets import host_of_target, is_address, normalize_target
from app.services.property_intelligence import Scraper
from app.services.runtime.resources import open_resources
from app.services.scraping.run import Run
from app.settings import load_settings
from app.tracing import span
from cli.command import command, new_app
from cli.failures import INTERRUPTED, report
from cli.output import note, print_json, wants_json
from cli.property_tables import show_properties
from tasks.retry_policy import capacity_wait_seconds

app = new_app("scrape")

_NOT_READ = {
    PageFrom.UNCHANGED: "its page has not changed",
    PageFrom.SAME_PAGE: "its page was just read by another URL",
}
#: The wait in seconds to report if the API states none. The specification requires this value.
_UNKNOWN_WAIT_SECONDS = 60.0


@command(
    app,
    "",
    "https://www.example.com/homes/123-main-st",
    '"12 Main St, Springfield, IL 62701"',
    "--json URL URL | jq '.[].record.ListPrice'",
    "--refresh URL",
)
def scrape(
    targets: Annotated[list[str], typer.Argument(metavar="TARGET", help="URLs of property pages, or addresses.")],
    refresh: Annotated[bool, typer.Option("--refresh", help="Scrape fresh properties again.")] = False,
) -> None:
    """Scrape pages or addresses now and store their properties, without a broker or a worker.

    All targets of one command share the budget of a batch (BUDGET_BATCH_...). Exit code 1 if any target failed. After
    Ctrl-C, the finished properties are shown.

    JSON: the property, or for several targets a list of properties.
    """
    settings = load_settings()
    targets = [normalize_target(target) for target in targets]
    batch = new_id()
    results, codes, left = [], [0], list(targets)
    try:
        with open_resources(settings) as resources:
            for target in targets:
                try:
                    results.append(_scrape_one(resources.scraper, target, batch, refresh))
                except PropertyIntelligenceError as exc:
                    codes.append(report(exc))
                del left[0]
    except KeyboardInterrupt:
        codes.append(INTERRUPTED)
        note(f"Interrupted: {len(results)} of {counted(len(targets), 'target')} are stored; not done: {_listed(left)}")
    if results:
        show_properties(results, SystemClock().now(), settings, as_list=len(targets) > 1)
    elif len(targets) > 1 and wants_json():
        print_json([])
    raise typer.Exit(max(codes))


def _scrape_one(scraper: Scraper, target: str, batch: str, refresh: bool) -> dict[str, Any]:
    job = new_id()  # this id is only for log lines and traces; no job is stored
    about = {"propintel.job.id": job, "propintel.batch.id": batch, "server.address": host_of_target(target)}
    with bound_contextvars(job=job, batch=batch), span("job", about, trace_id=job) as run:
        try:
            outcome = scraper.scrape(target, Run(batch=batch), refresh=refresh)
        except openai.RateLimitError as exc:
            wait = capacity_wait_seconds(exc, SystemClock().now())
            raise CapacityError(wait if wait is not None else _UNKNOWN_WAIT_SECONDS) from exc
        run.set({"propintel.outcome": "done"})
    if outcome.page_from is PageFrom.STORED:
        note(f"{target} is fresh: shown as stored (--refresh scrapes it again)")
    elif outcome.page_from is not PageFrom.SITE:
        note(f"{target}: {_NOT_READ[outcome.page_from]}, so it was not read again")
    for line in failures_in_words(outcome.tried):
        note(f"{target}: {line}")
    if about_model := model_note(outcome.wanted_model, outcome.model_note, outcome.record):
        note(f"{target}: {about_model}")
    return outcome.as_json()


def _listed(targets: list[str]) -> str:
    """Join targets with spaces if all are URLs, else with semicolons, because addresses contain spaces."""
    return ("; " if any(map(is_address, targets)) else " ").join(targets) or "none"
