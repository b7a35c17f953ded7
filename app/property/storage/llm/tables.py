"""Tables of cached answers, model requests, and OpenAI batches."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Enum, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.property.storage.types import Base, BodyHash, Id, JsonWords, Plain, PlainJson, Sha256, Url, Urls, Words, where


class CacheKind(StrEnum):
    """The kind of a cached answer: a model's answer about a page, or a web search for an address."""

    PAGE = "page"
    SEARCH = "search"


class RequestState(StrEnum):
    """The state of a request. `PARKED` and `SENT` requests are open."""

    PARKED = "parked"
    SENT = "sent"  # the request is in a batch and not answered
    ANSWERED = "answered"
    FAILED = "failed"
    DIRECT = "direct"  # the request was returned to its job, which makes a normal API call
    WITHDRAWN = "withdrawn"  # no job waits for the request any more

    @property
    def is_open(self) -> bool:
        return self in (RequestState.PARKED, RequestState.SENT)


class LlmBatchState(StrEnum):
    NEW = "new"  # nothing is uploaded yet
    UPLOADED = "uploaded"  # the input file is uploaded, but the batch is not created
    RUNNING = "running"
    ENDED = "ended"  # each request has a final state or was parked again
    SETTLED = "settled"  # the budgets are charged with the actual usage
    CLOSED = "closed"  # the files at OpenAI are deleted


def _one_of(name: str, values: type[StrEnum]) -> Enum:
    return Enum(values, name=name, native_enum=False, length=16, create_constraint=True, values_callable=list)


class LlmCache(Base):
    __tablename__ = "llm_cache"

    id: Mapped[Sha256] = mapped_column(primary_key=True)
    kind: Mapped[CacheKind] = mapped_column(_one_of("kind", CacheKind))
    content_sha256: Mapped[BodyHash | None] = mapped_column(index=True)  # hash of the page's body; null for a search
    target: Mapped[Url | None] = mapped_column(index=True)  # address of a web search; null for a page
    urls: Mapped[Urls | None]  # all URLs in the answer of a web search; null for a page
    model: Mapped[Plain]
    answer: Mapped[JsonWords]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    created_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_llm_cache_kind_created_at", "kind", "created_at"),
        # purges read all answers of web searches
        Index("ix_llm_cache_searches", "id", **where(text("kind = 'search'"))),
    )


class LlmBatch(Base):
    """An OpenAI batch: requests sent in one file with one key (`llm/batches.py`)."""

    __tablename__ = "llm_batches"

    id: Mapped[Id] = mapped_column(primary_key=True)
    model: Mapped[Plain]
    state: Mapped[LlmBatchState] = mapped_column(_one_of("state", LlmBatchState))
    # key used for the batch, which only keys of the same OpenAI project can see; null before the upload
    key_id: Mapped[Id | None]
    input_file_id: Mapped[Plain | None]
    openai_id: Mapped[Plain | None]
    status: Mapped[Words | None]  # OpenAI's status of the batch; null before the batch exists there
    error: Mapped[Words | None]
    requests: Mapped[int]
    tokens: Mapped[int] = mapped_column(BigInteger)  # estimated input tokens plus maximum output tokens
    charges: Mapped[PlainJson]  # expected cost by batch of jobs: {id: [calls, tokens, microusd]}
    result: Mapped[JsonWords | None]  # actual usage, outcomes, and files; null until the batch has ended
    created_at: Mapped[datetime] = mapped_column(index=True)
    tried_at: Mapped[datetime | None]  # last attempt to create the batch at OpenAI; null if none
    sent_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    unreachable_since: Mapped[datetime | None]  # start of the current failures of its calls; null after a success
    next_at: Mapped[datetime | None] = mapped_column(index=True)
    lease_owner: Mapped[Plain | None]
    lease_expires_at: Mapped[datetime | None]

    @property
    def is_uncharged(self) -> bool:
        """Whether OpenAI charged nothing for the batch, because its creation was never tried or was rejected."""
        return self.state in (LlmBatchState.NEW, LlmBatchState.UPLOADED) and self.tried_at is None


class LlmRequest(Base):
    """A question to a model that waits for a batch (`llm/requests.py`)."""

    __tablename__ = "llm_requests"

    # hash of the question, and the request's `custom_id` at OpenAI
    id: Mapped[Sha256] = mapped_column(primary_key=True)
    content_sha256: Mapped[BodyHash] = mapped_column(index=True)
    fields: Mapped[PlainJson]
    model: Mapped[Plain]
    # batch of jobs whose budget is charged
    batch_id: Mapped[Id] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"), index=True)
    body: Mapped[Words | None]  # API request as JSON; null after the request has ended
    body_bytes: Mapped[int]
    input_tokens: Mapped[int]
    output_tokens: Mapped[int]
    state: Mapped[RequestState] = mapped_column(_one_of("state", RequestState))
    attempts: Mapped[int]  # number of batches with the request that count toward `MOST_SENDS`
    parked_at: Mapped[datetime]
    not_before: Mapped[datetime | None]  # end of the pause before the next batch; null if there is none
    give_up_at: Mapped[datetime]  # time after which the job makes a normal API call instead
    llm_batch_id: Mapped[Id | None] = mapped_column(ForeignKey("llm_batches.id", ondelete="SET NULL"))
    answer: Mapped[JsonWords | None]  # the model's answer, not yet verified; null if there is none
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    cached_tokens: Mapped[int | None]
    microusd: Mapped[int | None] = mapped_column(BigInteger)
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[Words | None]
    used_at: Mapped[datetime | None]  # time when a job first used the answer; null if unused
    finished_at: Mapped[datetime | None] = mapped_column(index=True)

    __table_args__ = (
        Index("ix_llm_requests_state_parked_at", "state", "parked_at"),
        Index("ix_llm_requests_llm_batch_id_state", "llm_batch_id", "state"),
    )
