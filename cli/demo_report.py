"""The output of the demo: a progress line while it runs, then tables of properties and keys."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from cli.output import Format, chosen_format, empty_table, print_json
from cli.property_tables import property_list

#: Shows the current step of the demo, and with `completed` and `total`, how many jobs have ended.
ShowStep = Callable[..., None]


@contextmanager
def progress_on_stderr() -> Iterator[ShowStep]:
    """Yield a function that shows a step on a progress line. The line is shown only if stderr is a terminal."""
    console = Console(stderr=True)
    what = TextColumn("{task.description}")
    columns = (SpinnerColumn(), what, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=None)
        yield lambda text, **figures: progress.update(task, description=text, **figures)


def print_result(result: dict[str, Any]) -> None:
    """Print the result on stdout: tables and a next step, or with `--json`, one JSON document."""
    if chosen_format() is Format.JSON:
        print_json(result)
        return
    console, found = Console(highlight=False), result["properties"]
    console.width = min(console.width, _WIDEST)
    console.print(property_list(found[:_SHOWN]))
    if len(found) > _SHOWN:
        console.print(f"and {len(found) - _SHOWN} more (--json shows all)")
    console.print()
    console.print(_keys(result["keys"]))
    console.print("\n".join(["", *_notes(result["keys"]["keys"])]))
    jobs = "{succeeded} of {total} jobs succeeded, {failed} failed".format_map(result["jobs"])
    console.print(f"\n{jobs}, in {result['seconds']:.1f} s")
    console.print("Next: read one address from seven sites, without a key: docs/tutorial.md")


def _keys(stats: dict[str, Any]) -> Table:
    table = empty_table(
        f"OpenAI keys: {stats['healthy_keys']} of {stats['total_keys']} healthy, {stats['rotation_strategy']}"
    )
    for heading in ("key", *_FIGURES, "state"):
        table.add_column(heading.replace("_", " "), justify="right" if heading in _FIGURES else "left")
    for mask, figures in stats["keys"].items():
        state = figures["state"]
        table.add_row(mask, *(str(figures[name]) for name in _FIGURES), _STATES.get(state, state))
    return table


def _notes(keys: dict[str, dict[str, Any]]) -> Iterator[str]:
    for mask, figures in keys.items():
        if figures["state"] == "dead":
            yield f"{mask} is invalid, and was taken out of rotation."
        elif figures["rate_limits"] and figures["state"] in {"closed", "cooling"}:
            now = " and is resting" if figures["rate_limited"] else ", rested, and is back in rotation"
            yield f"{mask} hit its rate limit{now}."


_SHOWN = 8
_WIDEST = 100
_FIGURES = ("requests", "successes", "failures", "rate_limits")
_STATES = {"closed": "in rotation", "cooling": "resting", "no_quota": "out of quota", "half_open": "probing"}
