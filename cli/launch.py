"""`propintel demo` and `propintel up`: commands that start the system's other processes."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.demo import run_demo
from cli.output import Format
from cli.up import run_up

demo_app = typer.Typer(add_completion=False, rich_markup_mode=None)
up_app = typer.Typer(add_completion=False, rich_markup_mode=None)

_DEMO_EXAMPLES = """\b
Examples:
  propintel demo
  propintel demo --jobs 100 --keys 6
  propintel demo --format json
"""
_UP_EXAMPLES = """\b
Examples:
  propintel up                    workers and their schedule
  propintel up --flower --web     also the dashboard and the web server, on 127.0.0.1
"""


@demo_app.command(epilog=_DEMO_EXAMPLES)
def demo(
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=10_000, help="How many pages are scraped.")] = 24,
    keys: Annotated[
        int,
        typer.Option(
            "--keys",
            min=1,
            max=100,
            help="How many keys the OpenAI simulator has. With 2 or more, one is dead; with 3 or more, one of the "
            "working keys has a low limit and hits it.",
        ),
    ] = 4,
    real: Annotated[bool, typer.Option("--real", help="Ask the real OpenAI API with your keys. Costs money.")] = False,
    format_: Annotated[
        Format, typer.Option("--format", help="How to print the result.", show_default=True)
    ] = Format.TABLE,
) -> None:
    """Run the whole system with nothing installed or configured: a real worker turns pages into records.

    Starts a broker, a Celery worker and its schedule, a small site and a rate-limited OpenAI simulator on this
    machine. Enqueues jobs, shows the properties and the key statistics, and stops everything. Costs nothing without
    --real.
    """
    raise typer.Exit(run_demo(jobs, keys, real, format_ is Format.JSON))


@up_app.command(epilog=_UP_EXAMPLES)
def up(
    flower: Annotated[bool, typer.Option("--flower", help="Also the Flower dashboard.")] = False,
    web: Annotated[bool, typer.Option("--web", help="Also the pages and the HTTP API, on PORT.")] = False,
) -> None:
    """Run workers and their schedule until Ctrl-C, on REDIS_URL or the embedded Valkey.

    One worker does the jobs, WORKER_CONCURRENCY at once. A second one does only the reports and the recovery of lost
    jobs, so that these wait behind no job. A process that ends by itself is started again; one that ends before it was
    up ends all, with its reason and exit code 1.

    With --web and no JWT_SECRET, `up` makes a secret in PROPINTEL_HOME, for this machine alone. It prints a link that
    signs in once.

    Nothing is started, with exit code 2, if a port is in use or another `up` runs in the same PROPINTEL_HOME.
    """
    raise typer.Exit(run_up(flower, web))
