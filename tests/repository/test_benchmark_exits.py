"""A failing benchmark prints one line on stderr and exits with a code for the kind of failure."""

import subprocess

import pytest

from app.errors.broker import BrokerUnavailableError
from benchmarks.results import BenchmarkError, exit_code
from cli.processes import ChildDiedError


def _raising(error: BaseException) -> int:
    def measure() -> None:
        raise error

    return exit_code(measure)


def test_a_failure_has_one_line_and_the_exit_code_of_its_kind(capsys: pytest.CaptureFixture[str]) -> None:
    for error, code in {
        BenchmarkError("no PostgreSQL: install it"): 2,
        BrokerUnavailableError("redis://127.0.0.1", "refused"): 1,
        ChildDiedError("worker", 3, "last words"): 1,
        subprocess.CalledProcessError(1, "x", stderr="no such peer"): 1,
        KeyboardInterrupt(): 130,
    }.items():
        assert _raising(error) == code
        output = capsys.readouterr().err
        assert (getattr(error, "stderr", None) or str(error) or "stopped") in output
        assert "Traceback" not in output
    assert exit_code(lambda: "figures") == 0
    assert capsys.readouterr().err == ""
    with pytest.raises(ZeroDivisionError):  # an unexpected error keeps its traceback
        _raising(ZeroDivisionError())
