"""Alembic migrations: `env.py`, and one file per revision in `versions/`. `storage/schema.py` runs them."""
