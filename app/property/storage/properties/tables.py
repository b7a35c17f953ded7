"""Tables of properties: what their pages say, what was only claimed of them, decisions on identity, and recipes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.property.record import Evidence, PageKind, SourceKind
from app.property.source_record import SourceRecord
from app.property.storage.types import (
    Base,
    BodyHash,
    Id,
    JsonWords,
    PlainJson,
    PropertyId,
    RowId,
    Sha256,
    Url,
    Who,
    Words,
    where,
)

#: an index in the order of bytes, whatever the database's language
_BY_BYTES = {"url": "text_pattern_ops", "source_url": "text_pattern_ops"}

#: goes with its property
OfProperty = Annotated[str, mapped_column(String(32), ForeignKey("properties.id", ondelete="CASCADE"))]


class Property(Base):
    """What the records of a property say together, or a pointer to the property that it was merged into."""

    __tablename__ = "properties"

    id: Mapped[Id] = mapped_column(primary_key=True)
    # set once it turned out to be the same as another one: that one is meant
    merged_into: Mapped[OfProperty | None]
    record: Mapped[JsonWords]
    evidence: Mapped[JsonWords]
    conflicts: Mapped[JsonWords]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime] = mapped_column(index=True)
    # what it is found by (`rebuild.search_row`), made of record, conflicts and the URLs of its pages
    search_text: Mapped[Words] = mapped_column(server_default="")
    standard_status: Mapped[str | None] = mapped_column(String(32))
    conflict_count: Mapped[int] = mapped_column(server_default="0")
    # by which rules it is filed (`identity.IDENTITY_VERSION`); an older number: it has to be filed anew (`reindex.py`)
    identity_version: Mapped[int] = mapped_column(server_default="0")

    __table_args__ = (
        # due for reindexing; without the columns of lists: SQLite would read all of them by it, and sort
        Index("ix_properties_identity_version", "identity_version", "id", **where(text("merged_into IS NULL"))),
        Index("ix_properties_status_updated", "standard_status", "updated_at", "id"),
        Index("ix_properties_merged_into", "merged_into", **where(text("merged_into IS NOT NULL"))),
    )


class PropertyKey(Base):
    """What a property is found by (`merging/identity.py`).

    A key that is not blocking is of one property only, which keeps two processes from storing it twice. Blocking keys
    find properties that a slip keeps from sharing such a key.
    """

    __tablename__ = "property_keys"

    key: Mapped[str] = mapped_column(String(200), primary_key=True, info={"pii": "key"})
    property_id: Mapped[OfProperty] = mapped_column(primary_key=True, index=True)
    is_blocking: Mapped[bool] = mapped_column(server_default=false())

    __table_args__ = (Index("uq_property_keys_key", "key", unique=True, **where(text("NOT is_blocking"))),)


class SourceRow(Base):
    """The newest data of each page, by the URL that was asked for first."""

    __tablename__ = "source_records"

    id: Mapped[RowId] = mapped_column(primary_key=True)
    url: Mapped[Url]
    final_url: Mapped[Url]
    property_id: Mapped[OfProperty] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(16))
    content_sha256: Mapped[BodyHash]
    fetched_at: Mapped[datetime]
    record: Mapped[JsonWords]
    evidence: Mapped[JsonWords]
    wanted_model: Mapped[PlainJson]
    model_note: Mapped[Words | None]
    # those fields are asked for again when somebody next wants the page: the model was away when it was read
    asks_again: Mapped[bool] = mapped_column(server_default=false())
    stored_at: Mapped[datetime]
    # which page that is, in the spelling of a target; none of what was stored before this was known
    page_url: Mapped[Url | None] = mapped_column(index=True)
    # when its site last said that it still holds
    checked_at: Mapped[datetime | None]
    # by which extractors it was read (`reading/edition.py`)
    edition: Mapped[str | None] = mapped_column(String(16))
    # whose page it is (`record.SourceKind`); empty where nobody said
    source_kind: Mapped[str | None] = mapped_column(String(16))
    # a value is of a field that names people
    names_people: Mapped[bool] = mapped_column(server_default=false())

    __table_args__ = (
        Index("uq_source_records_url", "url", unique=True, postgresql_ops=_BY_BYTES),
        # by hash, since a URL after redirects may be longer than a page of an index takes
        Index("ix_source_records_final_url", "final_url", postgresql_using="hash"),
    )

    def said(self) -> SourceRecord:
        """Return what the page says."""
        return SourceRecord(
            url=self.url,
            final_url=self.final_url,
            kind=PageKind(self.kind),
            content_sha256=self.content_sha256,
            fetched_at=self.fetched_at,
            values=self.record,
            evidence={name: Evidence.model_validate(proof) for name, proof in self.evidence.items()},
            page_url=self.page_url,
            checked_at=self.checked_at,
            source_kind=SourceKind(self.source_kind) if self.source_kind else None,
        )

    def as_json(self) -> dict[str, Any]:
        """Return the shape that interfaces show: JSON types only, without what the page says."""
        names = ("url", "final_url", "kind", "source_kind", "page_url", "fetched_at", "checked_at", "content_sha256")
        return self.shown((*names, "wanted_model", "model_note"))


#: when a page was last known to say what its record says
AS_OF = func.coalesce(SourceRow.checked_at, SourceRow.fetched_at)
#: a condition in the spelling of the index, or SQLite does not use that
NAMES_PEOPLE = SourceRow.names_people.is_(True)
Index("ix_source_records_naming_as_of", AS_OF, sqlite_where=NAMES_PEOPLE, postgresql_where=NAMES_PEOPLE)


class Observation(Base):
    """Every value ever read, once per body: what merging loses is still here."""

    __tablename__ = "observations"

    id: Mapped[RowId] = mapped_column(primary_key=True)
    property_id: Mapped[OfProperty]
    field: Mapped[str] = mapped_column(String(64))
    value: Mapped[JsonWords]
    value_sha256: Mapped[Sha256]
    evidence: Mapped[JsonWords]
    content_sha256: Mapped[BodyHash]
    source_url: Mapped[Url]
    observed_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("property_id", "content_sha256", "field", "value_sha256", name="uq_observations_once"),
        Index("ix_observations_property_id_field", "property_id", "field"),
        # for pruning: names by their field, everything by age
        Index("ix_observations_field_observed_at", "field", "observed_at"),
        Index("ix_observations_observed_at", "observed_at", "id"),
        Index("ix_observations_source_url", "source_url", postgresql_ops=_BY_BYTES),
    )


class Unverified(Base):
    """A value that `said_by` (a method and a model) read on the page `url`, which could not be read here: it is shown
    beside the property's record, never in it."""

    __tablename__ = "unverified"

    id: Mapped[RowId] = mapped_column(primary_key=True)
    property_id: Mapped[OfProperty]
    field: Mapped[str] = mapped_column(String(64))
    value: Mapped[JsonWords]
    quote: Mapped[Words]
    url: Mapped[Url] = mapped_column(index=True)
    said_by: Mapped[Words]
    seen_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("property_id", "field", "url", name="uq_unverified_once"),
        Index("ix_unverified_field_seen_at", "field", "seen_at"),
    )

    def as_json(self) -> dict[str, Any]:
        """Return the shape that interfaces show: JSON types only."""
        return self.shown(("field", "value", "quote", "url", "said_by", "seen_at"))


