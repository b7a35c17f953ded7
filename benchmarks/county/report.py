"""From figures to `docs/benchmarks/county.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.county.judge import Figures
from benchmarks.workers.tables import DATABASE_NAMES, prose, table

_ABOUT = """
`make bench-county` measures this page: it starts the [fictional county](../fictional-county.md) on loopback, scrapes
the addresses of all its {homes} properties with the service itself (real fetcher, extractors, database; OpenAI is the
simulator), then the URLs that show a property a second time, and compares what was stored with the county's truth. Seed
{seed}; {machine}.

"Right after merge" counts the fields that at least one page of the property states rightly; a field that is missing is
wrong. A page is "missed" if it could be read, is about the property and is not among its sources. A planted flaw is
"reported" where the property names the field among its conflicts, "refused" where the extractor took the value for
impossible and the page says nothing of that field. A value's evidence holds if its locator leads to its quote on the
page, which is fetched once more, and the quote says the value. Addresses are scraped one by one; the seconds are those
of one run, beside whatever else the machine did.
"""
#: so many words of what is wrong are written down for each figure
_MOST_TOLD = 12


def write_report(runs: Mapping[str, Figures], *, seed: int, machine: str, docs: Path) -> None:
    """Write `county.md` below `docs`."""
    about = _ABOUT.format(homes=next(iter(runs.values())).homes, seed=seed, machine=machine)
    heads = ("figure", "target", *(DATABASE_NAMES[name] for name in runs))
    lines = [list(cells) for cells in zip(*(_column(one) for one in runs.values()), strict=True)]
    rows = [[_FIGURES[place][0], _FIGURES[place][1], *cells] for place, cells in enumerate(lines)]
    sections = ["# The fictional county, measured", prose(about), table(heads, rows)]
    told = [part for name, one in runs.items() for part in _told(DATABASE_NAMES[name], one)]
    sections += told if told else ["Nothing is wrong."]
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "county.md").write_text("\n\n".join(sections) + "\n", encoding="utf-8")


_FIGURES: Sequence[tuple[str, str]] = (
    ("wrong merges (properties that hold pages of several)", "0"),
    ("missed merges (pages that are not where their property is)", "≤ 2 %"),
    ("properties that were not found though a page shows them", "0"),
    ("fields right after merge", "≥ 98 %"),
    ("planted conflicts reported", "100 %"),
    ("of these conflicts · moved points · wrong units", ""),
    ("planted values refused as impossible", ""),
    ("conflicts reported where all pages say the same", ""),
    ("old values beside new ones: the new one chosen", "100 %"),
    ("lies of searches that became values", "0"),
    ("observations kept as unverified", ""),
    ("values without evidence that holds", "0"),
    ("model calls for a property whose pages suffice: mean · most", "≤ 1"),
    ("properties that were searched for though their pages suffice", "0"),
    ("seconds a property", ""),
)


def _column(one: Figures) -> list[str]:
    planted, reported, refused = one.planted.total(), one.reported.total(), one.refused.total()
    kinds = ("conflict", "decimal", "unit")
    return [
        str(len(one.wrong_merges)),
        f"{one.missed_share:.1%} ({len(one.missed_merges)} of {one.pages:,})",
        str(len(one.no_property)),
        f"{one.fields_right:.2%} ({one.fields - len(one.wrong_fields):,} of {one.fields:,})",
        f"{reported} of {planted - refused}",
        " · ".join(f"{one.reported[kind]} of {one.planted[kind] - one.refused[kind]}" for kind in kinds),
        str(refused),
        f"{len(one.no_conflicts)} of {one.conflicts:,}",
        f"{one.outdated - len(one.outdated_wrong)} of {one.outdated}",
        f"{len(one.lies_believed)} of {one.lies_told}",
        str(one.unverified),
        f"{len(one.unproven)} of {one.values:,}",
        f"{one.questions / max(one.suffice, 1):.2f} · {one.most_questions}",
        f"{len(one.searched_in_vain)} of {one.suffice}",
        f"{one.seconds / max(one.homes, 1):.2f}",
    ]


def _told(database: str, one: Figures) -> list[str]:
    """Sections that say what is wrong."""
    parts = {
        "Wrong merges": one.wrong_merges, "Missed merges": one.missed_merges, "Not found": one.no_property,
        "Wrong fields": one.wrong_fields, "Not reported": one.unreported, "No conflicts": one.no_conflicts,
        "Old values chosen": one.outdated_wrong,
        "Lies believed": one.lies_believed, "Without evidence": one.unproven, "Searched": one.searched_in_vain,
    }  # fmt: skip
    sections = []
    for heading, found in parts.items():
        if found:
            more = [f"and {len(found) - _MOST_TOLD} more"] if len(found) > _MOST_TOLD else []
            lines = "\n".join(f"- {line}" for line in (*found[:_MOST_TOLD], *more))
            sections.append(f"## {heading}: {database}\n\n{lines}")
    return sections
