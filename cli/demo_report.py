"""How the demo shows what happened: progress while it runs, then the properties and the keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table


class ProgressLine(Protocol):
    """What the demo tells while it works."""

    def say(self, text: str) -> None: ...

    def count(self, done: int, total: int) -> None: ...


class _Bar:
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
        yield _Bar(progress)


def print_result(result: dict[str, Any], *, as_json: bool) -> None:
    """The result on stdout: one JSON document, or tables."""
    if as_json:
        print(json.dumps(result, ensure_ascii=False, indent=2))  # noqa: T201 (the command's output)
        return
    console = Console()
    console.print(_properties(result["properties"]))
    console.print(_keys(result["keys"]))
    jobs = result["jobs"]
    console.print(
        f"{jobs['succeeded']} of {jobs['total']} jobs succeeded, {jobs['failed']} failed, in {result['seconds']:.1f} s"
    )


def _properties(properties: list[dict[str, Any]]) -> Table:
    table = Table(title="Properties", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("address", overflow="ellipsis", no_wrap=True, max_width=28)
    for heading in ("price", "beds", "baths", "area", "fields", "by model"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in properties:
        record = one["record"]
        by_model = sum(1 for evidence in one["evidence"].values() if evidence.get("method") == "llm")
        table.add_row(
            _address(record),
            _amount(record.get("ListPrice") or record.get("ClosePrice"), record.get("X_Currency")),
            _plain(record.get("BedroomsTotal")),
            _plain(record.get("BathroomsTotalInteger")),
            _amount(record.get("LivingArea"), _AREA_UNITS.get(record.get("LivingAreaUnits"))),
            str(len(record)),
            str(by_model),
        )
    return table


def _keys(stats: dict[str, Any]) -> Table:
    healthy = f"{stats['healthy_keys']} of {stats['total_keys']} healthy, {stats['rotation_strategy']}"
    table = Table(title=f"OpenAI keys: {healthy}", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("key", "requests", "successes", "failures", "in rotation"):
        table.add_column(heading, justify="left" if heading == "key" else "right")
    for mask, figures in stats["keys"].items():
        state = "no" if figures["circuit_open"] else "cooling" if figures["rate_limited"] else "yes"
        table.add_row(mask, *(str(figures[name]) for name in ("requests", "successes", "failures")), state)
    return table


_AREA_UNITS = {"Square Feet": "sq ft", "Square Meters": "m²"}


def _address(record: dict[str, Any]) -> str:
    parts = (record.get(name) for name in ("UnparsedAddress", "City", "StateOrProvince"))
    return ", ".join(str(part) for part in parts if part) or "-"


def _amount(value: object, unit: object) -> str:
    return "-" if not isinstance(value, int | float) else f"{value:,.10g} {unit or ''}".strip()


def _plain(value: object) -> str:
    return "-" if value is None else str(value)
