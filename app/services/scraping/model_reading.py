"""Ask the model for fields that the page's markup lacks. Answers are cached, so that no job pays twice.

If the model fails, the values that were read without it are stored, with a note. The API's error is raised only if no
key has capacity, or if the provider is unavailable and the job can be retried later.

Economy jobs wait for a batch at half the price (`app/services/batches`). If no batch answers in time, a normal API call
is made.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import openai
from openai.types.chat import ChatCompletion

from app.clock import Clock, SystemClock
from app.errors.keys import NoKeysError
from app.errors.models import ModelAnswerCutError, ModelAnswerInvalidError, ModelError, ModelRefusedError
from app.errors.watches import WatchBudgetSpentError
from app.keypool.pricing import BATCH_TIER
from app.property.page import Page
from app.property.reading.base import Extraction
from app.property.reading.budget import reading
from app.property.reading.model.claim_check import check_claims
from app.property.reading.model.dialect import Dialect
from app.property.reading.model.llm import ModelAnswer, ServiceTier, read_completion
from app.property.reading.model.page_kind import PAGE_KIND
from app.property.reading.model.prompt import TEXT_TOKENS, Prompt, build_prompt
from app.property.reading.model.tokens import count_tokens
from app.property.reading.pipeline import with_model_values, with_page_kind
from app.property.record import FIELDS
from app.property.storage.llm.cache import AnswerStore, Question, StoredAnswer
from app.property.storage.llm.requests import LlmRequestStore, NewRequest
from app.property.storage.llm.tables import RequestState
from app.property.storage.statements import digest
from app.redaction import redact
from app.services.openai_client_manager import OpenAIClientManager
from app.services.reports.metrics.instruments import MODEL_ANSWERS, MODEL_TIERS, MODEL_VALUES_DROPPED, TIERS
from app.services.runtime.retry import retry_on_store_error
from app.services.scraping.model_calls import ModelCalls, TierChoice, paid
from app.services.scraping.run import NO_JOB, Run
from app.settings.forms import ModelUse

log = logging.getLogger(__name__)

#: After an unusable answer, the question is not asked again for this time, because each call costs money.
_FAILED_ANSWER_HOLDS = timedelta(hours=1)
_OUTCOMES = {
    ModelRefusedError.code: "refused",
    ModelAnswerInvalidError.code: "invalid",
    ModelAnswerCutError.code: "cut",
}


@dataclass(frozen=True, slots=True)
class ModelReading:
    """An extraction with the model's verified values, if any.

    `asked` lists the fields of the question, which has `prompt_tokens` tokens. `unanswered` lists the fields for which
    there is no answer. `dropped` lists the fields whose values the page does not confirm. `note` says why fields are
    unanswered or dropped. `asks_again` is True if no model was heard although fields are missing: the next job asks.
    """

    extraction: Extraction
    note: str | None = None
    unanswered: tuple[str, ...] = ()
    asks_again: bool = False
    asked: tuple[str, ...] = ()
    prompt_tokens: int = 0
    dropped: tuple[str, ...] = ()


class WaitForBatch(Exception):  # noqa: N818 (nothing is wrong)
    """Raised to park the job until a batch answers `request`."""

    def __init__(self, request: NewRequest) -> None:
        super().__init__(request.id)
        self.request = request


class ModelReader:
    """Asks `model`, with the keys of `manager`, about at most `text_tokens` tokens of a page. Thread-safe.

    `use` says when to ask the model. The requests of economy jobs are parked in `requests`.
    """

    def __init__(
        self,
        answers: AnswerStore,
        manager: OpenAIClientManager,
        model: str,
        clock: Clock | None = None,
        *,
        service_tier: ServiceTier | None = None,
        requests: LlmRequestStore | None = None,
        use: ModelUse = "missing",
        text_tokens: int = TEXT_TOKENS,
    ) -> None:
        self._answers = answers
        self._clock = clock or SystemClock()
        self._manager = manager
        self._model = model
        self._calls = ModelCalls(manager, model, TierChoice(service_tier, self._clock))
        self._requests = requests
        self._text_tokens = text_tokens
        self.use: ModelUse = use

    @property
    def dialect(self) -> Dialect:
        return self._calls.dialect

    @property
    def why_silent(self) -> str | None:
        """Why no page is sent to a model at the moment, or None if pages are sent."""
        if self.use == "never":
            return "No model is asked with MODEL_USE=never. Set it to missing or always, then scrape again."
        return None if self._manager.keys else str(NoKeysError())

    @property
    def can_ask(self) -> bool:
        return self.why_silent is None

    def read(self, extraction: Extraction, run: Run = NO_JOB) -> ModelReading:
        """Ask the model for missing fields that the page may have, or reuse the cached answer to the same question.

        In an economy run, raises `WaitForBatch` until a batch has answered. Raises `openai.RateLimitError` if no key
        has capacity, errors of the database, and `LeaseLostError` before a call if the run's lease is lost. If the
        provider is unreachable or fails (5xx), raises its error if the `run` can be retried later; otherwise, the
        result has a note.
        """
        extraction = self.resumed(extraction, run)
        if extraction.audited:
            try:
                audit = self._asked(extraction, replace(run, is_due=True))
            # continue without the audit, which must not delay the page
            except (openai.RateLimitError, WatchBudgetSpentError):
                audit = None
            if audit is not None and len(audit.unanswered) < len(audit.asked):
                return audit
            extraction = replace(extraction, audited=False)
        return self._asked(extraction, run)

    def resumed(self, extraction: Extraction, run: Run) -> Extraction:
        """If the job has waited for a request about this page, return `extraction` with the fields of that request.

        Without this, a recipe learned during the wait could remove fields from the question, and the answer would not
        match. Other extractions are returned unchanged.
        """
        if not run.economy or run.waited_for is None or self._requests is None:
            return extraction
        waited = self._requests.get(run.waited_for)
        if waited is None or waited.content_sha256 != extraction.page.sha256:
            return extraction
        return replace(extraction, wanted=tuple(name for name in FIELDS if name in waited.fields))

    def _asked(self, extraction: Extraction, run: Run) -> ModelReading:
        prompt = self.question(extraction)
        if not prompt.fields:
            return ModelReading(extraction, asks_again=self.use == "never" and bool(extraction.asked()))
        asked = digest({"messages": prompt.messages, "schema": prompt.schema})
        question = Question(extraction.page.sha256, tuple(sorted(prompt.fields)), self._model, asked)
        stored = self._answers.model_answer(question, failed_since=self._clock.now() - _FAILED_ANSWER_HOLDS)
        if stored:
            MODEL_ANSWERS.labels("kept").inc()
        answer = stored or self._by_batch(question, prompt, run, extraction.page)
        answer = answer or self._ask(question, prompt, extraction.page, run)
        if isinstance(answer, str):
            found = ModelReading(extraction, answer, prompt.fields, asks_again=True)
        else:
            found = self._verified(answer, prompt, extraction)
        return replace(found, asked=prompt.fields, prompt_tokens=prompt.prompt_tokens)

    def question(self, extraction: Extraction) -> Prompt:
        return question_about(extraction, use=self.use, text_tokens=self._text_tokens)

    def _verified(self, answer: StoredAnswer, prompt: Prompt, extraction: Extraction) -> ModelReading:
        if answer.failure and not answer.values:
            return ModelReading(extraction, answer.note, prompt.fields)
        with reading(extraction.page.url, extraction.page.spent):
            candidates, dropped = check_claims(answer.values, prompt)
            extraction = with_model_values(extraction, candidates, len(dropped), use=self.use)
            extraction = with_page_kind(extraction, answer.values.get(PAGE_KIND, (None, ""))[0])
        for one in dropped:
            MODEL_VALUES_DROPPED.labels(one.flaw).inc()
        names = ", ".join(one.field for one in dropped)
        notes = [answer.note] if answer.failure else []
        notes += (
            [f"Not stored, because the page's text does not confirm the model's values: {names}."] if dropped else []
        )
        unanswered = tuple(f for f in prompt.fields if answer.failure and f not in answer.values)
        return ModelReading(
            extraction, " ".join(notes) or None, unanswered, dropped=tuple(dict.fromkeys(one.field for one in dropped))
        )

    def _by_batch(self, question: Question, prompt: Prompt, run: Run, page: Page) -> StoredAnswer | str | None:
        """Cache and return the answer from a batch. If the request failed, return its error message.

        Return None if a normal call is needed now. Raises `WaitForBatch` if the job must wait for the answer.
        """
        if not run.economy or self._requests is None or not self._manager.keys:
            return None
        dialect = self.dialect
        body, most = dialect.body(self._model, prompt), dialect.most_tokens(prompt)
        request = NewRequest(question, body, prompt.prompt_tokens, most, page)
        found = self._answered(request, self._requests, run.waited_for)
        if found is None:
            return None
        if isinstance(found, str):
            MODEL_ANSWERS.labels("failed").inc()
            log.warning("%s", found)
            self._requests.mark_used(request.id)
            return found
        try:
            read = read_completion(self._model, ChatCompletion.model_validate(found), prompt)
        except ValueError as exc:
            error = ModelAnswerInvalidError(self._model, f"it is not a completion ({type(exc).__name__})")
            read = ModelAnswer({}, self._model, 0, 0, failure=error)
        is_lesson = self._calls.were_taught_by_batch(read)  # then a normal call follows, with the learned parameters
        answer = None if is_lesson else self._cached(question, read, BATCH_TIER, "batch", page)
        self._requests.mark_used(request.id)
        return answer

    def _answered(
        self, request: NewRequest, requests: LlmRequestStore, waited_for: str | None
    ) -> Mapping[str, Any] | str | None:
        """Return the completion for `request`, an error message, or None if a normal call is needed now.

        `waited_for` is the id of the request that the job has waited for, if any. If OpenAI rejected the request's
        parameters, a normal call is needed, which learns the right ones.
        """
        mine, found = waited_for == request.id, requests.get(request.id)
        if found is None:
            raise WaitForBatch(request)
        if found.state.is_open:
            if requests.may_be_answered(found):
                raise WaitForBatch(request)
            log.warning("No batch has answered request %s in time; it is sent now and may be billed twice", request.id)
            return None
        if found.state is RequestState.ANSWERED and (mine or found.used_at is None):
            return found.answer or {}
        if not mine:
            raise WaitForBatch(request)
        if found.state is RequestState.FAILED:
            if self.dialect.after_refusal(400, f"{found.error_code} {found.error_message}") is not None:
                return None
            return str(ModelError(self._model, f"{found.error_code}, {(found.error_message or '').rstrip('.')}"))
        return None

    def _ask(self, question: Question, prompt: Prompt, page: Page, run: Run) -> StoredAnswer | str:
        calls, tier = self._calls, self._calls.tier.wanted
        answer = paid(self._manager, self._model, run, MODEL_ANSWERS, lambda: calls.ask(prompt, run), tier=tier)
        if isinstance(answer, str):
            return answer
        served = answer.service_tier  # a gateway may return any name
        MODEL_TIERS.labels(tier or "none", served if served in TIERS else "other" if served else "none").inc()
        return self._cached(question, answer, served, "asked", page)

    def _cached(self, question: Question, answer: ModelAnswer, tier: str, outcome: str, page: Page) -> StoredAnswer:
        failure = answer.failure
        stored = StoredAnswer(
            values=answer.values,
            model=answer.model,
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
            service_tier=tier,
            failure=failure.code if failure else "",
            note=redact(str(failure)) if failure else "",
        )
        MODEL_ANSWERS.labels(_OUTCOMES.get(stored.failure, outcome)).inc()
        if failure:
            log.warning("%s", stored.note)
        retry_on_store_error(lambda: self._answers.save_model_answer(question, stored, page), self._clock)
        return stored


def question_about(extraction: Extraction, *, use: ModelUse = "missing", text_tokens: int = TEXT_TOKENS) -> Prompt:
    """Return the question about a page. It has no fields if there is nothing to ask.

    Raises `PageTooComplexError` if building it takes too much CPU time or memory.
    """
    if use != "never":
        # the first call loads large tables, which must not count toward the page's CPU time and memory
        count_tokens("")
    with reading(extraction.page.url, extraction.page.spent):
        return build_prompt(extraction, budget=text_tokens, use=use)
