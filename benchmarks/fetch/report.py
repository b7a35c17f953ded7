"""From figures to `docs/benchmarks/fetching.md`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.fetch.cells import HTTPX2, OURS, OURS_SHARED, SCRAPY, Cell
from benchmarks.fetch.figures import Figures
from benchmarks.workers.tables import prose, table

TARGET_SHARE = 0.95
_NAMES = {OURS: "ours, one process's pace", OURS_SHARED: "ours, the fleet's pace", SCRAPY: "Scrapy", HTTPX2: "httpx2"}
_ABOUT = """
`make bench-fetch` measures this page, as root (network namespaces). One process each, on the same sites: one light
server at as many addresses as there are sites, every site a domain of its own, a page of {size} KB sent as gzip. Ours
runs in threads and takes its pages by appointment, as jobs do; Scrapy is {scrapy} with its defaults but what the rules
need; httpx2 is one client in a pool of threads. {machine}; median of {repeats} rounds, contestants in turn within a
round. CPU is the contestant's process, without start and imports.
"""
_RULED = """
Every site's robots.txt asks for a gap between two requests (`Crawl-delay`). Ours reads it there; Scrapy does not and
is told it as `DOWNLOAD_DELAY`. "Pace used": of the requests that the rules allow between a site's first page and its
last, how many came, mean of the sites; the sites' own logs say so. "Too soon": gaps shorter than the rule by more than
50 ms, the most in any round. Ours also resolves every name through the guard, tells the charset by the bytes, and looks
for walls; "the fleet's pace" asks a Valkey for every request, so that any number of processes keeps it together.
"""


def write_report(
    found: Mapping[Cell, Figures], docs: Path, *, machine: str, scrapy: str, size: int, repeats: int
) -> None:
    """Write `fetching.md` below `docs`."""
    about = _ABOUT.format(machine=machine, scrapy=scrapy, size=size, repeats=repeats)
    free = [cell for cell in found if not cell.gap_seconds]
    ruled = [cell for cell in found if cell.gap_seconds]
    sections = [
        "# Fetching, measured",
        prose(about),
        f"## Without rules\n\n{_free_table(free, found)}",
        f"## With rules\n\n{prose(_RULED)}\n\n{_ruled_table(ruled, found)}",
        _verdicts(ruled, found),
    ]
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "fetching.md").write_text("\n\n".join(sections) + "\n", encoding="utf-8")


def _free_table(cells: list[Cell], found: Mapping[Cell, Figures]) -> str:
    heads = ("", "sites", "pages", "at once", "pages/s", "CPU a page", "pages a CPU-second, of Scrapy's")
    lines = []
    for cell in cells:
        one = found[cell]
        rate, cpu = f"{one.pages_per_second:.0f}", f"{one.cpu_ms_per_page:.2f} ms"
        of_peer = f"{_of_scrapy(cell, cells, found):.2f} ×"
        lines.append([_NAMES[cell.contestant], str(cell.sites), str(one.pages), str(cell.at_once), rate, cpu, of_peer])
    return table(heads, lines)


def _ruled_table(cells: list[Cell], found: Mapping[Cell, Figures]) -> str:
    heads = ("sites", "gap", "", "pages/s", "pace used", "too soon", "CPU a page", "pages a CPU-second, of Scrapy's")
    lines = []
    for cell in cells:
        one = found[cell]
        rate, cpu = f"{one.pages_per_second:.1f}", f"{one.cpu_ms_per_page:.2f} ms"
        share, of_peer = f"{100 * (one.pace_share or 0):.1f} %", f"{_of_scrapy(cell, cells, found):.2f} ×"
        head = [str(cell.sites), f"{cell.gap_seconds:g} s", _NAMES[cell.contestant]]
        lines.append([*head, rate, share, str(one.too_soon), cpu, of_peer])
    return table(heads, lines)


def _verdicts(cells: list[Cell], found: Mapping[Cell, Figures]) -> str:
    ours = [cell for cell in cells if cell.contestant in {OURS, OURS_SHARED}]
    share = min(found[cell].pace_share or 0.0 for cell in ours)
    ratio = min(_of_scrapy(cell, cells, found) for cell in ours)
    too_soon = sum(found[cell].too_soon for cell in ours)
    rows = [
        ("share of the pace that the rules allow, the least of ours", "≥ 95 %", f"{100 * share:.1f} %"),
        ("pages a CPU-second with rules on, of Scrapy's, the least of ours", "≥ 1 ×", f"{ratio:.2f} ×"),
        ("gaps shorter than the rule, all of ours", "0", str(too_soon)),
    ]
    met = (share >= TARGET_SHARE, ratio >= 1, too_soon == 0)
    lines = [[*row, "met" if is_met else "**missed**"] for row, is_met in zip(rows, met, strict=True)]
    return f"## Targets\n\n{table(('figure', 'target', 'measured', ''), lines)}"


def _of_scrapy(cell: Cell, cells: list[Cell], found: Mapping[Cell, Figures]) -> float:
    same = (cell.sites, cell.gap_seconds)
    peer = next(c for c in cells if c.contestant == SCRAPY and (c.sites, c.gap_seconds) == same)
    return found[peer].cpu_ms_per_page / found[cell].cpu_ms_per_page
