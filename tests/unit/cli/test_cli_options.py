"""All commands have `--json`, `--verbose`, help that fits a terminal, and one naming scheme."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from cli.commands import COMMANDS

NOUNS = {"jobs", "batches", "properties", "watches", "recipes", "keys", "db"}


def _all_commands() -> Iterator[tuple[str, Any]]:
    for name, lazy in COMMANDS.items():
        loaded = lazy.load()
        verbs = getattr(loaded, "commands", {})
        yield from ((f"{name} {verb}", command) for verb, command in verbs.items())
        if not verbs:
            yield name, loaded


ALL = dict(_all_commands())
EVERY_COMMAND = pytest.mark.parametrize("name", ALL)


@EVERY_COMMAND
@pytest.mark.parametrize("verbose", ["-v", "--verbose"])
def test_every_command_takes_json_and_verbose(name: str, verbose: str) -> None:
    context = ALL[name].make_context(name, ["--json", verbose], resilient_parsing=True)
    assert (context.params["as_json"], context.params["verbose"]) == (True, True)
    assert any("--format" in param.opts for param in context.command.params)


@EVERY_COMMAND
def test_the_help_of_every_command_is_short_and_fits_80_columns(name: str) -> None:
    context = typer.Context(ALL[name], info_name=f"propintel {name}", terminal_width=80, max_content_width=80)
    shown = ALL[name].get_help(context)
    assert [line for line in shown.splitlines() if len(line) > 80] == []
    assert "Examples:" in shown
    summary, *paragraphs = ALL[name].help.split("\n\n")
    assert summary.rstrip().endswith(".")
    assert len([text for text in paragraphs if not text.startswith("JSON: ")]) <= 3


def test_groups_are_nouns_with_verbs() -> None:
    groups = {name.split()[0] for name in ALL if " " in name}
    assert groups == NOUNS
    for noun in NOUNS - {"db"}:
        assert f"{noun} list" in ALL
    assert {"jobs show", "jobs retry", "jobs cancel", "batches show", "batches retry", "batches cancel"} <= set(ALL)
    verbs = ("show", "export", "split", "join", "decisions", "undo", "conflicts")
    assert {f"properties {verb}" for verb in verbs} <= set(ALL)
