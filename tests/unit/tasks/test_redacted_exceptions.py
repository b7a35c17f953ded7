"""Exceptions are stored without secrets and otherwise unchanged."""

import pickle
import traceback
from typing import Any

import pytest
from celery.exceptions import Retry
from pydantic import BaseModel

from app.errors import PropertyIntelligenceError, UnexpectedError
from app.errors.targets import InvalidTargetError
from app.redaction import protect
from tasks._celery.redaction import without_secrets

_KEY = "sk-proj-" + "A1b2C3d4" * 6


def _raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        try:
            if cause is not None:
                raise cause
        except Exception as exc:
            raise error from exc
        raise error
    except Exception as exc:  # noqa: BLE001 (it is returned)
        return exc


def _all_of(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error.args)


def test_a_foreign_exception_becomes_ours_and_keeps_its_traceback() -> None:
    clean = without_secrets(_raised(ValueError(f"bad header {_KEY}")))
    assert isinstance(clean, UnexpectedError)
    assert clean.args == ("ValueError", "bad header [redacted]")
    assert "in _raised" in _all_of(clean)
    assert _KEY not in _all_of(clean)


def test_our_own_exception_keeps_its_class_and_code() -> None:
    clean = without_secrets(_raised(InvalidTargetError(f"http://h/{_KEY}", "no")))
    assert isinstance(clean, InvalidTargetError)
    assert clean.args == ("http://h/[redacted]", "no")


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_cause_of_an_exception_is_cleaned_too(depth: int) -> None:
    error: Exception = ValueError(_KEY)
    for _ in range(depth):
        error = _raised(RuntimeError("above it"), error)
    clean = without_secrets(error)
    assert clean is error
    assert _KEY not in _all_of(clean)
    assert "UnexpectedError: Unexpected ValueError: [redacted]" in _all_of(clean)


def test_contexts_notes_and_texts_that_raise_show_no_secret() -> None:
    noted = ValueError("plain")
    noted.add_note(f"while sending {_KEY}")
    during: BaseException | None = None
    try:
        try:
            raise ValueError(_KEY)
        finally:
            raise RuntimeError("during it")
    except RuntimeError as exc:
        during = exc
    for error in (during, _raised(noted), _raised(_UnprintableError())):
        assert _KEY not in _all_of(without_secrets(error))


def test_a_hidden_context_stays_hidden() -> None:
    try:
        try:
            raise ValueError("hidden")
        except ValueError:
            raise RuntimeError(_KEY) from None
    except RuntimeError as exc:
        clean = without_secrets(exc)
    assert "ValueError: hidden" not in _all_of(clean)


def test_a_retry_stays_a_retry_and_its_reason_is_cleaned() -> None:
    """Celery checks the class of a retry, stores the reason, and pickles the retry for the parent process."""
    reason = ValueError(_KEY)
    retry = _raised(Retry("again", reason, 5), reason)
    clean = without_secrets(retry)
    assert clean is retry
    assert isinstance(clean, Retry)
    assert clean.when == 5
    for one in (clean, pickle.loads(pickle.dumps(clean))):  # noqa: S301 (our own)
        assert _KEY not in f"{_all_of(one)} {one.exc} {one.excs}"
        assert "[redacted]" in str(one.exc)


def test_a_circular_chain_is_handled() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert without_secrets(one) is one


class _Model(BaseModel):
    url: str


class _UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError(_KEY)


_NESTED = _raised(ValueError("above"), KeyError(_KEY))


@pytest.mark.parametrize(
    "fact",
    [
        f"text {_KEY}",
        f"bytes {_KEY}".encode(),
        bytearray(_KEY.encode()),
        {"headers": {"authorization": [f"Bearer {_KEY}"]}},
        {_KEY: 1},
        [{"deep": (1, {_KEY})}],
        ValueError(_KEY),
        _NESTED,
        {"error": _raised(RuntimeError("above"), ValueError(f"{_KEY}"))},
        _Model(url=f"https://h/{_KEY}"),
        frozenset({_KEY}),
    ],
)
@pytest.mark.parametrize("kind", [PropertyIntelligenceError, ValueError])
def test_facts_of_every_kind_are_cleaned(kind: type[Exception], fact: Any) -> None:
    clean = without_secrets(_raised(kind("about", fact) if kind is ValueError else kind(fact)))
    chained = "".join("".join(traceback.format_exception(one)) for one in _exceptions_in(clean.args))
    assert _KEY not in f"{_all_of(clean)} {clean} {chained}"
    assert _KEY.encode() not in pickle.dumps(clean)
    if kind is PropertyIntelligenceError:
        assert type(clean) is PropertyIntelligenceError


def _exceptions_in(value: Any) -> list[BaseException]:
    if isinstance(value, BaseException):
        return [value]
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [found for one in inside for found in _exceptions_in(one)]


def test_the_rest_of_a_cleaned_fact_stays() -> None:
    """Bytes stay bytes, and a protected value in them is redacted."""
    protect(["geheimes-Prüfwort"])
    raw = b"\xff geheimes-Pr\xc3\xbcfwort"
    about = {"status": 500, "headers": {"a": "b", "x-key": _KEY}, "raw": raw}
    clean = without_secrets(_raised(PropertyIntelligenceError(about)))
    cleaned = {"status": 500, "headers": {"a": "b", "x-key": "[redacted]"}, "raw": b"\xff [redacted]"}
    assert clean.args == (cleaned,)


def test_facts_without_a_secret_are_unchanged() -> None:
    about = {"status": [500, None, 1.5], "raw": b"\xff", "error": ValueError("plain"), "model": _Model(url="https://h")}
    error = _raised(PropertyIntelligenceError(about), KeyError("cause"))
    before = _all_of(error)
    assert without_secrets(error) is error
    assert _all_of(error) == before
    assert error.args[0] is about


def test_the_exceptions_of_a_group_are_cleaned_with_their_causes() -> None:
    group = ExceptionGroup("some failed", [ValueError("plain"), _NESTED, ValueError(f"refused {_KEY}")])
    clean = without_secrets(_raised(group))
    assert isinstance(clean, ExceptionGroup)
    assert "some failed" in _all_of(clean)
    assert "refused [redacted]" in _all_of(clean)
    assert _KEY not in _all_of(clean)


def test_a_fact_that_contains_itself_is_handled() -> None:
    about: list[Any] = [_KEY]
    about.append(about)
    assert _KEY not in _all_of(without_secrets(_raised(PropertyIntelligenceError(about))))
