"""The paid step: ask the model for what a page's markup did not give, once per question.

Whatever goes wrong with the model ends in a note, since what was read without it is worth storing. Only a lack of
capacity is raised, and a provider that is away if the caller can come back: the same call will succeed later. Which key
pays, and whether a budget has room, is the key pool's affair, which answers through the client.

In economy jobs the question waits for a batch at half the price (`app/services/batches`), and the job with it. One that
no batch answered in time is asked like any other, by the same job.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import openai
from openai.types.chat import ChatCompletion

from app.clock import Clock, SystemClock
from app.errors.models import ModelAnswerCutError, ModelAnswerInvalidError, ModelError, ModelRefusedError
from app.keypool.pricing import BATCH_TIER
from app.property.page import Page
from app.property.reading.base import Extraction
from app.property.reading.budget import reading
from app.property.reading.model.claim_check import check_claims
from app.property.reading.model.dialect import Dialect
from app.property.reading.model.llm import ModelAnswer, ServiceTier, read_completion
from app.property.reading.model.prompt import TEXT_TOKENS, Prompt, build_prompt
from app.property.reading.model.tokens import count_tokens
from app.property.reading.pipeline import with_model_values
from app.property.record import FIELDS
from app.property.storage.llm.cache import AnswerStore, Question, StoredAnswer
from app.property.storage.llm.requests import GRACE, LlmRequestStore, NewRequest
from app.property.storage.llm.tables import LlmRequest, RequestState
from app.property.storage.statements import digest
from app.redaction import redact
from app.services.openai_client_manager import OpenAIClientManager
from app.services.reports.metrics.instruments import MODEL_ANSWERS, MODEL_TIERS, MODEL_VALUES_DROPPED, TIERS
from app.services.runtime.retry import retry_on_store_error
from app.services.scraping.model_calls import ModelCalls, TierChoice, paid
from app.services.scraping.run import NO_JOB, Run
from app.settings.forms import ModelUse

log = logging.getLogger(__name__)

#: how long a question that got a bad answer is not asked again, by whichever job: each time it would be paid for
_FAILED_ANSWER_HOLDS = timedelta(hours=1)
#: `outcome` of `propintel_model_answers_total` by the code of what was wrong
_OUTCOMES = {
    ModelRefusedError.code: "refused",
    ModelAnswerInvalidError.code: "invalid",
    ModelAnswerCutError.code: "cut",
}


@dataclass(frozen=True, slots=True)
class ModelReading:
    """The extraction with the model's verified values, if there are any.

    `unanswered` are the fields for which a model was wanted and gave no answer; `note` says why, or which of its values
    were dropped. `asks_again`: it was away, and is wanted when it is back. `asked` are the fields of the question, of
    about `prompt_tokens`; none: there was none. Its values of `dropped` failed the check.
    """

    extraction: Extraction
    note: str | None = None
    unanswered: tuple[str, ...] = ()
    asks_again: bool = False
    asked: tuple[str, ...] = ()
    prompt_tokens: int = 0
    dropped: tuple[str, ...] = ()


class WaitForBatch(Exception):  # noqa: N818 (nothing is wrong)
    """The answer comes with a batch: park the job with this request, and run it again when it is woken."""

    def __init__(self, request: NewRequest) -> None:
        super().__init__(request.id)
        self.request = request


class ModelReader:
    """Asks `model` through the keys of `manager`: at this `use`, with at most `text_tokens` of a page. Thread-safe.

    Questions of economy jobs wait among the `requests`.
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
        """How the server is asked, as learned so far."""
        return self._calls.dialect

    def read(self, extraction: Extraction, run: Run = NO_JOB) -> ModelReading:
        """Ask for what the page may say and is not known, or take the answer that the same question got before.

        In an economy run the question waits for a batch: `WaitForBatch` is raised until that has answered. Raises
        `openai.RateLimitError` if no key has room, and errors of the database. A provider that is out of reach or fails
        (5xx) is a note on the reading, and raised instead if the `run` may come back. Raises `LeaseLostError`
        instead of a call for a run that lost its lease.
        """
        extraction = self.resumed(extraction, run)
        if extraction.audited:
            try:
                audit = self._asked(extraction, replace(run, is_due=True))
            except openai.RateLimitError:  # a check must cost no page
                audit = None
            if audit is not None and len(audit.unanswered) < len(audit.asked):
                return audit
            extraction = replace(extraction, audited=False)
        return self._asked(extraction, run)

    def resumed(self, extraction: Extraction, run: Run) -> Extraction:
        """Return `extraction`, of which a model is asked what the job has waited for, if that is about this page.

        What a batch answers is paid for. A recipe that was learned since may settle some of the fields, which would
        make it another question.
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
            return ModelReading(extraction)
        asked = digest({"messages": prompt.messages, "schema": prompt.schema})
        question = Question(extraction.page.sha256, tuple(sorted(prompt.fields)), self._model, asked)
        stored = self._answers.model_answer(question, failed_since=self._clock.now() - _FAILED_ANSWER_HOLDS)
        if stored:
            MODEL_ANSWERS.labels("kept").inc()
        answer = stored or self._by_batch(question, prompt, run, extraction.page)
        answer = answer or self._ask(question, prompt, extraction.page, run)
        if isinstance(answer, str):
            found = ModelReading(extraction, answer, prompt.fields, asks_again=bool(self._manager.keys))
        else:
            found = self._believed(answer, prompt, extraction)
        return replace(found, asked=prompt.fields, prompt_tokens=prompt.prompt_tokens)

    def question(self, extraction: Extraction) -> Prompt:
        """What a model would be asked; no fields: nothing. Raises `PageTooComplexError`."""
        return question_about(extraction, use=self.use, text_tokens=self._text_tokens)

    def _believed(self, answer: StoredAnswer, prompt: Prompt, extraction: Extraction) -> ModelReading:
        """The extraction with what the page bears out of the answer, and what there is to tell of the rest."""
        if answer.failure and not answer.values:
            return ModelReading(extraction, answer.note, prompt.fields)
        with reading(extraction.page.url, extraction.page.spent):
            candidates, dropped = check_claims(answer.values, prompt)
            extraction = with_model_values(extraction, candidates, len(dropped), use=self.use)
        for one in dropped:
            MODEL_VALUES_DROPPED.labels(one.flaw).inc()
        names = ", ".join(one.field for one in dropped)
        told = [answer.note] if answer.failure else []
        told += [f"Not stored, for the text does not bear the model out: {names}."] if dropped else []
        unanswered = tuple(f for f in prompt.fields if answer.failure and f not in answer.values)
        return ModelReading(
            extraction, " ".join(told) or None, unanswered, dropped=tuple(dict.fromkeys(one.field for one in dropped))
        )

    def _by_batch(self, question: Question, prompt: Prompt, run: Run, page: Page) -> StoredAnswer | str | None:
        """Return what a batch answered, good or bad, kept for the next time; or why it did not. None: ask now."""
        if not run.economy or self._requests is None or not self._manager.keys:
            return None
        dialect = self.dialect
        body, most = dialect.body(self._model, prompt), dialect.most_tokens(prompt)
        request = NewRequest(question, body, prompt.prompt_tokens, most, page)
        found = self._answered(request, self._requests.get(request.id), run.waited_for)
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
            error = ModelAnswerInvalidError(self._model, f"it is no completion ({type(exc).__name__})")
            read = ModelAnswer({}, self._model, 0, 0, failure=error)
        is_lesson = self._calls.were_taught_by_batch(read)  # then it is asked now, in another way
        answer = None if is_lesson else self._kept(question, read, BATCH_TIER, "batch", page)
        self._requests.mark_used(request.id)
        return answer

    def _answered(
        self, request: NewRequest, found: LlmRequest | None, waited_for: str | None
    ) -> Mapping[str, Any] | str | None:
        """Return the completion that answers `request`, or why there is none; None: it is to be asked now, like any
        other.

        `found` is how far it is, `waited_for` the request that the job has waited for. One that was refused for how it
        was asked is asked now: the call learns better. Raises `WaitForBatch`.
        """
        mine = waited_for == request.id
        if found is None:
            raise WaitForBatch(request)
        if found.state.is_open:
            if self._clock.now() < found.give_up_at + GRACE:
                raise WaitForBatch(request)
            log.warning("No batch has answered request %s in time; it is asked now and may be billed twice", request.id)
            return None
        if found.state is RequestState.ANSWERED and (mine or found.used_at is None):
            return found.answer or {}
        if not mine or found.state is RequestState.WITHDRAWN:
            raise WaitForBatch(request)
        if found.state is RequestState.FAILED:
            if self.dialect.after_refusal(400, f"{found.error_code} {found.error_message}") is not None:
                return None
            return str(ModelError(self._model, f"{found.error_code}, {(found.error_message or '').rstrip('.')}"))
        return None

    def _ask(self, question: Question, prompt: Prompt, page: Page, run: Run) -> StoredAnswer | str:
        """Return the model's answer, good or bad, kept for the next time; or why there is none."""
        calls, tier = self._calls, self._calls.tier.wanted
        answer = paid(self._manager, self._model, run, MODEL_ANSWERS, lambda: calls.ask(prompt, run), tier=tier)
        if isinstance(answer, str):
            return answer
        served = answer.service_tier  # a gateway may answer anything: the label is from a closed set
        MODEL_TIERS.labels(tier or "none", served if served in TIERS else "other" if served else "none").inc()
        return self._kept(question, answer, served, "asked", page)

    def _kept(self, question: Question, answer: ModelAnswer, tier: str, outcome: str, page: Page) -> StoredAnswer:
        """Store an answer that was paid for; `outcome` is how a good one counts."""
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
    """What a model would be asked about a page; no fields: nothing. Raises `PageTooComplexError`."""
    if use != "never":
        count_tokens("")  # the first time it reads large tables, which are not the page's cost
    with reading(extraction.page.url, extraction.page.spent):
        return build_prompt(extraction, budget=text_tokens, use=use)
