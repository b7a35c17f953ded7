"""Tables of properties, their records, claims, identity decisions, and recipes."""

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

#: Options for PostgreSQL indexes in byte order, which does not depend on the database's locale.
_BY_BYTES = {"url": "text_pattern_ops", "source_url": "text_pattern_ops"}

#: The id of a property. Rows that refer to it are deleted with it.
OfProperty = Annotated[str, mapped_column(String(32), ForeignKey("properties.id", ondelete="CASCADE"))]


class Property(Base):
    """A property with the merged values of its records, or a pointer to the property that it was merged into."""

    __tablename__ = "properties"

    id: Mapped[Id] = mapped_column(primary_key=True)
    merged_into: Mapped[OfProperty | None]  # the property that it was merged into
    record: Mapped[JsonWords]
    evidence: Mapped[JsonWords]
    conflicts: Mapped[JsonWords]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime] = mapped_column(index=True)
    # the columns for searches (`rebuild.search_row`), made of the record, the conflicts, and the URLs of its pages
    search_text: Mapped[Words] = mapped_column(server_default="")
    standard_status: Mapped[str | None] = mapped_column(String(32))
    conflict_count: Mapped[int] = mapped_column(server_default="0")
    # the `identity.IDENTITY_VERSION` of the keys; with a lower number, the property must be reindexed (`reindex.py`)
    identity_version: Mapped[int] = mapped_column(server_default="0")

    __table_args__ = (
        # for reindexing; if the index had the columns that lists sort by, SQLite would use it for lists, and sort all
        # rows
        Index("ix_properties_identity_version", "identity_version", "id", **where(text("merged_into IS NULL"))),
        Index("ix_properties_status_updated", "standard_status", "updated_at", "id"),
        Index("ix_properties_merged_into", "merged_into", **where(text("merged_into IS NOT NULL"))),
    )


class PropertyKey(Base):
    """A key under which a property is indexed (`merging/identity.py`).

    An exact key belongs to one property only, so that two processes cannot store the property twice. A blocking key
    finds similar properties, for example those that a typing error keeps from sharing an exact key.
    """

    __tablename__ = "property_keys"

    key: Mapped[str] = mapped_column(String(200), primary_key=True, info={"pii": "key"})
    property_id: Mapped[OfProperty] = mapped_column(primary_key=True, index=True)
    is_blocking: Mapped[bool] = mapped_column(server_default=false())

    __table_args__ = (Index("uq_property_keys_key", "key", unique=True, **where(text("NOT is_blocking"))),)


class SourceRow(Base):
    """The newest record of a page, stored under the URL that was requested first."""

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
    # a model was unavailable, and is asked for the wanted fields again at the next request for the page
    asks_again: Mapped[bool] = mapped_column(server_default=false())
    stored_at: Mapped[datetime]
    # the page's URL, spelled as a target; null in old rows
    page_url: Mapped[Url | None] = mapped_column(index=True)
    checked_at: Mapped[datetime | None]  # when the site last confirmed the page
    edition: Mapped[str | None] = mapped_column(String(16))  # the version of the extractors (`reading/edition.py`)
    # who publishes the page (`record.SourceKind`); null if unknown
    source_kind: Mapped[str | None] = mapped_column(String(16))
    names_people: Mapped[bool] = mapped_column(server_default=false())  # a field of the record names people

    __table_args__ = (
        Index("uq_source_records_url", "url", unique=True, postgresql_ops=_BY_BYTES),
        # a hash index, since a URL after redirects may be too long for a B-tree entry
        Index("ix_source_records_final_url", "final_url", postgresql_using="hash"),
    )

    def to_record(self) -> SourceRecord:
        """Return the row as a record."""
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
        """Return the source as interfaces show it, in JSON types, without its values."""
        names = ("url", "final_url", "kind", "source_kind", "page_url", "fetched_at", "checked_at", "content_sha256")
        return self.shown((*names, "wanted_model", "model_note"))


#: The time when a record was last known to be current.
AS_OF = func.coalesce(SourceRow.checked_at, SourceRow.fetched_at)
#: The condition must match the index exactly, or SQLite does not use the index.
NAMES_PEOPLE = SourceRow.names_people.is_(True)
Index("ix_source_records_naming_as_of", AS_OF, sqlite_where=NAMES_PEOPLE, postgresql_where=NAMES_PEOPLE)


