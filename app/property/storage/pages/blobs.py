"""Store page bodies and texts, compressed with zstd. Equal contents are stored once, under their SHA-256."""

import sys
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, exists, select, update

from app.property.storage.pages.tables import Blob, PageCopy
from app.property.storage.properties.tables import RecipeExample
from app.property.storage.statements import insert_if_new

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

#: A zstd level that balances speed and size.
_LEVEL = 6


def pack(content: bytes) -> bytes:
    return zstd.compress(content, _LEVEL)


def unpack(packed: bytes) -> bytes:
    return zstd.decompress(packed)


def save_blobs(connection: Connection, blobs: Mapping[str, bytes], now: datetime) -> None:
    """Store `blobs`, which maps SHA-256 to content. If a content is stored already, only update its `used_at`."""
    for sha256, content in sorted(blobs.items()):
        known = update(Blob).where(Blob.sha256 == sha256).values(used_at=now)
        if not connection.execute(known).rowcount:
            packed = pack(content)
            row = {"sha256": sha256, "packed": packed, "packed_bytes": len(packed), "used_at": now}
            connection.execute(insert_if_new(connection, Blob).values(row))


def drop_unused_blobs(connection: Connection, hashes: set[str]) -> list[int]:
    """Delete the blobs with these `hashes` that no row of `pages` refers to, and recipe examples from these blobs.

    Return the compressed sizes of the deleted blobs.
    """
    if not hashes:
        return []
    # lock in a separate statement, so that the next statement sees references that were added during the wait
    connection.execute(select(Blob.sha256).where(Blob.sha256.in_(hashes)).order_by(Blob.sha256).with_for_update())
    unused = (~exists().where(column == Blob.sha256) for column in (PageCopy.sha256, PageCopy.text_sha256))
    drop = delete(Blob).where(Blob.sha256.in_(hashes), *unused).returning(Blob.sha256, Blob.packed_bytes)
    gone = connection.execute(drop).all()
    learned = RecipeExample.content_sha256.in_([row.sha256 for row in gone])
    connection.execute(delete(RecipeExample).where(learned))
    return [row.packed_bytes for row in gone]
