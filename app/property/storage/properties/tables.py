"""Tables of properties, their records, claims, identity decisions, and recipes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.property.record import Evidence, PageKind, SourceKind
from app.property.source_record import SourceRecord, Tenure
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

#: Index options with which PostgreSQL sorts URLs by bytes in any locale.
_BY_BYTES = {"url": "text_pattern_ops", "source_url": "text_pattern_ops"}

#: A foreign key to a property; a deleted property deletes the row.
OfProperty = Annotated[str, mapped_column(String(32), ForeignKey("properties.id", ondelete="CASCADE"))]


class Property(Base):
    """A property with the merged values of its records, or a reference to the property it was merged into."""

    __tablename__ = "properties"

    id: Mapped[Id] = mapped_column(primary_key=True)
    merged_into: Mapped[OfProperty | None]
    record: Mapped[JsonWords]
    evidence: Mapped[JsonWords]
    conflicts: Mapped[JsonWords]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime] = mapped_column(index=True)
    # the next three columns are for searches (`rebuild.search_row`); a null status means unknown
    search_text: Mapped[Words] = mapped_column(server_default="")
    standard_status: Mapped[str | None] = mapped_column(String(32))
    conflict_count: Mapped[int] = mapped_column(server_default="0")
    # version of the rules that made the keys; if older than `identity.IDENTITY_VERSION`, the property is reindexed
    identity_version: Mapped[int] = mapped_column(server_default="0")

    __table_args__ = (
        # for reindexing; if it contained `updated_at`, SQLite would use it for lists and then sort all rows
        Index("ix_properties_identity_version", "identity_version", "id", **where(text("merged_into IS NULL"))),
        Index("ix_properties_status_updated", "standard_status", "updated_at", "id"),
        Index("ix_properties_merged_into", "merged_into", **where(text("merged_into IS NOT NULL"))),
    )


class PropertyKey(Base):
    """A key that finds a property (`merging/identity.py`).

    An exact key is unique, so two processes cannot store the same property twice. Several properties can share a
    blocking key, which finds similar properties despite typing errors.
    """

    __tablename__ = "property_keys"

    key: Mapped[str] = mapped_column(String(200), primary_key=True, info={"pii": "key"})
    property_id: Mapped[OfProperty] = mapped_column(primary_key=True, index=True)
    is_blocking: Mapped[bool] = mapped_column(server_default=false())

    __table_args__ = (Index("uq_property_keys_key", "key", unique=True, **where(text("NOT is_blocking"))),)


class SourceRow(Base):
    """The newest record of a page. `url` is the URL that was first requested."""

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
    # true if the model was unavailable; the next request for the page asks the model again
    asks_again: Mapped[bool] = mapped_column(server_default=false())
    stored_at: Mapped[datetime]
    # canonical URL (`urls/canonical.py`); null if unknown
    page_url: Mapped[Url | None] = mapped_column(index=True)
    checked_at: Mapped[datetime | None]  # time when the page was last found unchanged; null if never
    # version of the extractors (`reading/edition.py`); null if the body must be read again
    edition: Mapped[str | None] = mapped_column(String(16))
    # kind of the source (`record.SourceKind`); null if unknown
    source_kind: Mapped[str | None] = mapped_column(String(16))
    names_people: Mapped[bool] = mapped_column(server_default=false())
    # {"since": {field: time}, "changed_at": {field: time}, "former": {field: value}} (`source_record.Tenure`)
    tenures: Mapped[JsonWords] = mapped_column(default=dict)

    __table_args__ = (
        Index("uq_source_records_url", "url", unique=True, postgresql_ops=_BY_BYTES),
        # hash index, because a URL after redirects may be too long for a B-tree index
        Index("ix_source_records_final_url", "final_url", postgresql_using="hash"),
    )

    def to_record(self) -> SourceRecord:
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
            tenures={
                name: Tenure(
                    datetime.fromisoformat(since),
                    datetime.fromisoformat(self.tenures["changed_at"][name]),
                    self.tenures["former"].get(name),
                )
                for name, since in self.tenures.get("since", {}).items()
            },
        )

    def as_json(self) -> dict[str, Any]:
        names = ("url", "final_url", "kind", "source_kind", "page_url", "fetched_at", "checked_at", "content_sha256")
        return self.shown((*names, "wanted_model", "model_note"))


#: Time when the record was last known to match its page.
AS_OF = func.coalesce(SourceRow.checked_at, SourceRow.fetched_at)
#: Queries must use exactly this condition, or SQLite ignores the index below.
NAMES_PEOPLE = SourceRow.names_people.is_(True)
Index("ix_source_records_naming_as_of", AS_OF, sqlite_where=NAMES_PEOPLE, postgresql_where=NAMES_PEOPLE)


class Observation(Base):
    """A value that was read from a page's body, stored once per body, even if merging chose another value."""

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
        # these two indexes are for deleting old names of people and old observations
        Index("ix_observations_field_observed_at", "field", "observed_at"),
        Index("ix_observations_observed_at", "observed_at", "id"),
        Index("ix_observations_source_url", "source_url", postgresql_ops=_BY_BYTES),
    )