class Observation(Base):
    """A value that was read from a body, stored once per body. Values that merging did not choose are kept here."""

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
        # two indexes for pruning: people's names by field and age, and all observations by age
        Index("ix_observations_field_observed_at", "field", "observed_at"),
        Index("ix_observations_observed_at", "observed_at", "id"),
        Index("ix_observations_source_url", "source_url", postgresql_ops=_BY_BYTES),
    )


class Unverified(Base):
    """A value that `reported_by` reported from a page that could not be read; shown beside the record, never in it."""

    __tablename__ = "unverified"

    id: Mapped[RowId] = mapped_column(primary_key=True)
    property_id: Mapped[OfProperty]
    field: Mapped[str] = mapped_column(String(64))
    value: Mapped[JsonWords]
    quote: Mapped[Words]
    url: Mapped[Url] = mapped_column(index=True)
    reported_by: Mapped[Words]
    seen_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("property_id", "field", "url", name="uq_unverified_once"),
        Index("ix_unverified_field_seen_at", "field", "seen_at"),
    )

    def as_json(self) -> dict[str, Any]:
        """Return the claim as interfaces show it, in JSON types."""
        return self.shown(("field", "value", "quote", "url", "seen_at", "reported_by"))


class IdentityDecision(Base):
    """A person's decision on two properties: `other_id` was split off from `property_id`, or joined into it.

    A `review` is a request for a decision: a page of unknown kind fits both properties.
    """

    __tablename__ = "identity_decisions"

    id: Mapped[Id] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    who: Mapped[Who]
    kind: Mapped[str] = mapped_column(String(8))
    reason: Mapped[Words]
    property_id: Mapped[PropertyId] = mapped_column(index=True)
    other_id: Mapped[PropertyId] = mapped_column(index=True)
    replaced: Mapped[PlainJson]  # ids of properties merged into the other property before the decision
    undone_at: Mapped[datetime | None] = mapped_column(index=True)  # null unless the decision was undone
    undone_by: Mapped[Who | None]
    pins: Mapped[list[IdentityPin]] = relationship(lazy="selectin", order_by=lambda: IdentityPin.url)

    @property
    def pages(self) -> list[str]:
        """The URLs of the other property's pages."""
        return [pin.url for pin in self.pins if pin.side == 1]

    def as_json(self) -> dict[str, Any]:
        """Return the decision as interfaces show it, in JSON types."""
        names = "id", "at", "who", "kind", "reason", "property_id", "other_id", "pages", "undone_at", "undone_by"
        return self.shown(names)


class IdentityPin(Base):
    """A URL that a decision names."""

    __tablename__ = "identity_pins"

    decision_id: Mapped[Id] = mapped_column(ForeignKey("identity_decisions.id", ondelete="CASCADE"), primary_key=True)
    # 0: a page of the property that kept its id, 1: a page of the other property
    side: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[Url] = mapped_column(primary_key=True, index=True)


class RecipeRow(Base):
    """A recipe: where the pages of one template of a host have each field."""

    __tablename__ = "recipes"

    id: Mapped[Id] = mapped_column(primary_key=True)
    host: Mapped[Words]
    # whether a person wrote the recipe; learning never changes such a recipe
    written: Mapped[bool]
    format: Mapped[int]  # recipes in another version of the format are not used
    document: Mapped[JsonWords]  # the recipe in JSON (`app/property/recipes/form.py`)
    updated_at: Mapped[datetime]

    __table_args__ = (Index("ix_recipes_host_updated_at", "host", "updated_at"),)


class RecipeExample(Base):
    """Verified values of a page, from which a recipe is learned. Deleted with the last copy of the page's body."""

    __tablename__ = "recipe_examples"

    recipe_id: Mapped[Id] = mapped_column(ForeignKey("recipes.id", ondelete="CASCADE"), primary_key=True)
    page_url: Mapped[Url] = mapped_column(primary_key=True, index=True)
    content_sha256: Mapped[BodyHash] = mapped_column(index=True)
    # {"values": {field: [value, unit]}, "absent": [field], "unanswered": [field], "row": JSON pointer or null}
    example: Mapped[JsonWords]
    at: Mapped[datetime] = mapped_column(index=True)


#: The columns with URLs of a record's page.
RECORD_URLS = (SourceRow.url, SourceRow.final_url, SourceRow.page_url)
