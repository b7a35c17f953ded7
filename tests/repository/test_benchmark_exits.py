"""A failing benchmark prints one line on stderr and exits with a code for the kind of failure."""

import subprocess
import sys

import pytest

from app.errors.broker import BrokerUnavailableError
from benchmarks.results import BenchmarkError, exit_code
from cli.processes import ChildDiedError


def _raising(error: BaseException) -> int:
    def measure() -> None:
        raise error

    return exit_code(measure)


def _failing_process() -> None:
    subprocess.run(
        [sys.executable, "-c", "import sys; sys.exit('no such peer')"], check=True, capture_output=True, text=True
    )


def test_a_complete_benchmark_prints_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(lambda: "figures") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BenchmarkError("no PostgreSQL: install it"), 2),
        (BrokerUnavailableError("redis://127.0.0.1", "refused"), 1),
        (ChildDiedError("worker", 3, "last words"), 1),
        (TimeoutError("nothing came"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_a_failure_has_the_exit_code_of_its_kind(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _raising(error) == code
    output = capsys.readouterr().err
    assert output.startswith(str(error) or "stopped")
    assert "Traceback" not in output


def test_the_error_output_of_a_failed_process_is_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(_failing_process) == 1
    assert "no such peer" in capsys.readouterr().err


def test_a_defect_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        _raising(ZeroDivisionError())
