"""`propintel demo`: run the whole system with nothing installed or configured, and leave nothing behind.

The demo uses a temporary home, an embedded Valkey, a worker and beat as in production, a local site with bundled pages,
and a rate-limited OpenAI simulator. It ignores OpenAI keys in the environment and in `.env` unless `--real` is given.
"""

import logging
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from app.errors import PropertyIntelligenceError
from app.errors.keys import NoKeysError
from app.keypool.keys import load_keys
from app.logs import configure_logging
from app.property.storage.jobs.models import JobState, shown_state
from app.redis.embedded_valkey import EmbeddedValkey
from app.services.keys.view import fleet_stats
from app.services.runtime.stores import Stores, open_stores
from app.settings import Settings, load_settings
from cli.command import command, new_app
from cli.demo_report import ShowStep, print_result, progress_on_stderr
from cli.demo_setup import environment, make_keys, service_environment, start_openai, start_site, targets
from cli.processes import ChildDiedError, StopRequestedError, StopSignals, Supervisor
from cli.services import Services
from tasks import make_celery
from tasks._celery.publish import send_jobs

_CONCURRENCY = 4
#: Time limit per job. The limit of the whole demo is at least `_LEAST_SECONDS`.
_SECONDS_PER_JOB = 20.0
_LEAST_SECONDS = 120.0

app = new_app("demo")


@command(app, "", "", "--jobs 100 --keys 6", "--json")
def demo(
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=10_000, help="How many pages to scrape.")] = 24,
    keys: Annotated[
        int,
        typer.Option(
            "--keys",
            min=1,
            max=100,
            help="How many keys the OpenAI simulator has. With 2 or more, one is invalid; with 3 or more, another one "
            "reaches its low limit.",
        ),
    ] = 4,
    real: Annotated[bool, typer.Option("--real", help="Call the real OpenAI API with your keys. Costs money.")] = False,
) -> None:
    """Run the whole system with nothing installed or configured: a real worker turns pages into records.

    Starts a broker, a Celery worker, its scheduler, a small site, and a rate-limited OpenAI simulator on this machine.
    Enqueues jobs, shows the properties and key statistics, and stops everything. Costs nothing unless --real is given.
    """
    raise typer.Exit(_run_demo(jobs, keys, real))


def _run_demo(jobs: int, keys: int, real: bool) -> int:
    """Run the demo.

    Return 0 if all jobs succeeded, 1 if a job or process failed, 2 after another error, 128 + N after signal N.
    """
    try:
        with (
            StopSignals() as signals,
            tempfile.TemporaryDirectory(prefix="propintel-demo-", ignore_cleanup_errors=True) as home,
            progress_on_stderr() as progress,
        ):
            result, reasons = _with_simulators(signals, Path(home), progress, jobs=jobs, keys=keys, real=real)
    except StopRequestedError as exc:
        return _complain("stopped; no process is left", exc.exit_code)
    except PropertyIntelligenceError as exc:
        return _complain(str(exc), 2)
    except (ChildDiedError, TimeoutError) as exc:
        return _complain(str(exc), 1)
    print_result(result)
    for reason in reasons:
        _complain(reason, 1)
    return 0 if result["jobs"]["succeeded"] == jobs else 1


def _with_simulators(
    signals: StopSignals, home: Path, progress: ShowStep, *, jobs: int, keys: int, real: bool
) -> tuple[dict[str, Any], list[str]]:
    began = time.monotonic()
    if not logging.getLogger().isEnabledFor(logging.INFO):  # without --verbose, log only errors
        configure_logging(level=logging.ERROR)
    with Supervisor(signals) as simulators:
        progress("starting the site" if real else "starting the site and the API simulator")
        bare = service_environment(os.environ, home, openai={})
        site = start_site(simulators, home, bare)
        openai = None
        if not real:
            invented = make_keys(keys)
            base_url = start_openai(simulators, home, bare, invented)
            openai = {"OPENAI_API_KEYS": ",".join(invented.secrets), "OPENAI_BASE_URL": base_url}
        env = service_environment(os.environ, home, openai=openai)
        with environment(env):
            settings = load_settings()
            if not load_keys(settings).keys:
                raise NoKeysError
            result, reasons = _with_worker(
                signals, settings, Services(home, env, cwd=home, logs=home), progress, site=site, count=jobs
            )
    return {**result, "seconds": round(time.monotonic() - began, 1)}, reasons


def _with_worker(
    signals: StopSignals, settings: Settings, services: Services, progress: ShowStep, *, site: str, count: int
) -> tuple[dict[str, Any], list[str]]:
    progress("starting Valkey, a worker and beat")
    with (
        EmbeddedValkey(settings.state.propintel_home),
        Supervisor(signals) as supervisor,
        open_stores(settings) as stores,
    ):
        worker = services.worker(supervisor, concurrency=_CONCURRENCY, grace_seconds=3.0)
        services.beat(supervisor)
        services.wait_for_worker(supervisor, worker)
        batch = _enqueue(settings, stores, targets(site, count))
        _wait_for_jobs(supervisor, stores, batch, count, progress)
        progress("stopping")
        supervisor.stop()  # the ending worker publishes its last metrics, which are read below
        jobs = stores.jobs.list(batch=batch, limit=count)
        done = [job for job in jobs if job.state == "done" and job.property_id is not None]
        failed = [job for job in jobs if job.state != "done"]
        found = dict.fromkeys(job.property_id for job in done if job.property_id)
        return {
            "jobs": {"total": count, "succeeded": len(done), "failed": len(failed)},
            "properties": [stores.properties.get(one) for one in found],
            "keys": fleet_stats(settings),
        }, [f"{job.target}: {(job.error or {}).get('message', shown_state(job.state))}" for job in failed]


def _enqueue(settings: Settings, stores: Stores, addresses: list[str]) -> str:
    enqueued = stores.jobs.enqueue(addresses)
    app = make_celery(settings)
    try:
        send_jobs(app, stores.jobs, enqueued.jobs)
    finally:
        app.close()
    return enqueued.batch


def _wait_for_jobs(supervisor: Supervisor, stores: Stores, batch: str, count: int, progress: ShowStep) -> None:
    def all_over() -> bool:
        counts = stores.jobs.counts(batch)
        over = sum(counts[state] for state in JobState if state.is_final)
        step = f"scraping: {counts['running']} running, {counts['queued'] + counts['deferred']} waiting"
        progress(step, completed=over, total=count)
        return over >= count

    supervisor.wait_until(all_over, "the end of all jobs", max(_LEAST_SECONDS, count * _SECONDS_PER_JOB))


def _complain(line: str, code: int) -> int:
    sys.stderr.write(f"propintel: {line}\n")
    return code
