"""Write the measured rows to `docs/benchmarks/pages.md`."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.pages.measure import JOBS, KEYS, PEER, PROPERTIES
from benchmarks.workers.tables import DATABASE_NAMES, Rows, number, prose, table

TARGET_MS = 300.0
_HEADS = ("page", "cold: median", "worst", "warm: median", "worst", f"of `{PEER}`", "server", "refresh", "KB", "target")
_ABOUT = f"""
`make bench-pages` measures the first contentful paint of every page (`python -m benchmarks.pages --help`): {{jobs}}
jobs in a hundred batches and one of a tenth of them, {{properties}} properties of one to three pages, {{keys}} keys
with a day's history; one web process, the embedded Valkey, SQLite or a default PostgreSQL, and Debian's headless
Chromium, signed in as manager, on one machine: {{machine}}. {{repeats}} visits per page.

Target: within {TARGET_MS:.0f} ms of the click. *Cold*: an empty cache. *Warm*: scripts are cached, pages
never are. *of `{PEER}`*: cold median relative to that form, which shows no data. *Server*: median time to the whole
answer without a browser. *Refresh*: the same for the part that is reloaded every two seconds. *Met*: by every visit;
*in the median*: not by the worst.
"""


def write_report(rows: Rows, machine: str, docs: Path) -> None:
    first = rows[0]
    about = _ABOUT.format(
        jobs=number(first["jobs"], 0),
        properties=number(first["properties"], 0),
        keys=first["keys"],
        machine=machine,
        repeats=len(first["cold_ms"]),
    )
    sections = ["# Pages, measured", prose(about)]
    if (first["jobs"], first["properties"], first["keys"]) != (JOBS, PROPERTIES, KEYS):
        sections.append("**Not the published size: for development only.**")
    for database in dict.fromkeys(row["database"] for row in rows):
        ours = [row for row in rows if row["database"] == database]
        peer = next(row for row in ours if row["page"] == PEER)
        lines = [_line(row, statistics.median(peer["cold_ms"])) for row in ours]
        sections.append(f"## {DATABASE_NAMES[database]}\n\n{table(_HEADS, lines)}")
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "pages.md").write_text("\n\n".join(sections) + "\n", encoding="utf-8")


def verdict(*visits_ms: Sequence[float]) -> str:
    """Return "met" if every visit met the target, "in the median" if only the medians did, else "missed"."""
    if max(max(kind) for kind in visits_ms) < TARGET_MS:
        return "met"
    medians = [statistics.median(kind) for kind in visits_ms]
    return "in the median" if max(medians) < TARGET_MS else "**missed**"


def _line(row: Mapping[str, Any], peer_ms: float) -> list[str]:
    cold, warm, refresh = row["cold_ms"], row["warm_ms"], row["refresh_ms"]
    median = statistics.median(cold)
    return [
        f"`{row['page']}`",
        *(_ms(value) for value in (median, max(cold), statistics.median(warm), max(warm))),
        f"{number(median / peer_ms, 2)} ×",
        _ms(statistics.median(row["server_ms"])),
        _ms(statistics.median(refresh)) if refresh else "–",
        number(row["bytes"] / 1000, 0),
        verdict(cold, warm),
    ]


def _ms(value: float) -> str:
    return f"{number(value, 0)} ms"
