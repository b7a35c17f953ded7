"""Writes the demo block of README.md from a real run: `make readme`. CI checks that a run still looks like the block.

    python -m docs.site.readme            run the demo, write the block
    make demo | python -m docs.site.readme --check   compare the demo's output, on stdin, with the block

What may differ from run to run is left out of the comparison (`shape`): seconds, and how many requests a key got.
Whether a key's figure is zero is compared, and so is everything else.
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
COLUMNS = "80"
_BLOCK = re.compile(r"(?<=<!-- demo -->\n```text\n).*?(?=```\n<!-- /demo -->)", re.S)
_FIRST_LINE = "Properties"


def main(arguments: list[str]) -> int:
    """Write the block, or with `--check` compare; 1 if the demo failed or looks different."""
    if arguments == ["--check"]:
        lines = difference(sys.stdin.read())
        sys.stderr.write("\n".join([*lines, "README.md shows another demo: make readme", ""]) if lines else "")
        return 1 if lines else 0
    program = Path(sys.executable).with_name("propintel")
    environment = {**os.environ, "COLUMNS": COLUMNS}
    done = subprocess.run(  # noqa: S603 (our own program, no shell)
        [program, "demo"], env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode == 0:
        text, shown = README.read_text(encoding="utf-8"), printed(done.stdout)
        README.write_text(_BLOCK.sub(lambda _: shown, text), encoding="utf-8")
    return done.returncode


def block() -> str:
    """What README shows of the demo."""
    found = _BLOCK.search(README.read_text(encoding="utf-8"))
    return found[0] if found else ""


def difference(output: str) -> list[str]:
    """The lines in which the demo's output differs from README's block, as a diff; none if it looks the same."""
    return list(difflib.unified_diff(shape(block()), shape(printed(output)), "README.md", "demo", lineterm=""))


def printed(output: str) -> str:
    """What the demo prints, without what `make` says before it and without blanks at the ends of lines."""
    lines = [line.rstrip() for line in output.splitlines()]
    start = lines.index(_FIRST_LINE) if _FIRST_LINE in lines else 0
    return "".join(f"{line}\n" for line in lines[start:])


def shape(text: str) -> list[str]:
    """The lines that every run prints: without seconds, and with keys' figures as "0" or "n"."""

    def figures(row: re.Match[str]) -> str:
        return re.sub(r" +(\d+)(?= )", lambda number: " n" if int(number[1]) else " 0", row[0])

    text = re.sub(r"in \d+\.\d s$", "in n s", text, flags=re.M)
    return re.sub(r"^sk-\S+ +\d.*$", figures, text, flags=re.M).splitlines()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
