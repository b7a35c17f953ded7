"""Inspect a database without creating or migrating it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import text

from app.property.storage import errors
from app.property.storage.engine import make_engine, parse_url
from app.property.storage.properties.decisions import count_reviews
from app.property.storage.properties.reindex import count_due
from app.property.storage.schema import HEAD, current

_BUSY_SECONDS = 2.0
#: Select the server's version, the journal mode (SQLite), and the time (PostgreSQL).
_FACTS = {
    "sqlite": text("SELECT sqlite_version(), (SELECT journal_mode FROM pragma_journal_mode), NULL"),
    "postgresql": text("SELECT current_setting('server_version'), NULL, clock_timestamp()"),
}


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """The state of a database. `shown` is the URL without login and secrets.

    Only SQLite has a `file` and `journal_mode`, and only PostgreSQL has a `now`. If the SQLite file is missing,
    `exists` is False and the later attributes are not set. `due` counts properties to reindex, and `reviews` counts
    open reviews; both are 0 unless the schema is current.
    """

    shown: str
    file: Path | None
    exists: bool
    version: str | None = None
    revision: str | None = None
    journal_mode: str | None = None
    now: datetime | None = None
    due: int = 0
    reviews: int = 0


def inspect_database(url: str) -> DatabaseState:
    """Return the state of the database. Raises `ConfigurationError` for an invalid URL, and `StoreError` for an
    unreadable database.
    """
    parsed = parse_url(url)
    file = Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None
    shown = errors.shown(parsed)
    if file is not None and not file.exists():
        return DatabaseState(shown, file, exists=False)
    engine = make_engine(parsed, _BUSY_SECONDS)
    try:
        with errors.translated(parsed), engine.connect().execution_options(begin="BEGIN") as connection:
            revision = current(connection)
            due, reviews = (count_due(connection), count_reviews(connection)) if revision == HEAD else (0, 0)
            version, mode, now = connection.execute(_FACTS[engine.dialect.name]).one()
            return DatabaseState(shown, file, True, version, revision, mode, now, due, reviews)
    finally:
        engine.dispose()
