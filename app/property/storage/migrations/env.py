"""Alembic's environment: runs migrations on the connection of `storage/schema.py`, inside its transaction.

There is no alembic.ini and no URL here. For a new revision, add a file in `versions/` in the form of `script.py.mako`,
and set `HEAD` in `storage/schema.py` to its number.
"""

from __future__ import annotations

from alembic import context

from app.property.storage.tables import metadata


def run() -> None:
    """Migrate on the given connection. Tables that SQLite cannot alter are rebuilt ("batch" mode)."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        render_as_batch=True,
        transactional_ddl=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
