"""Functions that the other examples share: follow the feed of changes with only Python's standard library."""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Change = dict[str, Any]
_TIMEOUT_SECONDS = 30.0
_LONGEST_WAIT_SECONDS = 60.0


def follow(url: str, token: str, since: str | None, *, limit: int) -> Iterator[tuple[list[Change], str]]:
    """Yield pages of changes after `since`, each with the cursor to continue from. Store a page before its cursor."""
    while True:
        asked = {"limit": limit, **({"since": since} if since else {})}
        address = f"{url}/api/v1/changes?{urllib.parse.urlencode(asked)}"
        request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})  # noqa: S310
        page = json.loads(with_retries(request))["data"]
        since = str(page["next_since"])
        yield page["changes"], since
        if not page["has_more"]:
            return


def with_retries(request: urllib.request.Request, *, first_wait_seconds: float = 1.0) -> bytes:
    """Return the response body. Retries while the server is unreachable or overloaded (429, 5xx).

    Raises `urllib.error.HTTPError` for any other error.
    """
    wait = first_wait_seconds
    while True:
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 (our own URLs)
                return bytes(answer.read())
        except urllib.error.HTTPError as exc:
            if exc.code != 429 and exc.code < 500:
                raise
            retry_after = exc.headers.get("Retry-After", "")
            pause = float(retry_after) if retry_after.isdigit() else wait
        except OSError:
            pause = wait
        time.sleep(min(pause, _LONGEST_WAIT_SECONDS))
        wait = min(2 * wait, _LONGEST_WAIT_SECONDS)


def read_cursor(file: Path) -> str | None:
    """Return the cursor of the last run; None if there was no run."""
    return file.read_text(encoding="utf-8").strip() if file.exists() else None


def keep_cursor(file: Path, since: str) -> None:
    """Replace the file atomically: a crash leaves the old cursor or the new one."""
    new = file.with_name(f"{file.name}.new")
    with new.open("w", encoding="utf-8") as out:
        out.write(f"{since}\n")
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)


def run(once: Callable[[], int], every_seconds: float | None) -> None:
    while True:
        count = once()
        print(f"{count} change" if count == 1 else f"{count} changes", file=sys.stderr, flush=True)
        if every_seconds is None:
            return
        time.sleep(every_seconds)
