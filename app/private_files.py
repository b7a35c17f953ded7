"""Files and folders that only their owner may read, from the moment they exist. Whatever may hold secrets or personal
data is made here; modes of files that are there already stay as they are.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

MODE = 0o600
FOLDER_MODE = 0o700


def opener(path: str, flags: int) -> int:
    """Open as `open()` does, for its parameter of that name; a file that this makes has mode 0600."""
    return os.open(path, flags, MODE)


def make_folder(folder: Path) -> None:
    """Make `folder` and its parents with mode 0700, and give a `folder` that is there that mode. Raises `OSError`."""
    folder.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    folder.chmod(FOLDER_MODE)


def write_once(file: Path, content: bytes) -> None:
    """Create `file` whole, on the disk when this returns. One that another process made meanwhile is kept.

    Raises `OSError`.
    """
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    with open(draft, "xb", opener=opener) as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    try:
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
    finally:
        draft.unlink()
