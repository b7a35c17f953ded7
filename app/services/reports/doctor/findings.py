"""What a check says, and how checks are run: side by side, each for so long and no longer, none hiding another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.deadline import Bounded
from app.errors import ConfigurationError, PropertyIntelligenceError, UnexpectedError
from app.redaction import redact


class State(StrEnum):
    """How a check ended. skipped: what it looks at cannot be seen, and another check says why."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found, and what to do about it (None: nothing). `misconfigured`: a setting cannot be used."""

    state: State
    said: str
    remedy: str | None = None
    misconfigured: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """A question with a name. It answers, or raises errors of `app.errors`, which become a failed verdict."""

    name: str
    ask: Callable[[], Verdict]


@dataclass(frozen=True, slots=True)
class Finding:
    """A check by its name, with its verdict."""

    check: str
    verdict: Verdict

    def as_json(self) -> dict[str, Any]:
        """`{"check", "state", "said", "remedy": text or null}`"""
        verdict = self.verdict
        return {"check": self.check, "state": str(verdict.state), "said": verdict.said, "remedy": verdict.remedy}


def ok(said: str) -> Verdict:
    return Verdict(State.OK, said)


def warning(said: str, remedy: str) -> Verdict:
    return Verdict(State.WARNING, said, remedy)


def failed(said: str, remedy: str) -> Verdict:
    return Verdict(State.FAILED, said, remedy)


def skipped(said: str) -> Verdict:
    return Verdict(State.SKIPPED, said)


def all_in_all(said: str, complaints: Iterable[Verdict]) -> Verdict:
    """`said`, then every complaint and its remedy; the state is that of the worst, or "ok" without any."""
    found = list(complaints)
    if not found:
        return ok(said)
    state = State.FAILED if any(one.state is State.FAILED for one in found) else State.WARNING
    remedies = dict.fromkeys(one.remedy for one in found if one.remedy)
    return Verdict(state, "; ".join([said, *(one.said for one in found)]), " ".join(remedies))


def verdict_of(error: PropertyIntelligenceError) -> Verdict:
    """An error as a failed check: its sentence, and apart from that its remedy."""
    said, remedy = error.sentence.format(**error.facts), error.remedy.format(**error.facts)
    return Verdict(State.FAILED, said, remedy or None, misconfigured=isinstance(error, ConfigurationError))


def run_checks(checks: Sequence[Check], seconds: float, secrets: Sequence[str] = ()) -> list[Finding]:
    """The findings of all checks, in their order, after `seconds` at the latest. None of `secrets` stands in them."""
    with ThreadPoolExecutor(len(checks)) as side_by_side:
        verdicts = side_by_side.map(lambda check: _verdict(check, seconds), checks)
        return [Finding(check.name, _shown(verdict, secrets)) for check, verdict in zip(checks, verdicts, strict=True)]


def _verdict(check: Check, seconds: float) -> Verdict:
    try:
        return Bounded(check.ask, f"The check of {check.name}", seconds)()
    except PropertyIntelligenceError as exc:
        return verdict_of(exc)
    except Exception as exc:  # noqa: BLE001 (a check with a defect must not hide the others)
        return verdict_of(UnexpectedError(type(exc).__name__, str(exc)))


def _shown(verdict: Verdict, secrets: Sequence[str]) -> Verdict:
    def clean(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "[redacted]")
        return redact(text)

    remedy = None if verdict.remedy is None else clean(verdict.remedy)
    return Verdict(verdict.state, clean(verdict.said), remedy, verdict.misconfigured)
