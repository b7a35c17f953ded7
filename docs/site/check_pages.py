"""`python docs/site/check_pages.py FOLDER`: check that no built page loads a file from another host.

Scripts, styles, fonts, pictures, and frames are checked. Links to other hosts are allowed; Sphinx checks the internal
links.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

_OUTSIDE = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//", re.I)
_LOADED = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")


class _Loads(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("a", "area"):
            self.urls += [value for name, value in attrs if value and name in ("src", "href", "data", "poster")]
            self.urls += [value.split()[0] for name, value in attrs if value and name == "srcset"]


def loaded_from_outside(folder: Path) -> list[str]:
    """Return "FILE: URL" for each file that a page or style below `folder` loads from another host."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".html":
            page = _Loads()
            page.feed(path.read_text(encoding="utf-8"))
            urls = page.urls
        elif path.suffix in (".css", ".svg"):
            urls = [first or second for first, second in _LOADED.findall(path.read_text(encoding="utf-8"))]
        else:
            continue
        found += [f"{path.relative_to(folder)}: {url}" for url in urls if _OUTSIDE.match(url)]
    return found


def main() -> int:
    folder = Path(sys.argv[1])
    findings = loaded_from_outside(folder) or ([] if any(folder.rglob("*.html")) else [f"no page below {folder}"])
    sys.stderr.writelines(f"{finding}\n" for finding in findings)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
