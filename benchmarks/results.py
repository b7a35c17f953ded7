"""Read and write a benchmark's results file, describe the machine, and turn errors into exit codes."""

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
    """The benchmark cannot continue; the message gives the reason and the remedy."""


def exit_code(measure: Callable[[], object]) -> int:
    """Run `measure`. Return 0 on success, 1 if it fails, 2 if something that it needs is missing, 130 after Ctrl-C.

    Errors are printed on stderr.
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
    """Return `{"runs": [...], ...}` from the file that the command `wrote` creates.

    Raises `BenchmarkError` if the file has no runs.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise BenchmarkError(f"{path} holds no results ({exc}); give a file that {wrote} wrote") from None
    if not isinstance(found, dict) or not isinstance(found.get("runs"), list):
        raise BenchmarkError(f"{path} holds no results; give a file that {wrote} wrote")
    return found


def write_results(path: Path, results: dict[str, Any]) -> None:
    """Replace the file atomically, so that a benchmark that is stopped keeps its earlier results."""
    half = path.with_name(path.name + ".new")
    half.write_text(json.dumps(results, indent=1), encoding="utf-8")
    half.replace(path)


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
