"""Remove secrets from exceptions before Celery stores them: from their messages, arguments, causes, and contexts."""

from collections.abc import Iterator, Mapping
from typing import Any

from celery.exceptions import Retry

from app.errors import PropertyIntelligenceError, UnexpectedError
from app.redaction import redact

#: Containers that are nested deeper than this are converted to text and redacted.
_DEEPEST = 8


def without_secrets(error: BaseException) -> BaseException:
    """Return `error`, with every exception in its chain that shows a secret replaced by a redacted one.

    The project's own errors keep their class, and their arguments are redacted. Celery's `Retry` is redacted in place.
    Other exceptions become `UnexpectedError`. Exceptions in arguments and exception groups are redacted too. Tracebacks
    are kept, because they show only code.
    """
    return _cleaned(error, {})


def _cleaned(error: BaseException, seen: dict[int, BaseException]) -> BaseException:
    if id(error) in seen:  # already handled: a retry's reason is also its context, and chains can be circular
        return seen[id(error)]
    seen[id(error)] = error
    clean = error if isinstance(error, Retry) else _without_cause(error, seen)
    seen[id(error)] = clean
    if isinstance(error, Retry):
        _clean_retry(error, seen)
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    cleaned = _cleaned(before, seen) if before is not None else None
    if cleaned is not before or clean is not error:
        clean.__cause__ = cleaned  # an explicit cause hides `__context__`
    return clean


def _without_cause(error: BaseException, seen: dict[int, BaseException]) -> BaseException:
    """Return `error` if it shows no secret. Otherwise, return a redacted replacement that has no cause or context."""
    facts = tuple(_fact(fact, seen) for fact in error.args)
    unchanged = all(fact is given for fact, given in zip(facts, error.args, strict=True))
    if unchanged and _is_clean(error):
        return error
    if isinstance(error, PropertyIntelligenceError):
        ours: PropertyIntelligenceError = type(error)(*facts)
        if _is_clean(ours):
            return ours.with_traceback(error.__traceback__)
    if isinstance(error, BaseExceptionGroup):
        parts = [_cleaned(one, seen) for one in error.exceptions]
        return BaseExceptionGroup(redact(error.message), parts).with_traceback(error.__traceback__)
    return UnexpectedError(type(error).__name__, redact(_text(str, error))).with_traceback(error.__traceback__)


def _clean_retry(retry: Retry, seen: dict[int, BaseException]) -> None:
    """Redact a `Retry` in place, because Celery recognizes it by its class and stores its reason."""
    if retry.exc is not None:
        retry.exc = _cleaned(retry.exc, seen)
    retry.message, retry.excs = (text and redact(text) for text in (retry.message, retry.excs))
    retry.args = (retry.message, retry.exc, retry.when)


def _fact(fact: Any, seen: dict[int, BaseException], depth: int = 0) -> Any:
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
        case _:  # a model, a response, a URL, or a container that is nested too deeply
            texts = _text(repr, fact), _text(str, fact)
            return fact if all(redact(text) == text for text in texts) else redact(texts[0])
    return fact if clean == fact else clean


def _is_clean(error: BaseException) -> bool:
    return all(redact(text) == text for text in _texts(error))


def _texts(error: BaseException) -> Iterator[str]:
    """Yield the texts of an exception that a traceback or a stored result shows, except its cause and context."""
    yield from (_text(str, error), _text(repr, error), _text(repr, error.args))
    yield from map(str, getattr(error, "__notes__", ()))


def _text(of: Any, value: object) -> str:
    try:
        return str(of(value))
    except Exception as exc:  # noqa: BLE001 (a `__str__` may raise anything)
        return f"{type(value).__name__} that cannot be shown ({type(exc).__name__})"


def _decoded(raw: bytes | bytearray) -> str:
    return bytes(raw).decode("utf-8", "surrogateescape")
