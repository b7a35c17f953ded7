"""Calls of one model: on which tier, and in which way its server has to be asked."""

from __future__ import annotations

import logging
from dataclasses import replace

import openai

from app.property.reading.model.dialect import Dialect, refused_because
from app.property.reading.model.llm import ModelAnswer, ServiceTier, ask_model, lesson_of
from app.property.reading.model.prompt import Prompt
from app.redaction import redact
from app.services.openai_client_manager import OpenAIClientManager
from app.services.scraping.run import Run
from app.services.scraping.service_tier import TierChoice, lacks_capacity
from app.services.watches.budget import model_charge
from app.tracing import span

log = logging.getLogger(__name__)

_LONGEST_REASON = 300


class ModelCalls:
    """Asks `model` through the keys of `manager`. Thread-safe.

    `dialect` is how, as this process has learned it; a thread that overwrites what another one has just learned costs a
    refused request.
    """

    def __init__(self, manager: OpenAIClientManager, model: str, tier: TierChoice) -> None:
        self._manager = manager
        self._model = model
        self.tier = tier
        self.dialect = Dialect.of(manager.base_urls)

    def ask(self, prompt: Prompt, run: Run) -> ModelAnswer:
        """The model's answer, good or bad; on the standard tier if it was asked for on flex and there is none.

        Every `openai.OpenAIError` passes through. Raises `LeaseLostError` before a call that the `run` may not make.
        """
        tier = self.tier.next()
        try:
            answer = self._step(prompt, tier, run)
        except (openai.RateLimitError, openai.APITimeoutError) as exc:
            if tier != "flex" or not lacks_capacity(exc):
                raise
            self.tier.refused()
        else:
            self.tier.served(tier)
            return answer
        return self._step(prompt, "default", run)

    def _step(self, prompt: Prompt, tier: ServiceTier | None, run: Run) -> ModelAnswer:
        """The answer, asked for in the server's dialect.

        Asked again after a refusal that taught another one, and once after an answer that did. The tokens are those of
        both answers: both are paid.
        """
        dialect, first = self.dialect, None
        while True:
            try:
                answer = self._asked(prompt, tier, dialect, run)
            except openai.APIStatusError as exc:
                said = refused_because(exc)
                if (learned := dialect.after_refusal(exc.status_code, said)) is None:
                    raise
                dialect = self._learned(learned, redact(said))
                continue
            taught = self.was_taught_by(answer, dialect)
            if first is not None:
                return _added(first, answer)
            if not taught:
                return answer
            dialect, first = self.dialect, answer

    def was_taught_by(self, answer: ModelAnswer, dialect: Dialect) -> bool:
        """Learn from an answer to `dialect`; -> True if it says nothing, and another may say more."""
        learned = lesson_of(answer, dialect)
        if learned == dialect:
            return False
        if answer.fields_answered or answer.failure is None:
            self.dialect = learned
            return False
        self._learned(learned, str(answer.failure))
        return True

    def were_taught_by_batch(self, answer: ModelAnswer) -> bool:
        """The same, for an answer to what was asked some time ago, when nothing was known of the model's reasoning."""
        return self.was_taught_by(answer, replace(self.dialect, room=0))

    def _learned(self, dialect: Dialect, why: str) -> Dialect:
        because = " ".join(why.split())[:_LONGEST_REASON]
        log.warning("Model %s is asked in another way from now on (%s): %s", self._model, dialect, because)
        self.dialect = dialect
        return dialect

    def _asked(self, prompt: Prompt, tier: ServiceTier | None, dialect: Dialect, run: Run) -> ModelAnswer:
        """The call itself, as one span by the OpenTelemetry conventions for generative AI."""
        run.require_lease()
        asked = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": self._model,
            "openai.request.service_tier": tier,
        }
        with span("model", asked) as asking:
            with model_charge():
                answer = self._manager.execute_with_retry(
                    lambda client: ask_model(client, self._model, prompt, tier, dialect),
                    max_retries=len(self._manager.keys) + 1,
                )
            asking.set(
                {
                    "gen_ai.response.model": answer.model,
                    "openai.response.service_tier": answer.service_tier or None,
                    "gen_ai.usage.input_tokens": answer.prompt_tokens,
                    "gen_ai.usage.output_tokens": answer.completion_tokens,
                }
            )
            return answer


def _added(first: ModelAnswer, second: ModelAnswer) -> ModelAnswer:
    """The second answer, with the tokens of both."""
    return replace(
        second,
        prompt_tokens=first.prompt_tokens + second.prompt_tokens,
        completion_tokens=first.completion_tokens + second.completion_tokens,
    )
