"""No token without a subject is made: its holders would share limits, and the audit could not tell them apart."""

from __future__ import annotations

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.token import app


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["--role", "reader", *arguments], env={"JWT_SECRET": "s" * 32})


@pytest.mark.parametrize("arguments", [(), ("--subject", ""), ("--subject", " \t")])
def test_no_token_without_a_subject(arguments: tuple[str, ...]) -> None:
    ran = run(*arguments)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "--subject" in ran.stderr


def test_a_token_that_names_its_holder_is_made() -> None:
    assert run("--subject", "crm").exit_code == 0
