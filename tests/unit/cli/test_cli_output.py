"""Terminal output contains no control characters from pages, and commands end with the right exit code."""

from datetime import timedelta

import pytest
import typer

from app.errors import ConfigurationError, NotFoundError, PropertyIntelligenceError
from app.errors.broker import BrokerUnavailableError
from app.errors.fetching import BlockedAddressError, HttpStatusError
from app.errors.keys import CapacityError, NoKeysError
from app.errors.storage import DatabaseLockedError, DatabaseOutdatedError, DatabaseUnavailableError, DiskFullError
from app.errors.targets import InvalidTargetError
from app.errors.webhooks import InvalidCallbackError
from app.printable import printable
from cli.failures import exit_code_of, report
from cli.output import cell, make_table, stdout_console
from cli.token import _lifetime


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\x1b]0;owned\x07", "\x9b31m", "a\rb", "\u202egnp.exe", "\x00"])
def test_page_text_cannot_control_the_terminal(hostile: str) -> None:
    assert not set(printable(hostile)) & set("\x1b\x9b\x07\r\u202e\x00")
    assert not set(cell(hostile).plain) & set("\x1b\x9b\x07\r\u202e\x00")


def test_brackets_in_a_value_are_not_markup(capsys: pytest.CaptureFixture[str]) -> None:
    stdout_console().print(make_table(None, ("field",), [("[bold]loud[/bold]",), ([1, None],), (True,), (None,)]))
    shown = capsys.readouterr().out
    assert "[bold]loud[/bold]" in shown
    assert "[1, null]" in shown
    assert "yes" in shown


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError("PORT", "is bad", "Mend it"), 2),
        (BrokerUnavailableError("redis://x", "down"), 2),
        (NoKeysError(), 2),
        (InvalidTargetError("x", "is none"), 2),
        (InvalidCallbackError("https://hooks.example", "it has a user name"), 2),
        (DatabaseUnavailableError("postgresql://x", "down"), 2),
        (DatabaseOutdatedError("postgresql://x", "none"), 2),
        (DatabaseLockedError("sqlite://x", "busy"), 1),
        (DiskFullError("sqlite://x", "full"), 1),
        (NotFoundError("job", "x"), 1),
        (HttpStatusError("http://x/", 404), 1),
        (BlockedAddressError("http://x/", "a private address"), 1),
        (CapacityError(4.0), 1),
    ],
)
def test_exit_codes_distinguish_failure_from_wrong_use(error: PropertyIntelligenceError, code: int) -> None:
    assert exit_code_of(error) == code


def test_a_defect_is_one_line_without_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(ValueError("bad\nsk-proj-abcdefghijklmnopqrstuvwxyz")) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert "ValueError" in shown.err
    assert "abcdefgh" not in shown.err


@pytest.mark.parametrize(
    ("text", "lifetime"),
    [
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        ("1h", timedelta(hours=1)),
        ("7D", timedelta(days=7)),
        ("366d", timedelta(days=366)),
    ],
)
def test_a_lifetime_is_a_number_and_a_unit(text: str, lifetime: timedelta) -> None:
    assert _lifetime(text) == lifetime


@pytest.mark.parametrize("text", ["", "1", "h", "-1h", "0s", "1.5h", "367d", "1w", "999999999d"])
def test_other_lifetimes_are_wrong_use(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        _lifetime(text)
