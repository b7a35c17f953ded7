"""Alembic's environment, which uses the connection of `storage/schema.py`.

For a new revision, add a file to `versions/` like `script.py.mako`, and set `HEAD` in `storage/schema.py`.
"""

from alembic import context

from app.property.storage.tables import metadata

# in batch mode, Alembic rebuilds a table for a change that SQLite cannot make in place
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
