"""Tables of page copies, their contents, page aliases, and origins in private networks."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.property.storage.types import Base, BodyHash, Id, RowId, Sha256, Url, Words, where


class Blob(Base):
    """A page body or its decoded text, compressed. Its key is the SHA-256 of the uncompressed content."""

    __tablename__ = "blobs"

    sha256: Mapped[Sha256] = mapped_column(primary_key=True)
    packed: Mapped[bytes]
    packed_bytes: Mapped[int]
    used_at: Mapped[datetime]  # time when the content was last received, or confirmed by its site

    __table_args__ = (Index("ix_blobs_used_at_packed_bytes", "used_at", "packed_bytes"),)


class PageCopy(Base):
    """A page that was received in full, or a stored page that its site confirmed (304)."""

    __tablename__ = "pages"

    id: Mapped[RowId] = mapped_column(primary_key=True)
    # job whose checkpoint this is; null if none
    job_id: Mapped[Id | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"))
    url: Mapped[Url]
    final_url: Mapped[Url]
    content_type: Mapped[Words]
    sha256: Mapped[Sha256] = mapped_column(ForeignKey("blobs.sha256"))
    text_sha256: Mapped[Sha256] = mapped_column(ForeignKey("blobs.sha256"))
    fetched_at: Mapped[datetime]
    declared_url: Mapped[Url | None]  # canonical URL from the Link header; null if none
    # cache validators for conditional requests; null if none
    etag: Mapped[Words | None]
    last_modified: Mapped[Words | None]
    is_kept: Mapped[bool]  # false for a `no_store` response, which is deleted when its job ends
    confirmed_at: Mapped[datetime | None]  # time when the site answered 304; null if it sent the page in full

    body: Mapped[Blob] = relationship(foreign_keys=[sha256], lazy="joined", innerjoin=True)
    decoded: Mapped[Blob] = relationship(foreign_keys=[text_sha256], lazy="joined", innerjoin=True)

    __table_args__ = (
        UniqueConstraint("job_id", "url"),
        Index("ix_pages_sha256", "sha256"),
        Index("ix_pages_text_sha256", "text_sha256"),
        Index("ix_pages_url", "url"),
        # hash index, because a final URL may be too long for a B-tree
        Index("ix_pages_final_url", "final_url", postgresql_using="hash"),
        Index(
            "ix_pages_declared_url", "declared_url", postgresql_using="hash", **where(text("declared_url IS NOT NULL"))
        ),
    )


#: Time when the page was received or confirmed by its site.
SEEN_AT = func.coalesce(PageCopy.confirmed_at, PageCopy.fetched_at)
Index("ix_pages_seen_at", SEEN_AT)
#: The condition for `no_store` pages. SQLite uses the index only if a query has exactly this condition.
IS_UNKEPT = PageCopy.is_kept.is_(False)
Index("ix_pages_unkept", PageCopy.is_kept, **where(IS_UNKEPT))


class OpenedOrigin(Base):
    """An origin in a private network that a caller's or the operator's own URL entered."""

    __tablename__ = "opened_origins"

    sha256: Mapped[Sha256] = mapped_column(primary_key=True)  # of the origin, whose host may be a name
    at: Mapped[datetime]


class PageAlias(Base):
    __tablename__ = "page_aliases"

    url: Mapped[Url] = mapped_column(primary_key=True)
    page_url: Mapped[Url] = mapped_column(index=True)
    seen_at: Mapped[datetime] = mapped_column(index=True)
    # hash of the body at `url`; null if contents were not compared
    content_sha256: Mapped[BodyHash | None]
    # hash of the body whose record has the same content; null if contents were not compared
    record_sha256: Mapped[BodyHash | None]
