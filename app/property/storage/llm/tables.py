"""What the model was asked and answered, at once and by OpenAI's batches."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.property.storage.types import Base, Id, Json, RowId, Sha256


class ModelAnswer(Base):
    """Every usable answer of a model by what it was asked, with its tokens, so that nothing is paid for twice."""

    __tablename__ = "model_answers"

    id: Mapped[RowId] = mapped_column(primary_key=True)
    content_sha256: Mapped[Sha256]
    fields: Mapped[Json]
    model: Mapped[str]
    prompt_sha256: Mapped[Sha256]
    answer: Mapped[Json]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = (Index("ix_model_answers_checkpoint", "content_sha256", "prompt_sha256", "model"),)


class ModelBatch(Base):
    """OpenAI's batches: requests that were sent in one file with one key (`llm/batches.py`)."""

    __tablename__ = "model_batches"

    id: Mapped[Id] = mapped_column(primary_key=True)
    model: Mapped[str]
    state: Mapped[str] = mapped_column(String(16))
    # whose project its files are in: only keys of that project can look at it
    key_id: Mapped[Id | None]
    input_file_id: Mapped[str | None]
    openai_id: Mapped[str | None]
    # what OpenAI calls its state, and what was wrong the last time
    status: Mapped[str | None]
    error: Mapped[str | None]
    requests: Mapped[int]
    tokens: Mapped[int] = mapped_column(BigInteger)
    # {batch of jobs: [calls, tokens, microusd]}: what was charged; and what came of it, once all was read
    charges: Mapped[Json]
    result: Mapped[Json | None]
    created_at: Mapped[datetime]
    # it was about to be made at OpenAI, was made, was over
    tried_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    unreachable_since: Mapped[datetime | None]
    # when to look at it next (none: it is closed), and who does so now
    next_at: Mapped[datetime | None] = mapped_column(index=True)
    lease_owner: Mapped[str | None]
    lease_expires_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_model_batches_created_at", "created_at"),)


class ModelRequest(Base):
    """Questions to the model that can wait for a batch, one row each (`llm/requests.py`)."""

    __tablename__ = "model_requests"

    # of the question, and its `custom_id` at OpenAI
    id: Mapped[Sha256] = mapped_column(primary_key=True)
    content_sha256: Mapped[Sha256] = mapped_column(index=True)
    fields: Mapped[Json]
    model: Mapped[str]
    prompt_sha256: Mapped[Sha256]
    # whose budget pays
    batch_id: Mapped[Id] = mapped_column(ForeignKey("batches.id"))
    # the request as JSON, only until it is over
    body: Mapped[str | None]
    body_bytes: Mapped[int]
    # our estimate, and the most that it allows
    input_tokens: Mapped[int]
    output_tokens: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int]
    parked_at: Mapped[datetime]
    not_before: Mapped[datetime | None]
    # from then on it is not left to a batch any more
    give_up_at: Mapped[datetime]
    model_batch_id: Mapped[Id | None] = mapped_column(ForeignKey("model_batches.id"))
    # the completion as it came, with what it used
    answer: Mapped[Json | None]
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    cached_tokens: Mapped[int | None]
    microusd: Mapped[int | None] = mapped_column(BigInteger)
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[str | None]
    used_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None] = mapped_column(index=True)

    __table_args__ = (
        Index("ix_model_requests_state_parked_at", "state", "parked_at"),
        Index("ix_model_requests_model_batch_id_state", "model_batch_id", "state"),
    )


class WebSearch(Base):
    """What a search of the web answered, by what was asked: paid for once (`llm/searches.py`)."""

    __tablename__ = "web_searches"

    id: Mapped[Sha256] = mapped_column(primary_key=True)
    # the address that was looked for, as a target
    target: Mapped[str] = mapped_column(index=True)
    model: Mapped[str]
    answer: Mapped[Json]
    # all URLs in the answer, with blanks around each
    urls: Mapped[str]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    asked_at: Mapped[datetime] = mapped_column(index=True)
