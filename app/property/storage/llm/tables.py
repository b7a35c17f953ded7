"""Tables of cached answers, model requests, and OpenAI batches."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Enum, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.property.storage.types import Base, BodyHash, Id, JsonWords, Plain, PlainJson, Sha256, Url, Urls, Words, where


class CacheKind(StrEnum):
    """The kind of a cached answer: about a page, or a web search for an address."""

    PAGE = "page"
    SEARCH = "search"


class RequestState(StrEnum):
    """The state of a model request; all but the first two are final."""

    PARKED = "parked"  # waiting to be sent
    SENT = "sent"  # in a batch
    ANSWERED = "answered"
    FAILED = "failed"
    DIRECT = "direct"  # returned to its job for a normal API call
    WITHDRAWN = "withdrawn"  # no job waits for the answer any more

    @property
    def is_open(self) -> bool:
        return self in (RequestState.PARKED, RequestState.SENT)


class LlmBatchState(StrEnum):
    """The state of an OpenAI batch."""

    NEW = "new"  # the requests are chosen
    UPLOADED = "uploaded"  # the input file is at OpenAI
    RUNNING = "running"  # OpenAI has the batch
    ENDED = "ended"  # every request has its outcome, or was parked again
    SETTLED = "settled"  # the usage is charged to the budgets
    CLOSED = "closed"  # the files are deleted


def _one_of(name: str, values: type[StrEnum]) -> Enum:
    """Return the type of a column `name` with a check constraint on `values`."""
    return Enum(values, name=name, native_enum=False, length=16, create_constraint=True, values_callable=list)


class LlmCache(Base):
    """A paid answer with its tokens, stored so that a repeated question is not paid for again."""

    __tablename__ = "llm_cache"

    id: Mapped[Sha256] = mapped_column(primary_key=True)  # the digest of the question
    kind: Mapped[CacheKind] = mapped_column(_one_of("kind", CacheKind))
    content_sha256: Mapped[BodyHash | None] = mapped_column(index=True)  # for an answer about a page: the page's body
    # for a search: the address, spelled as a target, and all URLs in the answer, each between blanks
    target: Mapped[Url | None] = mapped_column(index=True)
    urls: Mapped[Urls | None]
    model: Mapped[Plain]  # the name in the response
    answer: Mapped[JsonWords]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    created_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_llm_cache_kind_created_at", "kind", "created_at"),
        # for purges, which read the answers of all searches
        Index("ix_llm_cache_searches", "id", **where(text("kind = 'search'"))),
    )


class LlmBatch(Base):
    """An OpenAI batch: requests sent in one file with one key (`llm/batches.py`)."""

    __tablename__ = "llm_batches"

    id: Mapped[Id] = mapped_column(primary_key=True)
    model: Mapped[Plain]
    state: Mapped[LlmBatchState] = mapped_column(_one_of("state", LlmBatchState))
    # a key of the project that owns the files: only keys of that project can see the batch
    key_id: Mapped[Id | None]
    input_file_id: Mapped[Plain | None]
    openai_id: Mapped[Plain | None]
    # OpenAI's name of the batch's state, and the last error
    status: Mapped[Words | None]
    error: Mapped[Words | None]
    requests: Mapped[int]
    tokens: Mapped[int] = mapped_column(BigInteger)
    # {batch of jobs: [calls, tokens, microusd]}: the charges; and the result, once the files are read
    charges: Mapped[PlainJson]
    result: Mapped[JsonWords | None]
    created_at: Mapped[datetime] = mapped_column(index=True)
    # when the creation at OpenAI was tried, when the batch was created, and when it ended
    tried_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    unreachable_since: Mapped[datetime | None]
    # when the next step is due (null: closed), and the lease of the current step
    next_at: Mapped[datetime | None] = mapped_column(index=True)
    lease_owner: Mapped[Plain | None]
    lease_expires_at: Mapped[datetime | None]

    @property
    def is_uncharged(self) -> bool:
        """Whether OpenAI has certainly not charged for the batch, because its creation there was never tried."""
        return self.state in (LlmBatchState.NEW, LlmBatchState.UPLOADED) and self.tried_at is None


class LlmRequest(Base):
    """A question to the model that can wait for a batch (`llm/requests.py`)."""

    __tablename__ = "llm_requests"

    # the digest of the question, and the request's `custom_id` at OpenAI
    id: Mapped[Sha256] = mapped_column(primary_key=True)
    content_sha256: Mapped[BodyHash] = mapped_column(index=True)
    fields: Mapped[PlainJson]
    model: Mapped[Plain]
    # the batch of jobs whose budget pays
    batch_id: Mapped[Id] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"), index=True)
    # the request as JSON, until it ends
    body: Mapped[Words | None]
    body_bytes: Mapped[int]
    # estimated input tokens, and the limit of output tokens
    input_tokens: Mapped[int]
    output_tokens: Mapped[int]
    state: Mapped[RequestState] = mapped_column(_one_of("state", RequestState))
    attempts: Mapped[int]
    parked_at: Mapped[datetime]
    not_before: Mapped[datetime | None]
    # after this time, the job makes a normal API call
    give_up_at: Mapped[datetime]
    llm_batch_id: Mapped[Id | None] = mapped_column(ForeignKey("llm_batches.id", ondelete="SET NULL"))
    # the model's raw answer, and the tokens that it used
    answer: Mapped[JsonWords | None]
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    cached_tokens: Mapped[int | None]
    microusd: Mapped[int | None] = mapped_column(BigInteger)
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[Words | None]
    used_at: Mapped[datetime | None]  # when a job used the answer
    finished_at: Mapped[datetime | None] = mapped_column(index=True)

    __table_args__ = (
        Index("ix_llm_requests_state_parked_at", "state", "parked_at"),
        Index("ix_llm_requests_llm_batch_id_state", "llm_batch_id", "state"),
    )
