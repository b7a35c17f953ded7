"""Tell a full disk from other errors of files, and say how much space is left where."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors.storage import NoSpaceError
from app.plurals import counted

#: The error numbers of a full disk and of a used-up quota of a user (errno(3)).
_FULL = (errno.ENOSPC, errno.EDQUOT)
#: Below this many free bytes, an error without a number counts as a full disk.
_FULL_BYTES = 1_000_000


def is_full(exc: BaseException) -> bool:
    return isinstance(exc, OSError) and exc.errno in _FULL


def has_no_space(folder: Path) -> bool:
    """Return whether the disk of `folder` is as good as full; False if that cannot be told."""
    try:
        return shutil.disk_usage(_existing(folder)).free < _FULL_BYTES
    except OSError:
        return False


def space_left(path: Path) -> str:
    """Return the path and the free space of its disk: `/srv/home has 12,288 bytes free`, or `/srv/home` if unknown.

    With a used-up quota, the disk has free space that this user may not take.
    """
    try:
        return f"{path} has {counted(shutil.disk_usage(_existing(path)).free, 'byte')} free"
    except OSError:
        return str(path)


@contextmanager
def naming_full_disk(path: Path) -> Iterator[None]:
    """Convert an `OSError` about a full disk in the `with` block to a `NoSpaceError` that names `path`."""
    try:
        yield
    except OSError as exc:
        if is_full(exc):
            raise NoSpaceError(space_left(path), exc.strerror) from exc
        raise


def _existing(path: Path) -> Path:
    absolute = path.expanduser().absolute()
    return next(folder for folder in (absolute, *absolute.parents) if folder.exists())
