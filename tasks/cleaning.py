"""Exceptions as Celery may keep them: without a secret in their message, their arguments, or what they came from."""

from __future__ import annotations

from celery.exceptions import Retry

from app.errors import PropertyIntelligenceError, UnexpectedError
from app.redaction import redact


def without_secrets(error: BaseException) -> BaseException:
    """`error` if nothing in its chain shows a secret; else the same chain with the links at fault replaced.

    Our errors keep their class and lose the secret among their facts; others become `UnexpectedError`. Tracebacks stay:
    they hold code, and no values.
    """
    return _cleaned(error, {})


def _cleaned(error: BaseException, seen: dict[int, BaseException]) -> BaseException:
    if id(error) in seen:  # a retry's reason is its context as well, and chains can be circular
        return seen[id(error)]
    clean = error if isinstance(error, Retry) or _shows_none(error) else _replacement(error)
    seen[id(error)] = clean
    if isinstance(error, Retry):
        _clean_retry(error, seen)
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    cleaned = _cleaned(before, seen) if before is not None else None
    if cleaned is not before or clean is not error:
        clean.__cause__ = cleaned  # what is left of `__context__` is not shown beside it
    return clean


def _clean_retry(retry: Retry, seen: dict[int, BaseException]) -> None:
    """In place, since Celery goes by the class: the reason is what it keeps."""
    if retry.exc is not None:
        retry.exc = _cleaned(retry.exc, seen)
    retry.message, retry.excs = (text and redact(text) for text in (retry.message, retry.excs))
    retry.args = (retry.message, retry.exc, retry.when)


def _shows_none(error: BaseException) -> bool:
    told = "\n".join((str(error), repr(error), repr(error.args), *getattr(error, "__notes__", ())))
    return redact(told) == told


def _replacement(error: BaseException) -> BaseException:
    if isinstance(error, PropertyIntelligenceError):
        clean: PropertyIntelligenceError = type(error)(
            *(redact(fact) if isinstance(fact, str) else fact for fact in error.args)
        )
    else:
        clean = UnexpectedError(type(error).__name__, redact(str(error)))
    return clean.with_traceback(error.__traceback__)
