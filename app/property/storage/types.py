"""Column types and the base class of all tables, for SQLite and PostgreSQL."""

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
    """A column for times, which Python code reads as timezone-aware UTC. Storing a naive time raises `ValueError`."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a timezone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def where(condition: ColumnElement[bool] | TextClause) -> dict[str, Any]:
    """Return options that make an `Index` partial: only rows that meet `condition` are indexed."""
    return {"sqlite_where": condition, "postgresql_where": condition}


Id = Annotated[str, mapped_column(String(32))]
Sha256 = Annotated[str, mapped_column(String(64))]
# Every `Text` or `JSON` column has one of the types below, which declares the personal data that the column can
# contain. Purges use this information (`privacy/pii_catalog.py`). Text and JSON without personal data, such as ids,
# codes, and counters.
Plain = Annotated[str, mapped_column(Text, info={"pii": "nothing"})]
PlainJson = Annotated[Any, mapped_column(JSON(none_as_null=True), info={"pii": "nothing"})]
#: Text and JSON from pages, models, or users, which can name people.
Words = Annotated[str, mapped_column(Text, info={"pii": "text"})]
JsonWords = Annotated[Any, mapped_column(JSON(none_as_null=True), info={"pii": "text"})]
#: Name of the person who performed an action. Purges keep it for accountability.
Who = Annotated[str, mapped_column(Text, info={"pii": "operator"})]
#: `Url` is one normalized URL or address. `Urls` is several, with a space before and after each.
Url = Annotated[str, mapped_column(Text, info={"pii": "target"})]
Urls = Annotated[str, mapped_column(Text, info={"pii": "urls"})]
#: An id or hash of a row in another table, without a foreign key to it.
PropertyId = Annotated[str, mapped_column(String(32), info={"pii": "property"})]
JobId = Annotated[str, mapped_column(String(32), info={"pii": "job"})]
BodyHash = Annotated[str, mapped_column(String(64), info={"pii": "body"})]
#: A 64-bit row number. SQLite numbers rows automatically only if the column's type is INTEGER.
RowId = Annotated[int, mapped_column(BigInteger().with_variant(Integer, "sqlite"))]
STATES = ("queued", "running", "deferred", "done", "failed", "cancelled")
#: States of a job that has not ended. A target has at most one such job.
ACTIVE = ("queued", "running", "deferred")
IS_ACTIVE = text("state IN ('queued', 'running', 'deferred')")


class Base(DeclarativeBase):
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
        """Return the named attributes in JSON types, without `_id` at the end of keys. Times are in ISO 8601."""
        values = ((name, getattr(self, name)) for name in names)
        return {
            name.removesuffix("_id"): value.isoformat() if isinstance(value, datetime) else value
            for name, value in values
        }
