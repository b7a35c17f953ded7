"""Run the commands of the database runbooks as written: they must restore the data and upgrade the schema."""

import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from app.property.page import Page
from app.property.record import Evidence, Method, PageKind
from app.property.source_record import SourceRecord
from app.property.storage.pages.repository import PageStore, unpack
from app.property.storage.pages.tables import Blob
from app.property.storage.schema import HEAD, upgrade
from app.property.storage.tables import metadata
from app.services.runtime.stores import open_stores
from app.settings import VARIABLE_PREFIXES, Settings
from benchmarks.postgresql import PostgreSQL, programs
from benchmarks.saving import save_record
from tests.plugins.documented import blocks

_BACKUP = "docs/runbooks/backup-and-restore.md"
#: Nothing listens at this address, so no test waits for task results to be deleted.
_NO_REDIS = "redis://127.0.0.1:1/0"


def _empty_database(server: PostgreSQL) -> str:
    """Create an empty database, and return its URL in the format of PostgreSQL's own programs."""
    name = f"t{uuid.uuid4().hex}"
    with server.connect() as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
    return f"postgresql://postgres@/{name}?host={server.folder}"


def _commands(page: str, program: str) -> list[str]:
    found = [block.text for block in blocks() if block.page == page and program in block.text]
    assert found, f"{page} calls no {program}"
    return found


def _bash(script: str, place: Path, **variables: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith(VARIABLE_PREFIXES)}
    folders = [Path(sys.executable).parent, *filter(None, [programs()])]
    clean["PATH"] = ":".join([*map(str, folders), clean["PATH"]])
    environment = clean | {"PROPINTEL_ENV_FILE": ""} | variables
    done = subprocess.run(
        ["bash", "-euc", script], env=environment, cwd=place, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _store(settings: Settings, url: str = "http://homes.example/1", agent: str = "nobody") -> str:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    page = Page(url, url, "text/html", f"<p>Call {agent}</p>", f"<p>Call {agent}</p>".encode(), at)
    proof = Evidence(
        value=7, raw="7", method=Method.LABEL, locator="/html", quote=f"7 by {agent}", source_url=url, fetched_at=at,
        content_sha256="0" * 64, confidence=0.9,
    )  # fmt: skip
    with open_stores(settings) as stores:
        record = SourceRecord(url, url, PageKind.LISTING, "0" * 64, at, {"ListPrice": 7}, {"ListPrice": proof})
        PageStore(stores.database).save_page(page)
        return save_record(stores.properties, record)


def _stored_price(settings: Settings, property_id: str) -> object:
    with open_stores(settings) as stores:
        return stores.properties.get(property_id)["record"]["ListPrice"]


def _purge_all(place: Path, property_id: str, **variables: str) -> None:
    purges = (f"--property {property_id}", "--host gone.example", "--person 'Quackenbush, Ottilie'")
    (place / "purges.sh").write_text("".join(f"propintel purge {what} --yes\n" for what in purges))
    _bash("bash purges.sh", place, **variables)


def _contents(settings: Settings) -> str:
    with open_stores(settings) as stores, stores.database.reading() as connection:
        rows = [str(row) for table in metadata.sorted_tables for row in connection.execute(select(table)).all()]
        packed = connection.execute(select(Blob.packed)).scalars().all()
    return "\n".join([*rows, *(unpack(bytes(one)).decode() for one in packed)])


_PURGED = ("Quackenbush", "gone.example", "forgotten")


def _store_all(settings: Settings) -> tuple[str, str]:
    """Store three properties, and return the IDs of one that stays and one that will be purged."""
    forgotten = _store(settings, "http://homes.example/forgotten")
    _store(settings, "http://www.gone.example/1")
    return _store(settings, agent="Ottilie Quackenbush"), forgotten


@pytest.mark.long
@pytest.mark.timeout(900)
def test_sqlite_is_restored_from_its_copy_without_data_that_was_purged_since(tmp_path: Path) -> None:
    """Data written after the backup is missing after the restore."""
    settings = Settings.of(propintel_home=tmp_path / "home", redis_url=SecretStr(_NO_REDIS))
    variables = {"PROPINTEL_HOME": str(tmp_path / "home"), "REDIS_URL": _NO_REDIS}
    kept, forgotten = _store_all(settings)
    backup, restore = _commands(_BACKUP, 'propintel.sqlite3"')
    with open_stores(settings):
        _bash(backup, tmp_path, **variables)
    with open_stores(settings) as stores:
        stores.jobs.enqueue(["http://homes.example/later"])
    _purge_all(tmp_path, forgotten, **variables)
    assert not any(word in _contents(settings) for word in _PURGED)

    load, _, _ = restore.partition("propintel db")
    _bash(load, tmp_path, **variables)
    assert all(word in _contents(settings) for word in _PURGED), "the backup must contain the purged data"
    _bash(restore, tmp_path, **variables)
    assert not any(word in _contents(settings) for word in _PURGED)
    files = [path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert not any(word.encode() in held for held in files for word in _PURGED)
    assert _stored_price(settings, kept) == 7
    with open_stores(settings) as stores:
        assert stores.jobs.enqueue(["http://homes.example/later"]).new, "a later job survived the restore"


@pytest.mark.timeout(900)
def test_postgresql_is_restored_from_its_dump_without_data_that_was_purged_since(
    postgresql: PostgreSQL, tmp_path: Path
) -> None:
    old, new = _empty_database(postgresql), _empty_database(postgresql)
    upgrade(old)
    fleet = {"PRIVACY_KEY": "k" * 32, "REDIS_URL": _NO_REDIS}

    def on(url: str) -> Settings:
        return Settings.of(database_url=SecretStr(url), privacy_key=SecretStr("k" * 32))

    kept, forgotten = _store_all(on(old))
    (backup,), (restore,) = _commands(_BACKUP, "pg_dump"), _commands(_BACKUP, "pg_restore")
    _bash(backup, tmp_path, PGURL=old)
    _purge_all(tmp_path, forgotten, DATABASE_URL=old, **fleet)
    assert not any(word in _contents(on(old)) for word in _PURGED)

    _bash(restore, tmp_path, PGURL=new, DATABASE_URL=new, **fleet)
    assert not any(word in _contents(on(new)) for word in _PURGED)
    assert _stored_price(on(new), kept) == 7


def test_the_schema_is_upgraded_as_the_runbook_describes(postgresql: PostgreSQL, tmp_path: Path) -> None:
    """After the upgrade, `doctor` reports no problem with the database, even without a running broker."""
    url = _empty_database(postgresql)
    (block,) = _commands("docs/runbooks/upgrade.md", "db upgrade")
    before, _, after = block.replace("propintel doctor", "propintel db current").partition("propintel db upgrade")
    output = _bash(before, tmp_path, DATABASE_URL=url)
    assert '"current": null' in output
    assert f'"current": "{HEAD}"' in _bash(f"propintel db upgrade{after}", tmp_path, DATABASE_URL=url)
