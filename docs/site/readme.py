"""Write the demo block of README.md from a real run (`make readme`), or check that the block is current.

    python -m docs.site.readme                       run the demo, and write the block
    make demo | python -m docs.site.readme --check   compare the demo's output on stdin with the block

`shape` removes values that vary between runs: seconds, and how many requests a key had (but not whether it had any).
"""

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
    """Write the block and return the demo's exit code. With `--check`, only compare, and return 1 if they differ."""
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
    found = _BLOCK.search(README.read_text(encoding="utf-8"))
    return found[0] if found else ""


def difference(output: str) -> list[str]:
    """Return a diff between the shapes of the demo's output and README's block; empty if they are equal."""
    return list(difflib.unified_diff(shape(block()), shape(printed(output)), "README.md", "demo", lineterm=""))


def printed(output: str) -> str:
    """Return the demo's output without the lines that `make` printed before it and without trailing blanks."""
    lines = [line.rstrip() for line in output.splitlines()]
    start = lines.index(_FIRST_LINE) if _FIRST_LINE in lines else 0
    return "".join(f"{line}\n" for line in lines[start:])


def shape(text: str) -> list[str]:
    """Return the lines without values that vary: seconds become "n", and the figures of a key become "0" or "n"."""

    def figures(row: re.Match[str]) -> str:
        return re.sub(r" +(\d+)(?= )", lambda number: " n" if int(number[1]) else " 0", row[0])

    text = re.sub(r"in \d+\.\d s$", "in n s", text, flags=re.M)
    return re.sub(r"^sk-\S+ +\d.*$", figures, text, flags=re.M).splitlines()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
