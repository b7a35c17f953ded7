"""What a call of the model that failed comes to: a note where waiting does not help, else the error goes up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import openai

from app.errors.models import ModelError
from app.keypool.outcomes import QUOTA_CODES, TOO_LARGE_WORDS
from app.redaction import redact
from app.services.reports.metrics.instruments import MODEL_CALL_SECONDS

#: `error.code` of the pool's own 429 when a budget is used up (`app.keypool.refusals`)
BUDGET_CODE = "budget_exceeded"


def never_by_waiting(exc: openai.RateLimitError, model: str) -> str | None:
    """What to tell of a 429 that only somebody's doing ends: what the page gave is stored now. None: it passes."""
    said = _message_of(exc)
    if exc.code == BUDGET_CODE:
        return f"{said} Then scrape again; the values read from the page itself are kept."
    if exc.code in QUOTA_CODES:
        reason = "no OpenAI key has quota left; add credit, then scrape again"
        return str(ModelError(model, reason))
    if said.startswith(TOO_LARGE_WORDS):
        # more than a key's tokens a minute: its bucket never holds as much
        reason = f"{said.rstrip('.')}. Waiting never helps: use keys with a higher limit, or another OPENAI_MODEL"
        return str(ModelError(model, reason))
    return None


def reason_of(exc: openai.OpenAIError) -> str:
    """The status, if there is one, and what the API or the SDK said, without secrets."""
    if isinstance(exc, openai.APIStatusError):
        return f"HTTP {exc.status_code}, {redact(str(exc.message)).rstrip('.')}"
    return redact(str(exc)).rstrip(".") or type(exc).__name__


def is_transient(exc: openai.OpenAIError) -> bool:
    """True where the provider is out of reach or fails: the same call may work later."""
    if isinstance(exc, openai.APIStatusError):
        return exc.status_code >= 500 or exc.status_code == 408
    return isinstance(exc, openai.APIConnectionError)


def _message_of(exc: openai.RateLimitError) -> str:
    """What the API itself said, without what the SDK puts around it."""
    body = exc.body
    message = body.get("message") if isinstance(body, dict) else None
    return message if isinstance(message, str) else exc.message


@contextmanager
def timed(model: str) -> Iterator[None]:
    """Measures a call; not one that found no key with room, which says nothing of the model."""
    began, measured = time.monotonic(), True
    try:
        yield
    except openai.RateLimitError:
        measured = False
        raise
    finally:
        if measured:
            MODEL_CALL_SECONDS.labels(model).observe(time.monotonic() - began)
