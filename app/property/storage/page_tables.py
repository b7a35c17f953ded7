"""Pages as they came, by which URLs they are known, what searches answered, and what was purged."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    true,
)

from app.property.storage.columns import ID, ROW, SHA256, UtcDateTime, json_column, metadata

#: bytes by the SHA-256 of what they are uncompressed; a page's body and its decoded text are both kept here
bodies = Table(
    "bodies",
    metadata,
    Column("sha256", SHA256, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("packed", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # zstd or zlib (`packing.py`)
    Column("packing", String(8), nullable=False, server_default="zlib"),
    Column("packed_bytes", Integer, nullable=False, server_default="0"),
    # when it was last received, or last said by its site to hold
    Column("used_at", UtcDateTime, nullable=False, server_default="1970-01-01 00:00:00"),
    Index("ix_bodies_used_at_packed_bytes", "used_at", "packed_bytes"),
)

pages = Table(
    "pages",
    metadata,
    Column("id", ROW, primary_key=True),
    # the job whose checkpoint it is; none for a page fetched without a job, or one that the job gave up
    Column("job_id", ID, ForeignKey("jobs.id")),
    Column("url", Text, nullable=False),
    Column("final_url", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("sha256", SHA256, ForeignKey("bodies.sha256"), nullable=False),
    Column("text_sha256", SHA256, ForeignKey("bodies.sha256"), nullable=False),
    Column("fetched_at", UtcDateTime, nullable=False),
    # the canonical URL that the answer's Link header named
    Column("declared_url", Text),
    # False: its site does not want it kept, so it goes when its job is over
    Column("is_kept", Boolean(create_constraint=False), nullable=False, server_default=true()),
    # when its site said to this job that what was kept before still holds; empty: it came whole
    Column("confirmed_at", UtcDateTime),
    UniqueConstraint("job_id", "url"),
    Index("ix_pages_sha256", "sha256"),
    Index("ix_pages_text_sha256", "text_sha256"),
)

#: what each URL answered last, and how to ask it whether that still holds
site_answers = Table(
    "site_answers",
    metadata,
    Column("url", Text, primary_key=True),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("content_type", Text, nullable=False),
    Column("sha256", SHA256, ForeignKey("bodies.sha256"), nullable=False, index=True),
    Column("text_sha256", SHA256, ForeignKey("bodies.sha256"), nullable=False, index=True),
    Column("declared_url", Text),
    Column("fetched_at", UtcDateTime, nullable=False),
)

#: targets that turned out to be the page of another URL (`page_index.py`)
page_urls = Table(
    "page_urls",
    metadata,
    Column("url", Text, primary_key=True),
    Column("page_url", Text, nullable=False, index=True),
    Column("seen_at", UtcDateTime, nullable=False, index=True),
    # its own body, and the body of the record that says all that this one does
    Column("content_sha256", SHA256),
    Column("record_sha256", SHA256),
)

#: which job reads a page: only while it runs
page_readers = Table(
    "page_readers",
    metadata,
    Column("page_url", Text, primary_key=True),
    Column("job_id", ID, nullable=False, index=True),
)

#: who purged what kind of thing, and in numbers what went
purges = Table(
    "purges",
    metadata,
    Column("id", ID, primary_key=True),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("who", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    json_column("removed"),
)

#: hashes of what was purged lately, so that nothing that was fetched before is stored after
purge_marks = Table(
    "purge_marks",
    metadata,
    Column("mark", SHA256, primary_key=True),
    Column("at", UtcDateTime, nullable=False, index=True),
)

#: whose name may not be stored again: keyed hashes of its forms (`purged_names.py`)
purged_names = Table(
    "purged_names",
    metadata,
    Column("mark", SHA256, primary_key=True),
    # short hashes of its words, by which it is told fast that a text does not hold it
    Column("words", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False, index=True),
    # with which key it was hashed
    Column("key_id", String(16), nullable=False),
)

#: pages that a job asked for in vain: it does not ask again for what stays so (`source_tries.py`)
source_tries = Table(
    "source_tries",
    metadata,
    Column("job_id", ID, primary_key=True),
    Column("url", Text, primary_key=True),
    Column("code", String(64), nullable=False),
    Column("message", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("is_final", Boolean(create_constraint=False), nullable=False),
)

#: what a search of the web answered, by what was asked: paid for once (`searches.py`)
web_searches = Table(
    "web_searches",
    metadata,
    Column("id", SHA256, primary_key=True),
    # the address that was looked for, as a target
    Column("target", Text, nullable=False, index=True),
    Column("model", Text, nullable=False),
    json_column("answer"),
    # all URLs in the answer, with blanks around each
    Column("urls", Text, nullable=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False, index=True),
)
