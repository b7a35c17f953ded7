"""Read the targets that a form sends, as pasted text or as a file."""

import time
from collections.abc import Callable

from fastapi import UploadFile

from app.errors.targets import InvalidTargetListError, TargetsTooCostlyError
from app.plurals import counted
from app.property.urls.target_lists import InvalidRow, parse_targets
from app.property.urls.targets import normalize_target
from web.limits import MAX_TARGETS, READING_SECONDS, MeteredTargets

_PASTED = "your list"


def typed_targets(
    text: str,
    file: UploadFile | None = None,
    read: Callable[[str], str] = normalize_target,
    skipped: list[InvalidRow] | None = None,
) -> MeteredTargets:
    """Return the normalized targets of `file` if one was sent, else of `text`. `read` normalizes one target.

    If `skipped` is a list, invalid lines are appended to it. Raises `InvalidTargetListError` if the list is invalid,
    and `TargetsTooCostlyError` after `READING_SECONDS` of CPU time.
    """
    spelled: dict[str, str] = {}
    began = time.thread_time()

    def check(target: str) -> None:
        if time.thread_time() - began > READING_SECONDS:
            raise TargetsTooCostlyError(len(spelled), READING_SECONDS)
        spelled[target] = read(target)

    if file is not None and file.filename:
        targets = parse_targets(file.file.read(), file.filename, check, skipped)
    else:
        targets = parse_targets(text.encode("utf-8", "replace"), _PASTED, check, skipped)
    if len(targets) > MAX_TARGETS:
        raise InvalidTargetListError(
            f"There are {counted(len(targets), 'target')}; one form takes {MAX_TARGETS:,} at most."
        )
    return MeteredTargets([spelled[target] for target in targets], time.thread_time() - began)
