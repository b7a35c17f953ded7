"""What Alembic runs: migrations on the connection that `storage/schema.py` opened, inside its transaction.

There is no alembic.ini and no URL here. A new revision is a file in `versions/` in the form of `script.py.mako`,
and its number in `HEAD` of `storage/schema.py`.
"""

from __future__ import annotations

from alembic import context

from app.property.storage.tables import metadata


def run() -> None:
    """Migrate on the given connection; SQLite's tables are rebuilt where it cannot alter them ("batch" mode)."""
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
