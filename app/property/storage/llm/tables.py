"""What models and searches of the web answered, and questions that wait for OpenAI's batches."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Enum, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.property.storage.types import (
    Base,
    BodyHash,
    Id,
    JsonWords,
    Plain,
    PlainJson,
    Sha256,
    Url,
    Urls,
    Words,
    where,
)


class CacheKind(StrEnum):
    """What was asked about: a page, or the web about an address."""

    PAGE = "page"
    SEARCH = "search"


class RequestState(StrEnum):
    """parked: to be sent · sent: in a batch that is made or under way · the rest is final.

    direct: it is to be asked like any other, by its job · withdrawn: nobody wants the answer any more.
    """

    PARKED = "parked"
    SENT = "sent"
    ANSWERED = "answered"
    FAILED = "failed"
    DIRECT = "direct"
    WITHDRAWN = "withdrawn"

    @property
    def is_open(self) -> bool:
        return self in (RequestState.PARKED, RequestState.SENT)


class LlmBatchState(StrEnum):
    """new: its requests are chosen · uploaded: its file is at OpenAI · running: so is the batch.

    ended: each of its requests has an answer or went back · settled: the budgets know · closed: its files are deleted.
    """

    NEW = "new"
    UPLOADED = "uploaded"
    RUNNING = "running"
    ENDED = "ended"
    SETTLED = "settled"
    CLOSED = "closed"


def _one_of(name: str, values: type[StrEnum]) -> Enum:
    """The type of a column `name` that holds one of `values`; the database refuses others."""
    return Enum(values, name=name, native_enum=False, length=16, create_constraint=True, values_callable=list)


class LlmCache(Base):
    """Every answer that was paid for, by what was asked, with its tokens: the same question is not paid for twice."""

    __tablename__ = "llm_cache"

    # the digest of the question
    id: Mapped[Sha256] = mapped_column(primary_key=True)
    kind: Mapped[CacheKind] = mapped_column(_one_of("kind", CacheKind))
    # of a page: its body
    content_sha256: Mapped[BodyHash | None] = mapped_column(index=True)
    # of a search: the address that was looked for, as a target, and all URLs in the answer, with blanks around each
    target: Mapped[Url | None] = mapped_column(index=True)
    urls: Mapped[Urls | None]
    # by the API's own name
    model: Mapped[Plain]
    answer: Mapped[JsonWords]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    created_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_llm_cache_kind_created_at", "kind", "created_at"),
        # a purge reads what all searches answered
        Index("ix_llm_cache_searches", "id", **where(text("kind = 'search'"))),
    )


class LlmBatch(Base):
    """OpenAI's batches: requests that were sent in one file with one key (`llm/batches.py`)."""

    __tablename__ = "llm_batches"

    id: Mapped[Id] = mapped_column(primary_key=True)
    model: Mapped[Plain]
    state: Mapped[LlmBatchState] = mapped_column(_one_of("state", LlmBatchState))
    # whose project its files are in: only keys of that project can look at it
    key_id: Mapped[Id | None]
    input_file_id: Mapped[Plain | None]
    openai_id: Mapped[Plain | None]
    # what OpenAI calls its state, and what was wrong the last time
    status: Mapped[Words | None]
    error: Mapped[Words | None]
    requests: Mapped[int]
    tokens: Mapped[int] = mapped_column(BigInteger)
    # {batch of jobs: [calls, tokens, microusd]}: what was charged; and what came of it, once all was read
    charges: Mapped[PlainJson]
    result: Mapped[JsonWords | None]
    created_at: Mapped[datetime] = mapped_column(index=True)
    # it was about to be made at OpenAI, was made, was over
    tried_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    unreachable_since: Mapped[datetime | None]
    # when to look at it next (none: it is closed), and who does so now
    next_at: Mapped[datetime | None] = mapped_column(index=True)
    lease_owner: Mapped[Plain | None]
    lease_expires_at: Mapped[datetime | None]

    @property
    def is_uncharged(self) -> bool:
        """It is to be charged, and surely was not yet."""
        return self.state in (LlmBatchState.NEW, LlmBatchState.UPLOADED) and self.tried_at is None


class LlmRequest(Base):
    """Questions to the model that can wait for a batch, one row each (`llm/requests.py`)."""

    __tablename__ = "llm_requests"

    # of the question, and its `custom_id` at OpenAI
    id: Mapped[Sha256] = mapped_column(primary_key=True)
    content_sha256: Mapped[BodyHash] = mapped_column(index=True)
    fields: Mapped[PlainJson]
    model: Mapped[Plain]
    # whose budget pays
    batch_id: Mapped[Id] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"), index=True)
    # the request as JSON, only until it is over
    body: Mapped[Words | None]
    body_bytes: Mapped[int]
    # our estimate, and the most that it allows
    input_tokens: Mapped[int]
    output_tokens: Mapped[int]
    state: Mapped[RequestState] = mapped_column(_one_of("state", RequestState))
    attempts: Mapped[int]
    parked_at: Mapped[datetime]
    not_before: Mapped[datetime | None]
    # from then on it is not left to a batch any more
    give_up_at: Mapped[datetime]
    llm_batch_id: Mapped[Id | None] = mapped_column(ForeignKey("llm_batches.id", ondelete="SET NULL"))
    # the completion as it came, with what it used
    answer: Mapped[JsonWords | None]
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    cached_tokens: Mapped[int | None]
    microusd: Mapped[int | None] = mapped_column(BigInteger)
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[Words | None]
    # when a job took the answer
    used_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None] = mapped_column(index=True)

    __table_args__ = (
        Index("ix_llm_requests_state_parked_at", "state", "parked_at"),
        Index("ix_llm_requests_llm_batch_id_state", "llm_batch_id", "state"),
    )
