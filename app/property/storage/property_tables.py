"""Properties, what their pages say, and what was only said of them."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    func,
    text,
)

from app.property.storage.columns import ID, ROW, SHA256, UtcDateTime, json_column, metadata

properties = Table(
    "properties",
    metadata,
    Column("id", ID, primary_key=True),
    # set once it turned out to be the same as another one: that one is meant
    Column("merged_into", ID, ForeignKey("properties.id"), nullable=True),
    json_column("record"),
    json_column("evidence"),
    json_column("conflicts"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False, index=True),
    # what it is found by (`searching.py`), made of record, conflicts and the URLs of its pages
    Column("search_text", Text, nullable=False, server_default=""),
    Column("standard_status", String(32)),
    Column("conflict_count", Integer, nullable=False, server_default="0"),
    # by which rules it is filed (`identity.KEY_RULES`); an older number: it has to be filed anew (`reindexing.py`)
    Column("key_rules", Integer, nullable=False, server_default="0"),
    Index(
        "ix_properties_key_rules",
        "key_rules",
        "id",
        sqlite_where=text("merged_into IS NULL"),
        postgresql_where=text("merged_into IS NULL"),
    ),
    Index("ix_properties_status_updated", "standard_status", "updated_at", "id"),
    # without those that are listed: SQLite would read all of them by it, and sort
    Index(
        "ix_properties_merged_into",
        "merged_into",
        sqlite_where=text("merged_into IS NOT NULL"),
        postgresql_where=text("merged_into IS NOT NULL"),
    ),
)

#: what a property is known by (`identity.py`): finds it, and keeps two processes from storing it twice
property_keys = Table(
    "property_keys",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("property_id", ID, ForeignKey("properties.id"), nullable=False, index=True),
)

#: the newest data of each page, by the URL that was asked for first
records = Table(
    "records",
    metadata,
    Column("id", ROW, primary_key=True),
    Column("url", Text, nullable=False, unique=True),
    Column("final_url", Text, nullable=False),
    Column("property_id", ID, ForeignKey("properties.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("content_sha256", SHA256, nullable=False),
    Column("fetched_at", UtcDateTime, nullable=False),
    json_column("record"),
    json_column("evidence"),
    json_column("wanted_model"),
    Column("model_note", Text),
    # those fields are asked for again when somebody next wants the page: the model was away when it was read
    Column("asks_again", Boolean(create_constraint=False), nullable=False, server_default=false()),
    Column("stored_at", UtcDateTime, nullable=False),
    # which page that is, in the spelling of a target; none of what was stored before this was known
    Column("page_url", Text, index=True),
    # when its site last said that it still holds
    Column("checked_at", UtcDateTime),
    # by which extractors it was read (`reading/edition.py`)
    Column("edition", String(16)),
    # whose page it is (`record.SourceKind`); empty where nobody said
    Column("source_kind", String(16)),
    # a value is of a field that names people
    Column("names_people", Boolean(create_constraint=False), nullable=False, server_default=false()),
)
#: when a page was last known to say what its record says
AS_OF = func.coalesce(records.c.checked_at, records.c.fetched_at)
#: a condition in the spelling of the index, or SQLite does not use that
NAMES_PEOPLE = records.c.names_people.is_(True)
Index("ix_records_naming_as_of", AS_OF, sqlite_where=NAMES_PEOPLE, postgresql_where=NAMES_PEOPLE)
#: the URLs that a page is known by
RECORD_URLS = (records.c.url, records.c.final_url, records.c.page_url)

#: every value ever read, once per body: what merging loses is still here
observations = Table(
    "observations",
    metadata,
    Column("id", ROW, primary_key=True),
    Column("property_id", ID, ForeignKey("properties.id"), nullable=False),
    Column("field", String(64), nullable=False),
    json_column("value"),
    Column("value_sha256", SHA256, nullable=False),
    json_column("evidence"),
    Column("content_sha256", SHA256, nullable=False),
    Column("source_url", Text, nullable=False),
    Column("observed_at", UtcDateTime, nullable=False),
    UniqueConstraint("property_id", "content_sha256", "field", "value_sha256", name="uq_observations_once"),
    Index("ix_observations_property_id_field", "property_id", "field"),
    # for pruning: names by their field, everything by age
    Index("ix_observations_field_observed_at", "field", "observed_at"),
    Index("ix_observations_observed_at", "observed_at", "id"),
)

#: what was only said of a property: no page that shows it could be read, so it is no part of its record
unverified = Table(
    "unverified",
    metadata,
    Column("id", ROW, primary_key=True),
    Column("property_id", ID, ForeignKey("properties.id"), nullable=False),
    Column("field", String(64), nullable=False),
    json_column("value"),
    Column("quote", Text, nullable=False),
    # the page that was named for it
    Column("url", Text, nullable=False, index=True),
    Column("said_by", Text, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    UniqueConstraint("property_id", "field", "url", name="uq_unverified_once"),
    Index("ix_unverified_field_seen_at", "field", "seen_at"),
)

#: drawers in which properties lie that a slip keeps from sharing a key (`identity.blocks_of`)
property_blocks = Table(
    "property_blocks",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("property_id", ID, ForeignKey("properties.id"), primary_key=True, index=True),
)

#: what people decided on which pages are one property (`overrides.py`): a row for each URL that a decision names
identity_overrides = Table(
    "identity_overrides",
    metadata,
    Column("decision_id", ID, primary_key=True),
    # 0: pages of the property that kept its id, 1: of the other one
    Column("side", Integer, primary_key=True),
    Column("url", Text, primary_key=True, index=True),
    # the same in all rows of a decision
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("who", Text, nullable=False),
    # split, join, or review: two properties that a person has to look at
    Column("kind", String(8), nullable=False),
    Column("reason", Text, nullable=False),
    # the property that kept its id, and the one that came of it (split) or went into it (join)
    Column("property_id", ID, nullable=False, index=True),
    Column("other_id", ID, nullable=False, index=True),
    # ids of properties that had gone into the other one before it was joined
    json_column("replaced"),
    # empty while it is not undone
    Column("undone_at", UtcDateTime, index=True),
    Column("undone_by", Text),
)
