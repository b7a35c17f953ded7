"""The fenced blocks of README and docs, and the comment above each that says how it is tested.

A block of commands (`bash`) or of a program (`python`) follows one of these comments:

<!-- run --> tests/integration/docs runs it unchanged <!-- tested-by: tests/integration/test_x.py::test_y --> this test
runs it; several tests: spaces between <!-- tested-by: .ci/run --> CI runs it <!-- not run: REASON --> no test can run
it
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Blocks in `DOING` languages can be run. Blocks in `SHOWING` languages only show text.
DOING = frozenset({"bash", "python"})
SHOWING = frozenset(
    {"text", "json", "toml", "yaml", "ini", "csv", "nginx", "dockerfile", "promql", "sql", "http", "html", "xml"}
)
_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,}|~{3,})(?P<language>[^`]*)$")
_REMARK = re.compile(r"^\s*<!-- (run|tested-by: (?P<tests>[^>]+?)|not run: (?P<reason>[^>]+?)) -->\s*$")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a documentation page. `remark` is "run", "tested-by", "not run", or empty."""

    page: str
    line: int
    language: str
    text: str
    remark: str = ""
    tests: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Return the documentation pages: README, CONTRIBUTING, and docs/."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks() -> list[Block]:
    return [block for page in pages() for block in blocks_of(str(page.relative_to(ROOT)), page.read_text("utf-8"))]


def blocks_of(page: str, text: str) -> list[Block]:
    """Return the fenced blocks of one page, in order. An unclosed fence reaches to the end, as in CommonMark."""
    found: list[Block] = []
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        opened = _FENCE.match(lines[at])
        if opened is None:
            at += 1
            continue
        end = at + 1
        while end < len(lines) and not re.fullmatch(rf" *{re.escape(opened['ticks'])}[`~]* *", lines[end]):
            end += 1
        remark = _REMARK.match(lines[at - 1]) if at else None
        found.append(
            Block(
                page=page,
                line=at + 1,
                language=opened["language"].strip(),
                text="\n".join(line.removeprefix(opened["indent"]) for line in lines[at + 1 : end]),
                remark=remark[1].partition(":")[0] if remark else "",
                tests=tuple((remark["tests"] or "").split()) if remark else (),
            )
        )
        at = end + 1
    return found
