"""Store each content once, under its SHA-256, compressed with zstd.

The total size is a running total, because a sum over all rows would become slow. Each transaction that adds or deletes
bytes also updates the total.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, exists, func, select, update

from app.property.storage.jobs import usage
from app.property.storage.jobs.models import DailyUsage
from app.property.storage.pages.tables import Blob, PageCopy
from app.property.storage.properties.tables import RecipeExample
from app.property.storage.statements import insert_if_new

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

#: The compression level is a compromise of speed and size. Compressing a page of 250 kB takes 2 ms.
_LEVEL = 6
_BLOBS = Blob.__table__
#: The running total of bytes is the sum of these rows of `daily_usage`. A single row may be negative.
_SUBJECTS = tuple(f"blobs {number}" for number in range(16))
_UNIT = "bytes"


def pack(content: bytes) -> bytes:
    return zstd.compress(content, _LEVEL)


def unpack(packed: bytes) -> bytes:
    return zstd.decompress(packed)


def save_blobs(connection: Connection, blobs: Mapping[str, bytes], now: datetime) -> int:
    """Store each content under its hash, or update the time of its last use; return the compressed bytes added.

    Pass the result to `count_bytes` at the end of the transaction.
    """
    added = 0
    for sha256, content in sorted(blobs.items()):
        known = update(Blob).where(Blob.sha256 == sha256).values(used_at=now)
        if connection.execute(known).rowcount:
            continue
        packed = pack(content)
        row = {"sha256": sha256, "packed": packed, "packed_bytes": len(packed), "used_at": now}
        # another job may have stored and counted the same content meanwhile
        new = insert_if_new(connection, _BLOBS).values(row).returning(_BLOBS.c.packed_bytes)
        added += sum(connection.execute(new).scalars())
    return added


def drop_unused_blobs(connection: Connection, hashes: set[str], *, counted: bool = True) -> list[int]:
    """Delete the blobs of `hashes` without references, and the recipe examples from them; return the blobs' sizes.

    Unless `counted`, the total is not updated: a transaction that will be rolled back must not make others wait.
    """
    if not hashes:
        return []
    # the lock is a separate statement, so that the next one sees references added while this one waited
    connection.execute(select(Blob.sha256).where(Blob.sha256.in_(hashes)).order_by(Blob.sha256).with_for_update())
    unused = (~exists().where(column == Blob.sha256) for column in (PageCopy.sha256, PageCopy.text_sha256))
    drop = delete(Blob).where(Blob.sha256.in_(hashes), *unused).returning(Blob.sha256, Blob.packed_bytes)
    gone = connection.execute(drop).all()
    learned = RecipeExample.content_sha256.in_([row.sha256 for row in gone])
    connection.execute(delete(RecipeExample).where(learned))
    count_bytes(connection, min(hashes), -sum(row.packed_bytes for row in gone) if counted else 0)
    return [row.packed_bytes for row in gone]


def count_bytes(connection: Connection, sha256: str, change: int) -> None:
    """Add `change` to the total, in the row of the hash, so that writers of different blobs rarely wait.

    The row is locked until the transaction ends. Call this last in a transaction, to avoid deadlocks.
    """
    if change:
        subject = _SUBJECTS[int(sha256, 16) % len(_SUBJECTS)]
        usage.add(connection, usage.EVER, subject, _UNIT, change, limit=None)


def stored_bytes(connection: Connection) -> int:
    """Return the compressed size of all blobs."""
    mine = DailyUsage.day == usage.EVER, DailyUsage.subject.in_(_SUBJECTS), DailyUsage.unit == _UNIT
    total = select(func.coalesce(func.sum(DailyUsage.amount), 0)).where(*mine)
    return int(connection.execute(total).scalar_one())
