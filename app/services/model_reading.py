"""The paid step: ask the model for what a page's markup did not give, once per question, within the day's budget.

Whatever goes wrong with the model ends in a note, since what was read without it is worth storing; only a lack of
capacity goes up, because the same call will succeed later.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import openai

from app.errors import ModelError, NoKeysError
from app.keypool.outcomes import QUOTA_CODES
from app.logs import redact
from app.property.extract.base import Extraction
from app.property.extract.evidence import verify
from app.property.extract.llm import ModelAnswer, ModelStep
from app.property.extract.pipeline import with_model_values
from app.property.extract.prompt import Prompt, build_prompt
from app.property.store import AnswerStore, ModelBudget, Question, StoredAnswer, digest

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelReading:
    """The extraction with the model's verified values; or as it was, and `note` says why the model was not heard.

    `unheard` are then the fields of which the page's text speaks and for which it was wanted.
    """

    extraction: Extraction
    note: str | None = None
    unheard: tuple[str, ...] = ()


class ModelReader:
    """Asks `model` through whatever client there is. Thread-safe as far as the client is."""

    def __init__(
        self, answers: AnswerStore, client: Callable[[], openai.OpenAI | None], model: str, budget: ModelBudget
    ) -> None:
        self._answers = answers
        self._client = client
        self._model = model
        self._budget = budget

    def read(self, extraction: Extraction) -> ModelReading:
        """Ask for `extraction.wanted`, or take the answer that the same question got before.

        Raises `openai.RateLimitError` if no key has room, and errors of the database.
        """
        if not extraction.wanted:
            return ModelReading(extraction)
        prompt = build_prompt(extraction)
        if not prompt.fields:
            return ModelReading(extraction)
        question = self._question(extraction, prompt)
        stored = self._answers.model_answer(question)
        answer = _answer(stored) if stored else self._ask(question, prompt)
        if isinstance(answer, str):
            return ModelReading(extraction, answer, prompt.fields)
        candidates, dropped = verify(answer, prompt)
        return ModelReading(with_model_values(extraction, candidates, dropped))

    def _question(self, extraction: Extraction, prompt: Prompt) -> Question:
        asked = digest({"messages": prompt.messages, "schema": prompt.schema})
        return Question(extraction.page.sha256, tuple(sorted(prompt.fields)), self._model, asked)

    def _ask(self, question: Question, prompt: Prompt) -> ModelAnswer | str:
        """The model's answer, kept for the next time; or why there is none."""
        client = self._client()
        if client is None:
            return str(NoKeysError())
        call = self._answers.reserve_call(question, self._budget)
        if call is None:
            return self._over_budget()
        answer = self._call(client, call, prompt)
        if isinstance(answer, ModelError):
            log.warning("%s", redact(str(answer)))
            return redact(str(answer))
        self._answers.save_model_answer(
            call,
            answer.values,
            model=answer.model,
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
        )
        return answer

    def _call(self, client: openai.OpenAI, call: int, prompt: Prompt) -> ModelAnswer | ModelError:
        """Make the reserved call; what was turned away unanswered does not count against the budget."""
        try:
            return ModelStep(client, self._model).ask(prompt)
        except openai.RateLimitError as exc:
            self._answers.withdraw_call(call)
            if exc.code not in QUOTA_CODES:
                raise
            # money does not come back by waiting: what the page gave is stored now, and the job says what it lacks
            return ModelError(self._model, "no OpenAI key has quota left; add credit, then scrape again with --refresh")
        except openai.APIStatusError as exc:
            self._answers.withdraw_call(call)
            return ModelError(self._model, f"HTTP {exc.status_code}, {redact(str(exc.message)).rstrip('.')}")
        except openai.OpenAIError as exc:
            error = ModelError(self._model, redact(str(exc)).rstrip(".") or type(exc).__name__)
        except ModelError as exc:
            error = exc
        self._answers.save_problem(call, redact(str(error)))
        return error

    def _over_budget(self) -> str:
        calls, tokens = self._answers.used_today()
        return (
            f"The day's model budget is used up ({calls} calls, {tokens} tokens). Raise BUDGET_DAILY_MODEL_CALLS or "
            "BUDGET_DAILY_TOKENS, or scrape again with --refresh after 00:00 UTC."
        )


def _answer(stored: StoredAnswer) -> ModelAnswer:
    return ModelAnswer(
        values=stored.values,
        model=stored.model,
        prompt_tokens=stored.prompt_tokens,
        completion_tokens=stored.completion_tokens,
    )
