"""Alembic migrations, one file per revision in `versions/`. `storage/schema.py` runs them."""
