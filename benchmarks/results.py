"""The file that a benchmark adds its runs to, where they were made, and how a benchmark ends."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.errors import PropertyIntelligenceError
from cli.processes import ChildDiedError


class BenchmarkError(Exception):
    """The benchmark cannot go on; the message says why and what to do."""


def exit_code(measure: Callable[[], object]) -> int:
    """Measure; -> 0 when all was, 1 if a measurement failed, 2 if something is missing, 130 after Ctrl-C.

    What is wrong is said on stderr.
    """
    try:
        measure()
    except BenchmarkError as exc:
        print(exc, file=sys.stderr)
        return 2
    except (PropertyIntelligenceError, ChildDiedError, OSError, subprocess.SubprocessError) as exc:
        print(f"{exc}\n{(getattr(exc, 'stderr', None) or '')[-2000:]}".strip(), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; what was written so far is kept", file=sys.stderr)
        return 130
    return 0


def read_results(path: Path, wrote: str) -> dict[str, Any]:
    """`{"runs": [...], ...}` from the file that `wrote` (named in the error) makes. Raises `BenchmarkError`."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise BenchmarkError(f"{path} holds no results ({exc}); give a file that {wrote} wrote") from None
    if not isinstance(found, dict) or not isinstance(found.get("runs"), list):
        raise BenchmarkError(f"{path} holds no results; give a file that {wrote} wrote")
    return found


def write_results(path: Path, results: dict[str, Any]) -> None:
    """Whole or not at all: a benchmark that is stopped leaves what it had."""
    half = path.with_name(path.name + ".new")
    half.write_text(json.dumps(results, indent=1), encoding="utf-8")
    half.replace(path)


def machine() -> str:
    """In general words."""
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
