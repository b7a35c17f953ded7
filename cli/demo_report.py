"""Shows the demo's progress while it runs, then the properties and the keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.property.address import Address
from app.property.fields.table import FIELDS
from app.property.presenting.words import HEADINGS, in_list
from cli.output import cell, print_json


class ProgressLine:
    """Shows what the demo is doing and how many jobs are over."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("starting", total=None)

    def say(self, text: str) -> None:
        self._progress.update(self._task, description=text)

    def count(self, done: int, total: int) -> None:
        self._progress.update(self._task, completed=done, total=total)


@contextmanager
def progress_on_stderr() -> Iterator[ProgressLine]:
    """A bar where stderr is a terminal; elsewhere nothing is shown."""
    console = Console(stderr=True)
    what = TextColumn("{task.description}")
    columns = (SpinnerColumn(), what, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield ProgressLine(progress)


def print_result(result: dict[str, Any], *, as_json: bool) -> None:
    """Print the result on stdout: one JSON document, or tables and the next step."""
    if as_json:
        print_json(result)
        return
    console, found = Console(highlight=False), result["properties"]
    console.width = min(console.width, _WIDEST)
    console.print(_properties(found[:_SHOWN]))
    if len(found) > _SHOWN:
        console.print(f"and {len(found) - _SHOWN} more (--format json shows all)")
    console.print()
    console.print(_keys(result["keys"]))
    console.print("\n".join(["", *_notes(result["keys"]["keys"])]))
    jobs = "{succeeded} of {total} jobs succeeded, {failed} failed".format_map(result["jobs"])
    console.print(f"\n{jobs}, in {result['seconds']:.1f} s")
    console.print("Next: read one address from seven sites, without a key: docs/tutorial.md")


def _properties(properties: list[dict[str, Any]]) -> Table:
    table = _table("Properties", expand=True)
    table.add_column("address", overflow="ellipsis", no_wrap=True, ratio=1)
    shown = {name: heading for name, heading in HEADINGS.items() if FIELDS[name].kind != "choice"}
    for heading in (*shown.values(), "fields", "by model"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in properties:
        record = one["record"]
        by_model = sum(1 for evidence in one["evidence"].values() if evidence.get("method") == "llm")
        table.add_row(
            cell(Address.of(record).line or "-"),
            *(in_list(name, record) or "-" for name in shown),
            str(len(record)),
            str(by_model),
        )
    return table


def _keys(stats: dict[str, Any]) -> Table:
    table = _table(
        f"OpenAI keys: {stats['healthy_keys']} of {stats['total_keys']} healthy, {stats['rotation_strategy']}"
    )
    for heading in ("key", *_FIGURES, "state"):
        table.add_column(heading.replace("_", " "), justify="right" if heading in _FIGURES else "left")
    for mask, figures in stats["keys"].items():
        state = figures["state"]
        table.add_row(mask, *(str(figures[name]) for name in _FIGURES), _STATES.get(state, state))
    return table


def _notes(keys: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Say in words what happened to the keys that did not just work."""
    for mask, figures in keys.items():
        if figures["state"] == "dead":
            yield f"{mask} is invalid, and was taken out of rotation."
        elif figures["rate_limits"] and figures["state"] in {"closed", "cooling"}:
            now = " and is resting" if figures["rate_limited"] else ", rested, and is back in rotation"
            yield f"{mask} hit its rate limit{now}."


def _table(title: str, *, expand: bool = False) -> Table:
    return Table(
        title=title, title_justify="left", box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), expand=expand
    )


_SHOWN = 8
_WIDEST = 100
_FIGURES = ("requests", "successes", "failures", "rate_limits")
_STATES = {"closed": "in rotation", "cooling": "resting", "no_quota": "out of quota", "half_open": "probing"}
