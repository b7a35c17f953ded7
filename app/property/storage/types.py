"""What tables are made of: the one type for time, names of constraints, and columns that many have.

Types are those that SQLite and PostgreSQL share.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    Dialect,
    Enum,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TextClause,
    text,
)
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: timezone-aware UTC in Python, whatever the database keeps. Naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a timezone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def where(condition: ColumnElement[bool] | TextClause) -> dict[str, Any]:
    """Options of an `Index` that holds only the rows for which `condition` holds, on both databases."""
    return {"sqlite_where": condition, "postgresql_where": condition}


Id = Annotated[str, mapped_column(String(32))]
Sha256 = Annotated[str, mapped_column(String(64))]
#: None is kept as SQL NULL
Json = Annotated[Any, mapped_column(JSON(none_as_null=True))]
# What a column can hold of people, properties, and sites, for purges: every column of text or JSON is of one of these
# (`privacy/pii_catalog.py`).
#: ids, codes, facts of keys: nothing of people
Plain = Annotated[str, mapped_column(Text, info={"pii": "nothing"})]
PlainJson = Annotated[Any, mapped_column(JSON(none_as_null=True), info={"pii": "nothing"})]
#: words of pages, models, or users
Words = Annotated[str, mapped_column(Text, info={"pii": "text"})]
JsonWords = Annotated[Any, mapped_column(JSON(none_as_null=True), info={"pii": "text"})]
#: who did something, kept as the account of it
Who = Annotated[str, mapped_column(Text, info={"pii": "operator"})]
#: one URL or address in the spelling of a target, and several URLs with blanks around each
Url = Annotated[str, mapped_column(Text, info={"pii": "target"})]
Urls = Annotated[str, mapped_column(Text, info={"pii": "urls"})]
#: of what there is no foreign key to
PropertyId = Annotated[str, mapped_column(String(32), info={"pii": "property"})]
JobId = Annotated[str, mapped_column(String(32), info={"pii": "job"})]
BodyHash = Annotated[str, mapped_column(String(64), info={"pii": "body"})]
#: a row number that does not run out; SQLite numbers rows only under the name INTEGER
RowId = Annotated[int, mapped_column(BigInteger().with_variant(Integer, "sqlite"))]
STATES = ("queued", "running", "deferred", "done", "failed", "cancelled")
#: states in which no second job for the same target may exist
ACTIVE = ("queued", "running", "deferred")
IS_ACTIVE = text("state IN ('queued', 'running', 'deferred')")


class Base(DeclarativeBase):
    """What all mapped classes share: names of constraints, and columns by the types of their annotations."""

    __table__: ClassVar[Table]

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 (as SQLAlchemy wants it)
        str: Text,
        float: Float,
        datetime: UtcDateTime,
        bool: Boolean(create_constraint=False),
        StrEnum: Enum(StrEnum, native_enum=False, length=16, values_callable=list),
    }

    def shown(self, names: Iterable[str]) -> dict[str, Any]:
        """Return these attributes as JSON, ids of other rows by the name of what they are of."""
        values = ((name, getattr(self, name)) for name in names)
        return {
            name.removesuffix("_id"): value.isoformat() if isinstance(value, datetime) else value
            for name, value in values
        }
