"""The list of targets that a form of a page brings: pasted, or a file."""

from __future__ import annotations

import time
from collections.abc import Callable

from fastapi import UploadFile

from app.errors.targets import InvalidTargetListError, TargetsTooCostlyError
from app.property.urls.target_lists import parse_targets
from app.property.urls.targets import normalise_target
from web.limits import MAX_TARGETS, READING_SECONDS, MeteredTargets

_PASTED = "your list"


def typed_targets(
    text: str, file: UploadFile | None = None, read: Callable[[str], str] = normalise_target
) -> MeteredTargets:
    """Of a file if one was chosen, else of the text, as `parse_targets` has them, each as `read` spells it.

    Raises `InvalidTargetListError`, and `TargetsTooCostlyError` if that takes longer than `READING_SECONDS`.
    """
    spelled: dict[str, str] = {}
    began = time.thread_time()

    def check(target: str) -> None:
        if time.thread_time() - began > READING_SECONDS:
            raise TargetsTooCostlyError(len(spelled), READING_SECONDS)
        spelled[target] = read(target)

    if file is not None and file.filename:
        targets = parse_targets(file.file.read(), file.filename, check)
    else:
        targets = parse_targets(text.encode("utf-8", "replace"), _PASTED, check)
    if len(targets) > MAX_TARGETS:
        raise InvalidTargetListError(f"There are {len(targets):,} targets; one form takes {MAX_TARGETS:,} at most.")
    return MeteredTargets([spelled[target] for target in targets], time.thread_time() - began)
