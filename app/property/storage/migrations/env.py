"""Alembic's environment: it runs migrations on the connection that `storage/schema.py` opened.

For a new revision, add a file to `versions/` in the form of `script.py.mako`, and set `HEAD` in `storage/schema.py` to
its number.
"""

from alembic import context

from app.property.storage.tables import metadata

# in batch mode, Alembic rebuilds tables for changes that SQLite cannot make in place
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
