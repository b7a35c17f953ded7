"""The model step of economy jobs: the question waits for a batch at half the price, and the job with it.

How requests are sent and answered is `app/services/batches`. A question that no batch answered in time is asked like
any other, by the same job.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from app.clock import Clock
from app.errors.models import ModelError
from app.property.reading.model.dialect import AT_FIRST, Dialect
from app.property.reading.model.prompt import Prompt
from app.property.storage.llm.answers import Question
from app.property.storage.llm.requests import GRACE, ModelRequest, ModelRequestStore, RequestState
from app.property.storage.statements import digest

log = logging.getLogger(__name__)


class WaitForBatch(Exception):  # noqa: N818 (nothing is wrong)
    """The answer comes with a batch: park the job with this request, and run it again when it is woken."""

    def __init__(self, request: ModelRequest) -> None:
        super().__init__(request.id)
        self.request = request


class ParkedQuestions:
    """Questions to `model` that wait, or have waited, for a batch."""

    def __init__(self, requests: ModelRequestStore, model: str, clock: Clock) -> None:
        self._requests = requests
        self._model = model
        self._clock = clock

    def take(
        self, question: Question, prompt: Prompt, waited_for: str | None, dialect: Dialect = AT_FIRST
    ) -> Mapping[str, Any] | str | None:
        """Return the completion that answers it, or why there is none; None: it is to be asked now, like any other.

        `waited_for` is the request that the job has waited for. A new one is in `dialect`. One that was refused for how
        it was asked is asked now: the call learns better. Raises `WaitForBatch`, and errors of the database.
        """
        body, most = dialect.body(self._model, prompt), dialect.most_tokens(prompt)
        request = ModelRequest(_request_id(question), question, body, prompt.prompt_tokens, most)
        found = self._requests.outcome(request.id)
        mine = waited_for == request.id
        if found is None:
            raise WaitForBatch(request)
        if found.state.is_open:
            if self._clock.now() < found.give_up_at + GRACE:
                raise WaitForBatch(request)
            log.warning("No batch has answered request %s in time; it is asked now and may be billed twice", request.id)
            return None
        if found.state is RequestState.ANSWERED and (mine or not found.used):
            return found.answer or {}
        if not mine or found.state is RequestState.WITHDRAWN:
            raise WaitForBatch(request)
        if found.state is RequestState.FAILED:
            if dialect.after_refusal(400, f"{found.error_code} {found.error}") is not None:
                return None
            return str(ModelError(self._model, f"{found.error_code}, {(found.error or '').rstrip('.')}"))
        return None

    def question(self, request_id: str) -> Question | None:
        """Return what the request asks; None if it is forgotten."""
        return self._requests.question(request_id)

    def used(self, question: Question) -> None:
        """Note that a job has its answer from it."""
        self._requests.mark_used(_request_id(question))


def _request_id(question: Question) -> str:
    return digest([question.content_sha256, list(question.fields), question.model, question.prompt_sha256])
