"""Write the figures to `docs/benchmarks/county.md`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.county.judge import Figures
from benchmarks.workers.tables import DATABASE_NAMES, prose, table

_ABOUT = """
`make bench-county` scrapes the addresses of all {homes} properties of the [fictional county](../fictional-county.md),
then the second URLs, and compares the stored properties with the county's truth. Fetcher, readers, and database are
real; OpenAI is simulated. Seed {seed}; {machine}.

*Right after merge*: the value is stored that at least one page states rightly; a missing field is wrong. *Missed*: a
readable page of the property is not among its sources. *Reported*: the field is listed as a conflict. *Refused*: the
reader rejected the planted value as impossible. *Evidence that holds*: the locator leads to the quote on the page, and
the quote states the value.
"""
_MOST_LISTED = 12


def write_report(runs: Mapping[str, Figures], *, seed: int, machine: str, docs: Path) -> None:
    about = _ABOUT.format(homes=next(iter(runs.values())).homes, seed=seed, machine=machine)
    heads = ("figure", "target", *(DATABASE_NAMES[name] for name in runs))
    lines = [list(cells) for cells in zip(*(_column(one) for one in runs.values()), strict=True)]
    rows = [[_FIGURES[place][0], _FIGURES[place][1], *cells] for place, cells in enumerate(lines)]
    sections = ["# The fictional county, measured", prose(about), table(heads, rows)]
    sections += _problems(runs) or ["Nothing is wrong."]
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "county.md").write_text("\n\n".join(sections) + "\n", encoding="utf-8")


_FIGURES: Sequence[tuple[str, str]] = (
    ("wrong merges (pages of several properties in one)", "0"),
    ("missed merges (pages not with their property)", "≤ 2 %"),
    ("properties not found although a page shows them", "0"),
    ("fields right after merge", "≥ 98 %"),
    ("values that no page states", "0"),
    ("planted conflicts reported", "100 %"),
    ("of these: conflicts · moved points · wrong units", ""),
    ("planted values refused as impossible", ""),
    ("conflicts reported although all pages agree", ""),
    ("new value chosen over an old one", "100 %"),
    ("false search answers stored as values", "0"),
    ("observations kept as unverified", ""),
    ("values without evidence that holds", "0"),
    ("model calls where pages suffice: mean · most", "≤ 1"),
    ("web searches where pages suffice", "0"),
    ("seconds per property", ""),
)


def _column(one: Figures) -> list[str]:
    planted, reported, refused = one.planted.total(), one.reported.total(), one.refused.total()
    kinds = ("conflict", "decimal", "unit")
    return [
        str(len(one.wrong_merges)),
        f"{one.missed_share:.1%} ({len(one.missed_merges)} of {one.pages:,})",
        str(len(one.no_property)),
        f"{one.fields_right:.2%} ({one.fields - len(one.wrong_fields):,} of {one.fields:,})",
        str(len(one.invented)),
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


def _problems(runs: Mapping[str, Figures]) -> list[str]:
    databases: dict[tuple[str, str], list[str]] = {}
    for name, one in runs.items():
        for section in _kinds_of_problems(one):
            databases.setdefault(section, []).append(DATABASE_NAMES[name])
    return [f"## {heading}: {', '.join(names)}\n\n{lines}" for (heading, lines), names in databases.items()]


def _kinds_of_problems(one: Figures) -> list[tuple[str, str]]:
    parts = {
        "Wrong merges": one.wrong_merges, "Missed merges": one.missed_merges, "Not found": one.no_property,
        "Wrong fields": one.wrong_fields, "Invented": one.invented,
        "Not reported": one.unreported, "No conflicts": one.no_conflicts,
        "Old values chosen": one.outdated_wrong,
        "Lies stored": one.lies_believed, "Without evidence": one.unproven, "Searched": one.searched_in_vain,
    }  # fmt: skip
    sections = []
    for heading, found in parts.items():
        if found:
            more = [f"and {len(found) - _MOST_LISTED} more"] if len(found) > _MOST_LISTED else []
            lines = "\n".join(f"- {line}" for line in (*found[:_MOST_LISTED], *more))
            sections.append((heading, lines))
    return sections
