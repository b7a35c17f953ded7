"""Checks the tracked files: no address of a package registry and nothing that looks like an OpenAI key."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

#: Spelled in two halves, or this file would find itself.
_REGISTRIES = re.compile(
    "|".join(("pypi" + r"\.org", "pythonhosted" + r"\.org", "npmjs" + r"\.(?:org|com)", "deb" + r"\.debian\.org"))
)
#: Real keys are longer than any example of ours (and most carry the same eight letters in the middle).
_KEYS = re.compile(r"\bsk-[A-Za-z0-9_-]{90,}|T3Blbk" + "FJ")


def main() -> int:
    """0 if nothing was found; else each finding on stderr, and 1."""
    listing = subprocess.run(["git", "ls-files", "-z"], capture_output=True, check=True, text=True)  # noqa: S607
    names = listing.stdout.split("\0")
    findings = []
    for name in filter(None, names):
        text = Path(name).read_text(encoding="utf-8", errors="replace") if Path(name).is_file() else ""
        for number, line in enumerate(text.splitlines(), start=1):
            if _REGISTRIES.search(line):
                findings.append(f"{name}:{number}: address of a package registry")
            if _KEYS.search(line):
                findings.append(f"{name}:{number}: looks like an OpenAI key")
    sys.stderr.writelines(f"{finding}\n" for finding in findings)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
