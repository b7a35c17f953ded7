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
    """All states except `PARKED` and `SENT` are final."""

    PARKED = "parked"  # waiting for a batch
    SENT = "sent"  # in a batch that has not answered yet
    ANSWERED = "answered"
    FAILED = "failed"
    DIRECT = "direct"  # returned to its job for a normal API call
    WITHDRAWN = "withdrawn"  # no job waits for the answer any more

    @property
    def is_open(self) -> bool:
        return self in (RequestState.PARKED, RequestState.SENT)


class LlmBatchState(StrEnum):
    NEW = "new"  # the requests are chosen, but not uploaded
    UPLOADED = "uploaded"  # the input file is at OpenAI, but the batch was not created there
    RUNNING = "running"  # OpenAI is processing the batch
    ENDED = "ended"  # each request has a final state or was parked again
    SETTLED = "settled"  # the budgets are charged with the actual usage
    CLOSED = "closed"  # the files at OpenAI are deleted


def _one_of(name: str, values: type[StrEnum]) -> Enum:
    return Enum(values, name=name, native_enum=False, length=16, create_constraint=True, values_callable=list)


class LlmCache(Base):
    """A cached answer of a model or web search (`llm/cache.py`)."""

    __tablename__ = "llm_cache"

    id: Mapped[Sha256] = mapped_column(primary_key=True)  # hash of the question
    kind: Mapped[CacheKind] = mapped_column(_one_of("kind", CacheKind))
    content_sha256: Mapped[BodyHash | None] = mapped_column(index=True)  # hash of the page's body; null for a search
    target: Mapped[Url | None] = mapped_column(index=True)  # normalized address of a search; null for a page
    urls: Mapped[Urls | None]  # all URLs in the answer of a search; null for a page
    model: Mapped[Plain]  # model name in the response
    answer: Mapped[JsonWords]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    created_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_llm_cache_kind_created_at", "kind", "created_at"),
        # purges read the answers of all searches
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
    status: Mapped[Words | None]  # status of the batch as OpenAI names it; null before it is created there
    error: Mapped[Words | None]  # newest error; null if none
    requests: Mapped[int]
    tokens: Mapped[int] = mapped_column(BigInteger)  # estimated input tokens plus maximum output tokens
    charges: Mapped[PlainJson]  # expected usage by batch of jobs: {id: [calls, tokens, microusd]}
    result: Mapped[JsonWords | None]  # actual usage, outcomes, and files; null before the batch has ended
    created_at: Mapped[datetime] = mapped_column(index=True)
    tried_at: Mapped[datetime | None]  # last attempt that may have created the batch at OpenAI; null if none
    sent_at: Mapped[datetime | None]  # time when the batch was created at OpenAI
    ended_at: Mapped[datetime | None]  # time when the state became `ended`
    cancelled_at: Mapped[datetime | None]  # time of the request to cancel the batch; null if none
    unreachable_since: Mapped[datetime | None]  # start of the current failures of its calls; null after a success
    # time when the next step is due; null if closed
    next_at: Mapped[datetime | None] = mapped_column(index=True)
    lease_owner: Mapped[Plain | None]
    lease_expires_at: Mapped[datetime | None]

    @property
    def is_uncharged(self) -> bool:
        """Whether OpenAI has certainly not charged for the batch: its creation was never tried or was rejected."""
        return self.state in (LlmBatchState.NEW, LlmBatchState.UPLOADED) and self.tried_at is None


class LlmRequest(Base):
    """A question to the model that can wait for a batch (`llm/requests.py`)."""

    __tablename__ = "llm_requests"

    # hash of the question, which is also the request's `custom_id` at OpenAI
    id: Mapped[Sha256] = mapped_column(primary_key=True)
    content_sha256: Mapped[BodyHash] = mapped_column(index=True)
    fields: Mapped[PlainJson]
    model: Mapped[Plain]
    # batch of jobs whose budget the request is charged to
    batch_id: Mapped[Id] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"), index=True)
    body: Mapped[Words | None]  # API request as JSON; null after the request has ended
    body_bytes: Mapped[int]
    input_tokens: Mapped[int]  # estimated number of input tokens
    output_tokens: Mapped[int]  # maximum number of output tokens
    state: Mapped[RequestState] = mapped_column(_one_of("state", RequestState))
    attempts: Mapped[int]  # number of batches with this request that count toward `MOST_SENDS`
    parked_at: Mapped[datetime]
    not_before: Mapped[datetime | None]  # earliest time for the next batch; null if any time is allowed
    give_up_at: Mapped[datetime]  # time after which the request is returned to its job for a normal API call
    llm_batch_id: Mapped[Id | None] = mapped_column(ForeignKey("llm_batches.id", ondelete="SET NULL"))
    answer: Mapped[JsonWords | None]  # raw answer of the model; null unless answered
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    cached_tokens: Mapped[int | None]
    microusd: Mapped[int | None] = mapped_column(BigInteger)
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[Words | None]
    used_at: Mapped[datetime | None]  # time when a job first used the answer; null if not used
    finished_at: Mapped[datetime | None] = mapped_column(index=True)

    __table_args__ = (
        Index("ix_llm_requests_state_parked_at", "state", "parked_at"),
        Index("ix_llm_requests_llm_batch_id_state", "llm_batch_id", "state"),
    )
