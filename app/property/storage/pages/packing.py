"""Bodies packed and unpacked: zstd, and zlib for what was stored before there was any."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Mapping

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

#: between speed and size; a page of 250 kB takes 2 ms
_LEVEL = 6
_UNPACK: Mapping[str, Callable[[bytes], bytes]] = {"zstd": zstd.decompress, "zlib": zlib.decompress}


def pack(content: bytes) -> tuple[str, bytes]:
    """The name of the packing, and the packed bytes."""
    return "zstd", zstd.compress(content, _LEVEL)


def unpack(packing: str, packed: bytes) -> bytes:
    """What `pack` was given. Raises `ValueError` for a packing of a later version."""
    unpacker = _UNPACK.get(packing)
    if unpacker is None:
        raise ValueError(f"a body packed as {packing} needs a later version")
    return unpacker(packed)
