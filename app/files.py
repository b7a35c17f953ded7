"""Create files and folders for secrets or personal data, which only their owner can read.

An existing file keeps its mode.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

_FILE_MODE = 0o600
_FOLDER_MODE = 0o700


def private(path: str, flags: int) -> int:
    """Open a file, for `open(..., opener=private)`. A new file gets mode 0600."""
    return os.open(path, flags, _FILE_MODE)


def make_private_folder(folder: Path) -> None:
    """Create `folder`, and its parent if necessary, with mode 0700. An existing `folder` gets that mode too.

    Raises `OSError`.
    """
    folder.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
    folder.chmod(_FOLDER_MODE)


def write_once(file: Path, content: bytes) -> None:
    """Create `file` with its content atomically and sync it to disk. An existing `file` is kept.

    If two processes call this function at the same time, the content written first stays. Raises `OSError`.
    """
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    with open(draft, "xb", opener=private) as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    try:
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
    finally:
        draft.unlink()
