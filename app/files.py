"""Create files and folders that only their owner can read, for secrets and personal data."""

import contextlib
import os
import secrets
from pathlib import Path

_FILE_MODE = 0o600
_FOLDER_MODE = 0o700


def private(path: str, flags: int) -> int:
    """Open a file, creating it with mode 0600 if it does not exist. Pass this function as the `opener` of `open`."""
    return os.open(path, flags, _FILE_MODE)


def make_private_folder(folder: Path) -> None:
    """Create `folder` and missing parents. Set its mode to 0700, even if it exists. Raises `OSError` on failure."""
    folder.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
    folder.chmod(_FOLDER_MODE)


def write_once(file: Path, content: bytes) -> None:
    """Create `file` with `content` atomically and sync it to disk. If `file` exists, do not change it.

    If two processes call this at the same time, `file` gets the content of one of them. Raises `OSError` on failure.
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
