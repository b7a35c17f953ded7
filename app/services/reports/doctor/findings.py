"""Run checks concurrently, each with a time limit, and return their findings."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from app.deadline import TimeLimited
from app.errors import ConfigurationError, PropertyIntelligenceError, UnexpectedError
from app.redaction import redact


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"  # usually because of a problem that another check reports


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check, with a remedy if there is a problem. `misconfigured` is True if a setting is unusable."""

    state: State
    detail: str
    remedy: str | None = None
    misconfigured: bool = False
    check: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"check": self.check, "state": str(self.state), "detail": self.detail, "remedy": self.remedy}


def ok(detail: str) -> Finding:
    return Finding(State.OK, detail)


def warning(detail: str, remedy: str) -> Finding:
    return Finding(State.WARNING, detail, remedy)


def failed(detail: str, remedy: str) -> Finding:
    return Finding(State.FAILED, detail, remedy)


def skipped(detail: str) -> Finding:
    return Finding(State.SKIPPED, detail)


def combined(detail: str, complaints: Iterable[Finding]) -> Finding:
    """Combine `detail` and all complaints into one finding, whose state is that of the worst complaint."""
    found = list(complaints)
    if not found:
        return ok(detail)
    state = State.FAILED if any(one.state is State.FAILED for one in found) else State.WARNING
    remedies = dict.fromkeys(one.remedy for one in found if one.remedy)
    return Finding(state, "; ".join([detail, *(one.detail for one in found)]), " ".join(remedies))


def finding_of(error: PropertyIntelligenceError, check: str = "") -> Finding:
    detail, remedy = error.sentence.format(**error.facts), error.remedy.format(**error.facts)
    return Finding(State.FAILED, detail, remedy or None, isinstance(error, ConfigurationError), check)


def run_checks(
    checks: Mapping[str, Callable[[], Finding]], seconds: float, secrets: Sequence[str] = ()
) -> list[Finding]:
    """Run the checks concurrently, each for at most `seconds`, and return their findings in order.

    If a check raises an error, the error becomes a failed finding. In all findings, `secrets` are redacted.
    """

    def clean(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "[redacted]")
        return redact(text)

    def run(name: str) -> Finding:
        try:
            found = TimeLimited(checks[name], f"The check of {name}", seconds)()
        except PropertyIntelligenceError as exc:
            found = finding_of(exc)
        except Exception as exc:  # noqa: BLE001 (a check with a defect must not hide the others)
            found = finding_of(UnexpectedError(type(exc).__name__, str(exc)))
        return replace(found, check=name, detail=clean(found.detail), remedy=found.remedy and clean(found.remedy))

    with ThreadPoolExecutor(len(checks)) as side_by_side:
        return list(side_by_side.map(run, checks))
