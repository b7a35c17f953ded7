"""Make paid calls of a model: choose the service tier, learn the parameters that it accepts, and handle errors."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import openai
from prometheus_client import Counter

from app.clock import Clock
from app.errors.jobs import LeaseLostError
from app.errors.keys import NoKeysError
from app.errors.models import ModelError
from app.keypool.answer_reading import UNUSABLE
from app.keypool.outcomes import CAPACITY_CODES, QUOTA_CODES, TOO_LARGE_WORDS
from app.property.reading.model.dialect import Dialect, refused_because
from app.property.reading.model.llm import ModelAnswer, ServiceTier, ask_model, lesson_of
from app.property.reading.model.prompt import Prompt
from app.redaction import redact
from app.services.openai_client_manager import OpenAIClientManager
from app.services.reports.metrics.instruments import MODEL_CALL_SECONDS
from app.services.scraping.run import Run
from app.services.watches.budget import model_charge, why_no_model
from app.tracing import span

log = logging.getLogger(__name__)

_LONGEST_REASON = 300
#: The `error.code` of the 429 that the pool itself returns when a budget is used up (`app.keypool.refusals`).
_BUDGET_CODE = "budget_exceeded"
#: How long the service tier flex is avoided after its first rejection. The time doubles with each further rejection.
_FIRST_REST = timedelta(seconds=30)
_LONGEST_REST = timedelta(minutes=10)


def paid[T](
    manager: OpenAIClientManager,
    model: str,
    run: Run,
    counter: Counter,
    ask: Callable[[], T],
    *,
    what: str = "",
    tier: ServiceTier | None = None,
) -> T | str:
    """Return the result of the paid call `ask`, or an error message if the call fails and waiting would not help.

    `counter` counts failures by reason. `what` precedes the error in the message. Raises `LeaseLostError` from `ask`,
    and `openai.RateLimitError` while no key has capacity. If the `run` can be retried later, also raises errors of a
    provider that is unreachable or fails.
    """
    if not manager.keys:
        counter.labels("no_key").inc()
        return str(NoKeysError())
    if (why := why_no_model()) is not None:
        counter.labels("budget").inc()
        return why
    began, measured = time.monotonic(), True
    try:
        return ask()
    except LeaseLostError:
        measured = False
        raise
    except openai.RateLimitError as exc:
        measured = False  # no key had capacity, so this is not the model's time
        note = _never_by_waiting(exc, model)
        if note is None:
            raise
        counter.labels("budget" if exc.code == _BUDGET_CODE else "failed").inc()
        note = redact(note)
    except openai.OpenAIError as exc:
        counter.labels("failed").inc()
        is_transient = isinstance(exc, openai.APIConnectionError)
        if isinstance(exc, openai.APIStatusError):
            is_transient = exc.status_code >= 500 or exc.status_code == 408
        if run.may_come_back and is_transient:
            raise
        note = redact(str(ModelError(model, what + reason_of(exc, tier))))
    finally:
        if measured:
            MODEL_CALL_SECONDS.labels(model).observe(time.monotonic() - began)
    log.warning("%s", note)
    return note


def send[T](
    manager: OpenAIClientManager,
    run: Run,
    name: str,
    asked: Mapping[str, Any],
    *,
    request: Callable[[openai.OpenAI], T],
    answered: Callable[[T], Mapping[str, Any]],
) -> T:
    """Send a request through the key pool. Raises `LeaseLostError` if the run's lease is lost."""
    run.require_lease()
    with span(name, {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", **asked}) as asking:
        with model_charge():
            answer = manager.execute_with_retry(request, max_retries=len(manager.keys) + 1)
        asking.set(answered(answer))
        return answer


def _never_by_waiting(exc: openai.RateLimitError, model: str) -> str | None:
    message = exc.body.get("message") if isinstance(exc.body, dict) else None
    problem = message if isinstance(message, str) else exc.message
    if exc.code == _BUDGET_CODE:
        return f"{problem} Then scrape again; the values read from the page itself are kept."
    if exc.code in QUOTA_CODES:
        return str(ModelError(model, "no OpenAI key has quota left; add credit, then scrape again"))
    if problem.startswith(TOO_LARGE_WORDS):
        reason = f"{problem.rstrip('.')}. Waiting never helps: use keys with a higher limit, or another OPENAI_MODEL"
        return str(ModelError(model, reason))
    return None


def reason_of(exc: openai.OpenAIError, tier: ServiceTier | None = None) -> str:
    """Return why a call failed, without a final period. Providers' messages are cut."""
    if not isinstance(exc, openai.APIStatusError):
        return redact(str(exc)).rstrip(".") or type(exc).__name__
    if exc.code == UNUSABLE and isinstance(exc.body, dict):
        return str(exc.body["message"])
    reason = f"HTTP {exc.status_code}, {redact(str(exc.message))[:_LONGEST_REASON].rstrip('.')}"
    if exc.param == "service_tier":
        reason += f". Remove OPENAI_SERVICE_TIER={tier}, or set an OPENAI_MODEL that has that tier"
    return reason


class TierChoice:
    """Chooses the service tier of the next call: OPENAI_SERVICE_TIER, but not flex for a while after a rejection.

    Flex costs half as much, but may be slow, or reject calls for lack of capacity (429 `resource_unavailable`, not
    billed). Such a call is repeated on the standard tier, because other keys would probably be rejected too.
    Thread-safe.
    """

    def __init__(self, wanted: ServiceTier | None, clock: Clock) -> None:
        self.wanted = wanted
        self._clock = clock
        self._lock = threading.Lock()
        self._rest = _FIRST_REST
        self._rests_until: datetime | None = None

    def next(self) -> ServiceTier | None:
        """Return the service tier of the next request. None means the OpenAI project's default."""
        with self._lock:
            return "default" if self._is_resting() else self.wanted

    def _is_resting(self) -> bool:
        return self._rests_until is not None and self._clock.now() < self._rests_until

    def refused(self) -> None:
        """Avoid flex for a while. Of concurrent rejections, only the first doubles the time."""
        with self._lock:
            if self._is_resting():
                return
            rest, self._rest = self._rest, min(2 * self._rest, _LONGEST_REST)
            self._rests_until = self._clock.now() + rest
        log.warning(
            "OpenAI has no capacity for service tier flex: calls use the standard tier, at its price, for %d s",
            rest.total_seconds(),
        )

    def served(self, tier: ServiceTier | None) -> None:
        """After an answer on flex, use flex again, and reset the time for which it is avoided."""
        if tier == "flex":
            with self._lock:
                self._rest, self._rests_until = _FIRST_REST, None


class ModelCalls:
    """Calls `model` with the keys of `manager`. `dialect` has the request parameters learned so far. Thread-safe.

    If threads overwrite what each other has learned, one more request is rejected.
    """

    def __init__(self, manager: OpenAIClientManager, model: str, tier: TierChoice) -> None:
        self._manager = manager
        self._model = model
        self.tier = tier
        self.dialect = Dialect.of(manager.base_urls)

    def ask(self, prompt: Prompt, run: Run) -> ModelAnswer:
        """Return the answer, even if unusable. If flex has no capacity or times out, use the standard tier.

        Raises every `openai.OpenAIError`, and `LeaseLostError` before the call if the run's lease is lost.
        """
        tier = self.tier.next()
        try:
            answer = self._step(prompt, tier, run)
        except (openai.RateLimitError, openai.APITimeoutError) as exc:
            is_full = isinstance(exc, openai.APITimeoutError) or {exc.code, exc.type} & CAPACITY_CODES
            if tier != "flex" or not is_full:
                raise
            self.tier.refused()
            return self._step(prompt, "default", run)
        self.tier.served(tier)
        return answer

    def _step(self, prompt: Prompt, tier: ServiceTier | None, run: Run) -> ModelAnswer:
        """If the server rejects request parameters, repeat the call with others.

        If an unusable answer shows that other parameters are needed, repeat the call once, and add up the tokens.
        """
        dialect, first = self.dialect, None
        while True:
            try:
                answer = self._asked(prompt, tier, dialect, run)
            except openai.APIStatusError as exc:
                problem = refused_because(exc)
                if (learned := dialect.after_refusal(exc.status_code, problem)) is None:
                    raise
                dialect = self._learned(learned, redact(problem))
                continue
            taught = self.was_taught_by(answer, dialect)
            if first is not None:
                return replace(
                    answer,
                    prompt_tokens=first.prompt_tokens + answer.prompt_tokens,
                    completion_tokens=first.completion_tokens + answer.completion_tokens,
                )
            if not taught:
                return answer
            dialect, first = self.dialect, answer

    def was_taught_by(self, answer: ModelAnswer, dialect: Dialect) -> bool:
        """Learn request parameters from an answer. Return True if the call should be repeated with them."""
        learned = lesson_of(answer, dialect)
        if learned == dialect:
            return False
        if answer.fields_answered or answer.failure is None:
            self.dialect = learned
            return False
        self._learned(learned, str(answer.failure))
        return True

    def were_taught_by_batch(self, answer: ModelAnswer) -> bool:
        """Learn from an answer in a batch. Assume that its request, which may be old, had no tokens for reasoning."""
        return self.was_taught_by(answer, replace(self.dialect, room=0))

    def _learned(self, dialect: Dialect, why: str) -> Dialect:
        because = " ".join(why.split())[:_LONGEST_REASON]
        log.warning("Model %s is called in another way from now on (%s): %s", self._model, dialect, because)
        self.dialect = dialect
        return dialect

    def _asked(self, prompt: Prompt, tier: ServiceTier | None, dialect: Dialect, run: Run) -> ModelAnswer:
        return send(
            self._manager,
            run,
            "model",
            {"gen_ai.request.model": self._model, "openai.request.service_tier": tier},
            request=lambda client: ask_model(client, self._model, prompt, tier, dialect),
            answered=lambda answer: {
                "gen_ai.response.model": answer.model,
                "openai.response.service_tier": answer.service_tier or None,
                "gen_ai.usage.input_tokens": answer.prompt_tokens,
                "gen_ai.usage.output_tokens": answer.completion_tokens,
            },
        )
