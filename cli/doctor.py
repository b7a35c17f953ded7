"""`propintel doctor`: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import typer
from rich.table import Table

from app.clock import SystemClock
from app.errors import ConfigurationError
from app.services.reports.doctor import Finding, State, examine, finding_of
from app.settings import load_settings
from app.settings.sources import env_file_in_use
from cli.failures import FAILED, USAGE, say_error
from cli.output import FormatOption, make_table, show
from tasks import make_celery
from tasks._celery.worker_inspection import celery_facts

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_EXAMPLES = """\b
Examples:
  propintel doctor
  propintel doctor --format json | jq '.checks[] | select(.state != "ok")'
"""


@app.command(epilog=_EXAMPLES)
def doctor(format_: FormatOption = None) -> None:
    """Check settings, home, sources, Redis, database, keys, workers, beat, clock and jobs; say what to do.

    Changes nothing and asks no OpenAI API (`propintel keys check` does). Exit code 0: nothing failed, warnings there
    may be; 1: something failed; 2: a setting cannot be used.

    JSON: `{"healthy": bool, "checks": [{"check", "state", "said", "remedy"}]}` with the state "ok", "warning", "failed"
    or "skipped".
    """
    findings = _examine()
    failed = [finding for finding in findings if finding.state is State.FAILED]
    show(
        {"healthy": not failed, "checks": [finding.as_json() for finding in findings]},
        format_,
        lambda: [_table(findings)],
    )
    if failed:
        say_error(f"{len(failed)} of {len(findings)} checks failed: {', '.join(finding.check for finding in failed)}")
        raise typer.Exit(USAGE if any(finding.misconfigured for finding in failed) else FAILED)


def _examine() -> list[Finding]:
    try:
        settings = load_settings()
    except ConfigurationError as exc:  # without settings there is nothing to look at
        return [finding_of(exc, "settings")]
    with closing(make_celery(settings)) as celery_app:
        return examine(settings, celery_facts(celery_app), SystemClock(), env_file_in_use())


def _table(findings: Sequence[Finding]) -> Table:
    rows = [(f.check, f.state.value, f.said, f.remedy) for f in findings]
    return make_table(None, ("check", "state", "what was found", "what to do"), rows)
