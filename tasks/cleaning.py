"""Exceptions as Celery may keep them: without a secret in their message, their arguments, or what they came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from celery.exceptions import Retry

from app.errors import PropertyIntelligenceError, UnexpectedError
from app.redaction import redact

#: what a fact holds at this depth is told as text
_DEEPEST = 8


def without_secrets(error: BaseException) -> BaseException:
    """`error` if nothing in its chain shows a secret; else the same chain with the links at fault replaced.

    Our errors keep their class and lose the secret among their facts; others become `UnexpectedError`. Exceptions
    among the facts, and those of a group, are cleaned as the chain is. Tracebacks stay: they hold code, and no values.
    """
    return _cleaned(error, {})


def _cleaned(error: BaseException, seen: dict[int, BaseException]) -> BaseException:
    if id(error) in seen:  # a retry's reason is its context as well, and chains can be circular
        return seen[id(error)]
    seen[id(error)] = error
    clean = error if isinstance(error, Retry) else _clean_itself(error, seen)
    seen[id(error)] = clean
    if isinstance(error, Retry):
        _clean_retry(error, seen)
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    cleaned = _cleaned(before, seen) if before is not None else None
    if cleaned is not before or clean is not error:
        clean.__cause__ = cleaned  # what is left of `__context__` is not shown beside it
    return clean


def _clean_itself(error: BaseException, seen: dict[int, BaseException]) -> BaseException:
    """`error` without regard to what it came from."""
    facts = tuple(_fact(fact, seen) for fact in error.args)
    unchanged = all(fact is given for fact, given in zip(facts, error.args, strict=True))
    if unchanged and _shows_none(error):
        return error
    if isinstance(error, PropertyIntelligenceError):
        ours: PropertyIntelligenceError = type(error)(*facts)
        if _shows_none(ours):
            return ours.with_traceback(error.__traceback__)
    if isinstance(error, BaseExceptionGroup):
        parts = [_cleaned(one, seen) for one in error.exceptions]
        return BaseExceptionGroup(redact(error.message), parts).with_traceback(error.__traceback__)
    return UnexpectedError(type(error).__name__, redact(_text(str, error))).with_traceback(error.__traceback__)


def _clean_retry(retry: Retry, seen: dict[int, BaseException]) -> None:
    """In place, since Celery goes by the class: the reason is what it keeps."""
    if retry.exc is not None:
        retry.exc = _cleaned(retry.exc, seen)
    retry.message, retry.excs = (text and redact(text) for text in (retry.message, retry.excs))
    retry.args = (retry.message, retry.exc, retry.when)


def _fact(fact: Any, seen: dict[int, BaseException], depth: int = 0) -> Any:
    """`fact` itself if it shows no secret, else as much of it as shows none; what has no such form becomes text."""

    def inside(one: Any) -> Any:
        return _fact(one, seen, depth + 1)

    match fact:
        case None | bool() | int() | float():
            return fact
        case str():
            clean: Any = redact(fact)
        case bytes() | bytearray():
            clean = redact(_decoded(fact)).encode("utf-8", "surrogateescape")
        case BaseException():
            return _cleaned(fact, seen)
        case Mapping() if depth < _DEEPEST:
            clean = {inside(name): inside(value) for name, value in fact.items()}
        case list() | tuple() | set() | frozenset() if depth < _DEEPEST:
            clean = [inside(one) for one in fact]
            clean = clean if isinstance(fact, list) else tuple(clean)
            same = all(one is given for one, given in zip(clean, fact, strict=True))
            return fact if same else clean
        case _:  # a model, a response, a URL, and what holds itself
            told = _text(repr, fact), _text(str, fact)
            return fact if all(redact(text) == text for text in told) else redact(told[0])
    return fact if clean == fact else clean


def _shows_none(error: BaseException) -> bool:
    return all(redact(text) == text for text in _told(error))


def _told(error: BaseException) -> Iterator[str]:
    """What a traceback and a result say of the exception itself."""
    yield from (_text(str, error), _text(repr, error), _text(repr, error.args))
    yield from map(str, getattr(error, "__notes__", ()))


def _text(of: Any, value: object) -> str:
    """`str` or `repr` of anything, also where that is broken."""
    try:
        return str(of(value))
    except Exception as exc:  # noqa: BLE001 (whatever a `__str__` raises)
        return f"{type(value).__name__} that cannot be shown ({type(exc).__name__})"


def _decoded(raw: bytes | bytearray) -> str:
    return bytes(raw).decode("utf-8", "surrogateescape")
