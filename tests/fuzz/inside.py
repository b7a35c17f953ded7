"""The process that fuzzes one target: `python -m tests.fuzz.inside TARGET [LIBFUZZER_OPTIONS]`.

It instruments the code under test, and writes the longest duration of an input in seconds to the file FUZZ_REPORT.
"""

import json
import os
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["app.property"]):
    from tests.fuzz.targets import LIMIT_SECONDS, timed

_REPORT = Path(os.environ["FUZZ_REPORT"])
_slowest = 0.0


def _one(data: bytes) -> None:
    global _slowest  # noqa: PLW0603 (libFuzzer calls a function without state)
    seconds = timed(sys.argv[1], data)
    if seconds > _slowest:
        _slowest = seconds
        _REPORT.write_text(json.dumps(_slowest), "utf-8")
    if seconds > LIMIT_SECONDS:
        raise RuntimeError(f"{seconds:.1f} s")  # the parent process repeats this input without instrumentation


atheris.Setup([sys.argv[0], *sys.argv[2:]], _one)
atheris.Fuzz()
