"""What the model was asked and answered, at once and by OpenAI's batches."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from app.property.storage.columns import ID, ROW, SHA256, UtcDateTime, json_column, metadata

#: every usable answer of a model by what it was asked, with its tokens, so that nothing is paid for twice
model_answers = Table(
    "model_answers",
    metadata,
    Column("id", ROW, primary_key=True),
    Column("content_sha256", SHA256, nullable=False),
    json_column("fields"),
    Column("model", Text, nullable=False),
    Column("prompt_sha256", SHA256, nullable=False),
    json_column("answer"),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_model_answers_checkpoint", "content_sha256", "prompt_sha256", "model"),
)

#: OpenAI's batches: requests that were sent in one file with one key (`model_batches.py`)
model_batches = Table(
    "model_batches",
    metadata,
    Column("id", ID, primary_key=True),
    Column("model", Text, nullable=False),
    Column("state", String(16), nullable=False),
    # whose project its files are in: only keys of that project can look at it
    Column("key_id", ID),
    Column("input_file_id", Text),
    Column("openai_id", Text),
    # what OpenAI calls its state, and what was wrong the last time
    Column("status", Text),
    Column("error", Text),
    Column("requests", Integer, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    # {batch of jobs: [calls, tokens, microusd]}: what was charged; and what came of it, once all was read
    json_column("charges"),
    Column("result", JSON(none_as_null=True)),
    Column("created_at", UtcDateTime, nullable=False),
    # it was about to be made at OpenAI, was made, was over
    Column("tried_at", UtcDateTime),
    Column("sent_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("cancelled_at", UtcDateTime),
    Column("unreachable_since", UtcDateTime),
    # when to look at it next (none: it is closed), and who does so now
    Column("next_at", UtcDateTime, index=True),
    Column("lease_owner", Text),
    Column("lease_expires_at", UtcDateTime),
    Index("ix_model_batches_created_at", "created_at"),
)

#: questions to the model that can wait for a batch, one row each (`model_requests.py`)
model_requests = Table(
    "model_requests",
    metadata,
    # of the question, and its `custom_id` at OpenAI
    Column("id", SHA256, primary_key=True),
    Column("content_sha256", SHA256, nullable=False),
    json_column("fields"),
    Column("model", Text, nullable=False),
    Column("prompt_sha256", SHA256, nullable=False),
    # whose budget pays
    Column("batch_id", ID, ForeignKey("batches.id"), nullable=False),
    # the request as JSON, only until it is over
    Column("body", Text),
    Column("body_bytes", Integer, nullable=False),
    # our estimate, and the most that it allows
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("parked_at", UtcDateTime, nullable=False),
    Column("not_before", UtcDateTime),
    # from then on it is not left to a batch any more
    Column("give_up_at", UtcDateTime, nullable=False),
    Column("model_batch_id", ID, ForeignKey("model_batches.id")),
    # the completion as it came, with what it used
    Column("answer", JSON(none_as_null=True)),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("cached_tokens", Integer),
    Column("microusd", BigInteger),
    Column("error_code", String(64)),
    Column("error_message", Text),
    Column("used_at", UtcDateTime),
    Column("finished_at", UtcDateTime, index=True),
    Index("ix_model_requests_state_parked_at", "state", "parked_at"),
    Index("ix_model_requests_model_batch_id_state", "model_batch_id", "state"),
)
