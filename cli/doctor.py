"""`propintel doctor`: find problems of this installation, and how to fix them."""

from collections.abc import Sequence
from contextlib import closing

import typer
from rich.table import Table

from app.clock import SystemClock
from app.errors import ConfigurationError
from app.plurals import counted
from app.services.reports.doctor import Finding, State, examine, finding_of
from app.settings import load_settings
from app.settings.sources import env_file_in_use
from cli.command import command, new_app
from cli.failures import FAILED, USAGE, say_error
from cli.output import make_table, show
from tasks import make_celery
from tasks._celery.worker_inspection import celery_facts

app = new_app("doctor")


@command(app, "", "", "--json | jq '.checks[] | select(.state != \"ok\")'")
def doctor() -> None:
    """Check settings, home, sources, Redis, database, keys, workers, beat, clock, and jobs. Say how to fix problems.

    Changes nothing, and does not call OpenAI (`propintel keys check` does). Exit code 0: no check failed; 1: a check
    failed; 2: a setting is invalid.

    JSON: `{"healthy": bool, "checks": [{"check", "state", "detail", "remedy"}]}`; "state" is "ok", "warning", "failed",
    or "skipped".
    """
    findings = _examine()
    failed = [finding for finding in findings if finding.state is State.FAILED]
    show({"healthy": not failed, "checks": [finding.as_json() for finding in findings]}, lambda: [_table(findings)])
    if failed:
        names = ", ".join(finding.check for finding in failed)
        say_error(f"{len(failed)} of {counted(len(findings), 'check')} failed: {names}")
        raise typer.Exit(USAGE if any(finding.misconfigured for finding in failed) else FAILED)


def _examine() -> list[Finding]:
    try:
        settings = load_settings()
    except ConfigurationError as exc:  # nothing else can be checked without settings
        return [finding_of(exc, "settings")]
    with closing(make_celery(settings)) as celery_app:
        return examine(settings, celery_facts(celery_app), SystemClock(), env_file_in_use())


def _table(findings: Sequence[Finding]) -> Table:
    rows = [(f.check, f.state.value, f.detail, f.remedy) for f in findings]
    return make_table(None, ("check", "state", "found", "what to do"), rows)
