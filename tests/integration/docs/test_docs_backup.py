"""The runbooks about databases: what they say is typed, and what was stored is there again."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from app.property.store import downgrade, upgrade
from app.property.store.schema import HEAD
from app.services.stores import open_stores
from app.settings import VARIABLE_PREFIXES, Settings
from benchmarks.postgresql import PostgreSQL, programs
from tests.plugins.documented import blocks
from tests.plugins.page_records import page_record

_BACKUP = "docs/runbooks/backup-and-restore.md"


def _empty_database(server: PostgreSQL) -> str:
    """-> the URL of a database without a schema, in PostgreSQL's own form."""
    name = f"t{uuid.uuid4().hex}"
    with server.connect() as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
    return f"postgresql://postgres@/{name}?host={server.folder}"


def _typed(page: str, program: str) -> list[str]:
    """The page's blocks that call `program`."""
    found = [block.text for block in blocks() if block.page == page and program in block.text]
    assert found, f"{page} calls no {program}"
    return found


def _bash(script: str, place: Path, **variables: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith(VARIABLE_PREFIXES)}
    folders = [Path(sys.executable).parent, *filter(None, [programs()])]
    clean["PATH"] = ":".join([*map(str, folders), clean["PATH"]])
    environment = clean | {"PROPINTEL_ENV_FILE": ""} | variables
    done = subprocess.run(
        ["bash", "-euc", script], env=environment, cwd=place, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _store(settings: Settings) -> str:
    """Store a property; -> its id."""
    at, url = datetime(2026, 1, 1, tzinfo=UTC), "http://homes.example/1"
    with open_stores(settings) as stores:
        return stores.properties.save_record(page_record(url, {"ListPrice": 7}, at))


def _stored_price(settings: Settings, property_id: str) -> object:
    with open_stores(settings) as stores:
        return stores.properties.get(property_id)["record"]["ListPrice"]


def test_sqlite_comes_back_from_its_copy(tmp_path: Path) -> None:
    """The copy is made while the database is open, and what was written after it is gone after the restore."""
    settings = Settings(_env_file=None, propintel_home=tmp_path / "home")
    kept = _store(settings)
    backup, restore = _typed(_BACKUP, "propintel.sqlite3")
    with open_stores(settings):
        _bash(backup, tmp_path, PROPINTEL_HOME=str(tmp_path / "home"))
    with open_stores(settings) as stores:
        stores.jobs.enqueue(["http://homes.example/later"])
    assert HEAD in _bash(restore, tmp_path, PROPINTEL_HOME=str(tmp_path / "home"))
    assert _stored_price(settings, kept) == 7
    with open_stores(settings) as stores:
        assert stores.jobs.enqueue(["http://homes.example/later"]).new, "the backup does not know of it"


def test_postgresql_comes_back_from_its_dump(postgresql: PostgreSQL, tmp_path: Path) -> None:
    old, new = _empty_database(postgresql), _empty_database(postgresql)
    upgrade(old)
    kept = _store(Settings(_env_file=None, database_url=SecretStr(old)))
    (backup,), (restore,) = _typed(_BACKUP, "pg_dump"), _typed(_BACKUP, "pg_restore")
    _bash(backup, tmp_path, PGURL=old)
    assert HEAD in _bash(restore, tmp_path, PGURL=new, DATABASE_URL=new)
    assert _stored_price(Settings(_env_file=None, database_url=SecretStr(new)), kept) == 7


def test_the_schema_is_brought_up_to_date_as_the_runbook_says(postgresql: PostgreSQL, tmp_path: Path) -> None:
    """`doctor` has nothing to say about the database then; a broker there is none."""
    url = _empty_database(postgresql)
    upgrade(url)
    downgrade(url, f"{int(HEAD) - 1:04}")
    (block,) = _typed("docs/runbooks/upgrade.md", "db upgrade")
    before, _, after = block.replace("propintel doctor", "propintel db current").partition("propintel db upgrade")
    said = _bash(before, tmp_path, DATABASE_URL=url)
    assert f"{int(HEAD) - 1:04}" in said
    assert f'"current": "{HEAD}"' in _bash(f"propintel db upgrade{after}", tmp_path, DATABASE_URL=url)
