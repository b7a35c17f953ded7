"""A failing check of `propintel doctor` hides no other check, ends in time, and shows no secret."""

import threading
from collections.abc import Callable

import pytest

from app.deadline import TimeLimited
from app.errors import ConfigurationError
from app.errors.storage import DatabaseUnavailableError
from app.services.reports.doctor import findings
from app.services.reports.doctor.findings import Finding, State, combined, failed, ok, run_checks, warning


def _raises(error: Exception) -> Finding:
    raise error


def test_a_check_that_fails_hangs_or_breaks_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the check that hangs has a short time limit, because threads of a busy machine may be late."""

    def limited(ask: Callable[[], Finding], what: str, seconds: float) -> TimeLimited[Finding]:
        return TimeLimited(ask, what, seconds if what.endswith("hangs") else 60.0)

    monkeypatch.setattr(findings, "TimeLimited", limited)
    never = threading.Event()
    checks = {
        "hangs": lambda: ok("late") if never.wait() else ok("never"),
        "fails": lambda: _raises(DatabaseUnavailableError("postgresql://db", "refused")),
        "breaks": lambda: _raises(ZeroDivisionError("by zero")),
        "passes": lambda: ok("fine"),
    }
    found = {finding.check: finding for finding in run_checks(checks, 0.2)}
    never.set()
    assert list(found) == ["hangs", "fails", "breaks", "passes"]
    assert [finding.state for finding in found.values()] == [State.FAILED, State.FAILED, State.FAILED, State.OK]
    assert found["hangs"].detail == "The check of hangs gave no answer within 0.2 s."
    assert found["fails"].detail == "The database postgresql://db does not answer: refused."
    assert found["fails"].remedy == "Check DATABASE_URL and the database's log."
    assert found["breaks"].detail == "Unexpected ZeroDivisionError: by zero."
    assert not any(finding.misconfigured for finding in found.values())


def test_an_invalid_setting_is_reported_separately() -> None:
    error = ConfigurationError("PORT", "is not a number", "Set one")
    (finding,) = run_checks({"settings": lambda: _raises(error)}, 60)
    assert finding == Finding(State.FAILED, "PORT: is not a number.", "Set one.", misconfigured=True, check="settings")


def test_a_secret_in_a_library_s_error_is_redacted() -> None:
    message, remedy = "no login as hunter2", "not hunter2, nor sk-proj-0123456789abcdefghij"
    (finding,) = run_checks({"redis": lambda: warning(message, remedy)}, 60, ["hunter2"])
    assert finding.as_json() == {
        "check": "redis",
        "state": "warning",
        "detail": "no login as [redacted]",
        "remedy": "not [redacted], nor [redacted]",
    }


@pytest.mark.parametrize(
    ("complaints", "state", "message", "remedy"),
    [
        ([], "ok", "up", None),
        ([warning("slow", "Move it.")], "warning", "up; slow", "Move it."),
        ([failed("full", "Mend it."), warning("slow", "Mend it.")], "failed", "up; full; slow", "Mend it."),
    ],
)
def test_the_worst_finding_decides_the_result_and_all_are_shown(
    complaints: list[Finding], state: str, message: str, remedy: str | None
) -> None:
    assert combined("up", complaints) == Finding(State(state), message, remedy)