class IdentityDecision(Base):
    """What a person decided on two properties: `property_id` kept its id, `other_id` came of it (split) or went into it
    (join).

    A `review` is none yet: a page of unknown kind fits both, and a person has to say whether they are one.
    """

    __tablename__ = "identity_decisions"

    id: Mapped[Id] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    who: Mapped[Who]
    kind: Mapped[str] = mapped_column(String(8))
    reason: Mapped[Words]
    property_id: Mapped[PropertyId] = mapped_column(index=True)
    other_id: Mapped[PropertyId] = mapped_column(index=True)
    # ids of properties that had gone into the other one before it was joined
    replaced: Mapped[PlainJson]
    # empty while it is not undone
    undone_at: Mapped[datetime | None] = mapped_column(index=True)
    undone_by: Mapped[Who | None]
    pins: Mapped[list[IdentityPin]] = relationship(lazy="selectin", order_by=lambda: IdentityPin.url)

    @property
    def pages(self) -> list[str]:
        """The URLs of the pages of the other property."""
        return [pin.url for pin in self.pins if pin.side == 1]

    def as_json(self) -> dict[str, Any]:
        """Return the shape that interfaces show: JSON types only."""
        names = "id", "at", "who", "kind", "reason", "property_id", "other_id", "pages", "undone_at", "undone_by"
        return self.shown(names)


class IdentityPin(Base):
    """A URL that a decision names."""

    __tablename__ = "identity_pins"

    decision_id: Mapped[Id] = mapped_column(ForeignKey("identity_decisions.id", ondelete="CASCADE"), primary_key=True)
    # 0: of a page of the property that kept its id, 1: of the other one
    side: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[Url] = mapped_column(primary_key=True, index=True)


class RecipeRow(Base):
    """Where the pages of one template of a host state each field."""

    __tablename__ = "recipes"

    id: Mapped[Id] = mapped_column(primary_key=True)
    host: Mapped[Words]
    # a person wrote it: nothing is learned into it
    written: Mapped[bool]
    # a recipe of another version of the format is not used
    format: Mapped[int]
    # all of it (`app/property/recipes/form.py`)
    document: Mapped[JsonWords]
    updated_at: Mapped[datetime]

    __table_args__ = (Index("ix_recipes_host_updated_at", "host", "updated_at"),)


class RecipeExample(Base):
    """Verified values of a page that a recipe is learned from: deleted with the last stored copy of the page's body."""

    __tablename__ = "recipe_examples"

    recipe_id: Mapped[Id] = mapped_column(ForeignKey("recipes.id", ondelete="CASCADE"), primary_key=True)
    page_url: Mapped[Url] = mapped_column(primary_key=True, index=True)
    content_sha256: Mapped[BodyHash] = mapped_column(index=True)
    # {"values": {field: [value, unit]}, "absent": [field], "unanswered": [field], "row": JSON pointer or null}
    example: Mapped[JsonWords]
    at: Mapped[datetime] = mapped_column(index=True)


#: the URLs that a page is known by
RECORD_URLS = (SourceRow.url, SourceRow.final_url, SourceRow.page_url)
