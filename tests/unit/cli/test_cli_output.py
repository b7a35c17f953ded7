"""Terminal output contains no control characters from pages, and commands end with the right exit code."""

import pytest
import typer

from app.errors import ConfigurationError, NotFoundError
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


TRIED = (
    DatabaseLockedError("sqlite://x", "busy"), DiskFullError("sqlite://x", "full"), NotFoundError("job", "x"),
    HttpStatusError("http://x/", 404), BlockedAddressError("http://x/", "a private address"), CapacityError(4.0),
)  # fmt: skip
NOT_TRIED = (
    ConfigurationError("PORT", "is bad", "Mend it"), BrokerUnavailableError("redis://x", "down"), NoKeysError(),
    InvalidTargetError("x", "is none"), InvalidCallbackError("https://hooks.example", "it has a user name"),
    DatabaseUnavailableError("postgresql://x", "down"), DatabaseOutdatedError("postgresql://x", "none"),
)  # fmt: skip


def test_exit_codes_distinguish_failure_from_wrong_use() -> None:
    assert [exit_code_of(error) for error in (*TRIED, *NOT_TRIED)] == [1] * len(TRIED) + [2] * len(NOT_TRIED)


def test_a_defect_is_one_line_without_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(ValueError("bad\nsk-proj-abcdefghijklmnopqrstuvwxyz")) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert "ValueError" in shown.err
    assert "abcdefgh" not in shown.err


def test_a_lifetime_is_a_number_and_a_unit() -> None:
    seconds = {"30s": 30, "15m": 900, "1h": 3600, "7D": 7 * 86_400, "366d": 366 * 86_400}
    assert {text: _lifetime(text).total_seconds() for text in seconds} == seconds


@pytest.mark.parametrize("text", ["", "1", "h", "-1h", "0s", "1.5h", "367d", "1w", "999999999d"])
def test_other_lifetimes_are_wrong_use(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        _lifetime(text)
