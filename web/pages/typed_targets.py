"""The list of targets that a form of a page brings: pasted, or a file."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import UploadFile

from app.errors.targets import InvalidTargetListError
from app.property.store import normalise_target
from app.services.target_lists import parse_targets
from web.limits import MAX_TARGETS

_PASTED = "your list"


def typed_targets(
    text: str, file: UploadFile | None = None, check: Callable[[str], object] = normalise_target
) -> list[str]:
    """Of a file if one was chosen, else of the text, as `parse_targets` has them. Raises `InvalidTargetListError`."""
    if file is not None and file.filename:
        targets = parse_targets(file.file.read(), file.filename, check)
    else:
        targets = parse_targets(text.encode("utf-8", "replace"), _PASTED, check)
    if len(targets) > MAX_TARGETS:
        raise InvalidTargetListError(f"There are {len(targets):,} targets; one form takes {MAX_TARGETS:,} at most.")
    return targets