class Unverified(Base):
    """A value that `reported_by`, such as a web search, reported from a page that was not read.

    Such claims are shown beside the record, and never become part of it.
    """

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
        return self.shown(("field", "value", "quote", "url", "seen_at", "reported_by"))


class IdentityDecision(Base):
    """A decision that `other_id` was split from `property_id` or merged into it.

    If `kind` is `review`, nothing is decided: a page of unknown kind matches both properties.
    """

    __tablename__ = "identity_decisions"

    id: Mapped[Id] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    who: Mapped[Who]
    kind: Mapped[str] = mapped_column(String(8))
    reason: Mapped[Words]
    property_id: Mapped[PropertyId] = mapped_column(index=True)
    other_id: Mapped[PropertyId] = mapped_column(index=True)
    replaced: Mapped[PlainJson]  # ids of properties that were merged into the other property before the decision
    undone_at: Mapped[datetime | None] = mapped_column(index=True)
    undone_by: Mapped[Who | None]
    pins: Mapped[list[IdentityPin]] = relationship(lazy="selectin", order_by=lambda: IdentityPin.url)

    @property
    def pages(self) -> list[str]:
        return [pin.url for pin in self.pins if pin.side == 1]

    def as_json(self) -> dict[str, Any]:
        names = "id", "at", "who", "kind", "reason", "property_id", "other_id", "pages", "undone_at", "undone_by"
        return self.shown(names)


class IdentityPin(Base):
    __tablename__ = "identity_pins"

    decision_id: Mapped[Id] = mapped_column(ForeignKey("identity_decisions.id", ondelete="CASCADE"), primary_key=True)
    # 0 for a page of `property_id`, 1 for a page of `other_id`
    side: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[Url] = mapped_column(primary_key=True, index=True)


class RecipeRow(Base):
    """A recipe: where the pages of one template on a host state each field."""

    __tablename__ = "recipes"

    id: Mapped[Id] = mapped_column(primary_key=True)
    host: Mapped[Words]
    # whether a person wrote the recipe; learning never changes such a recipe
    written: Mapped[bool]
    format: Mapped[int]  # version of the recipe format; recipes of other versions are not used
    document: Mapped[JsonWords]
    updated_at: Mapped[datetime]

    __table_args__ = (Index("ix_recipes_host_updated_at", "host", "updated_at"),)


class RecipeExample(Base):
    """Verified values of a page, from which a recipe is learned. It is deleted with the page's body."""

    __tablename__ = "recipe_examples"

    recipe_id: Mapped[Id] = mapped_column(ForeignKey("recipes.id", ondelete="CASCADE"), primary_key=True)
    page_url: Mapped[Url] = mapped_column(primary_key=True, index=True)
    content_sha256: Mapped[BodyHash] = mapped_column(index=True)
    # {"values": {field: [value, unit]}, "absent": [field], "unanswered": [field], "row": JSON pointer or null}
    example: Mapped[JsonWords]
    at: Mapped[datetime] = mapped_column(index=True)


RECORD_URLS = (SourceRow.url, SourceRow.final_url, SourceRow.page_url)
