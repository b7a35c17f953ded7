"""Write the figures to `docs/benchmarks/fetching.md`."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.fetch.cells import HTTPX2, OURS, OURS_SHARED, SCRAPY, Cell
from benchmarks.fetch.figures import Figures
from benchmarks.workers.tables import prose, table

TARGET_SHARE = 0.95
_NAMES = {OURS: "ours, one process's pace", OURS_SHARED: "ours, the fleet's pace", SCRAPY: "Scrapy", HTTPX2: "httpx2"}
_ABOUT = """
`make bench-fetch` (as root, for network namespaces) fetches the same local sites with one process each: this project's
threads, {scrapy} with its defaults, and one httpx2 client in a thread pool. Each site has its own domain and address; a
page has {size} KB, sent as gzip. {machine}; median of {repeats} rounds, contestants in turn. CPU is without start and
imports.
"""
_RULED = """
Each site's robots.txt demands a gap between requests. Ours reads it there; Scrapy gets it as `DOWNLOAD_DELAY`. *Pace
used*: requests in the sites' logs as a share of those allowed between a site's first and last page. *Too soon*: gaps
over 50 ms too short, worst round. Ours also guards addresses, detects charsets, and recognizes block pages. The fleet's
pace asks Valkey before every request, so that all processes share it.
"""


def write_report(
    found: Mapping[Cell, Figures], docs: Path, *, machine: str, scrapy: str, size: int, repeats: int
) -> None:
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
    heads = ("", "sites", "pages", "at once", "pages/s", "CPU per page", "per CPU second, to Scrapy's")
    lines = []
    for cell in cells:
        one = found[cell]
        rate, cpu = f"{one.pages_per_second:.0f}", f"{one.cpu_ms_per_page:.2f} ms"
        of_peer = f"{_of_scrapy(cell, cells, found):.2f} ×"
        lines.append([_NAMES[cell.contestant], str(cell.sites), str(one.pages), str(cell.at_once), rate, cpu, of_peer])
    return table(heads, lines)


def _ruled_table(cells: list[Cell], found: Mapping[Cell, Figures]) -> str:
    heads = ("sites", "gap", "", "pages/s", "pace used", "too soon", "CPU per page", "per CPU second, to Scrapy's")
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
        ("lowest share of the allowed pace used, ours", "≥ 95 %", f"{100 * share:.1f} %"),
        ("lowest pages per CPU second with rules, to Scrapy's", "≥ 1 ×", f"{ratio:.2f} ×"),
        ("gaps too short, all of ours", "0", str(too_soon)),
    ]
    met = (share >= TARGET_SHARE, ratio >= 1, too_soon == 0)
    lines = [[*row, "met" if is_met else "**missed**"] for row, is_met in zip(rows, met, strict=True)]
    return f"## Targets\n\n{table(('figure', 'target', 'measured', ''), lines)}"


def _of_scrapy(cell: Cell, cells: list[Cell], found: Mapping[Cell, Figures]) -> float:
    same = (cell.sites, cell.gap_seconds)
    peer = next(c for c in cells if c.contestant == SCRAPY and (c.sites, c.gap_seconds) == same)
    return found[peer].cpu_ms_per_page / found[cell].cpu_ms_per_page
