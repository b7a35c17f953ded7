"""Check which kind is recognized for labeled pages, extra labeled pages, and the project's fixtures."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.property.fetch.decode.text import page_from_file
from app.property.reading.pipeline import extract
from app.property.record import PageKind
from benchmarks.extraction.run import SAVED, Run, load_truth

#: `pages/*/record.json` and `corpus/*/truth.jsonl` name the kinds of pages; `kinds/` has one folder per kind.
FIXTURES = Path(__file__).parents[2] / "tests" / "unit" / "reading"
#: The project's page kind for each kind that `extra_truth.jsonl` names.
_APART = {"record_list": PageKind.SEARCH, "permit": PageKind.RECORD}


@dataclass(frozen=True, slots=True)
class KindCase:
    """One page: its origin (`real` or `own`), its true kind, the recognized kind, and the reason."""

    source: str
    name: str
    expected: PageKind
    found: PageKind
    reason: str


def of_labeled(run: Run) -> Iterator[KindCase]:
    for row in run.truth:
        found = run.extractions[row["file"]]
        yield KindCase("real", row["file"], PageKind(row["kind"]), found.kind, found.reason)


def of_labeled_apart(folder: Path) -> Iterator[KindCase]:
    """Yield a case for each file listed in `extra_truth.jsonl` below `folder`: parcel lists and permits."""
    labels = folder / "extra_truth.jsonl"
    lines = labels.read_text("utf-8").splitlines() if labels.is_file() else []
    kinds = {row["file"]: _APART[row["kind"]] for row in map(json.loads, lines)}
    for file, expected in kinds.items():
        yield _case("real", file, folder / file, f"https://unknown.invalid/{Path(file).stem}", expected)


def of_fixtures(root: Path = FIXTURES) -> Iterator[KindCase]:
    for record_file in sorted(root.glob("pages/*/record.json")):
        record = json.loads(record_file.read_text("utf-8"))
        page = next(record_file.parent.glob("page.*"))
        yield _case("own", page.parent.name, page, record["url"], PageKind(record["kind"]))
    for corpus in sorted(root.glob("corpus/*/truth.jsonl")):
        for row in load_truth(corpus.parent):
            url = row["url"] or f"https://unknown.invalid/{Path(row['file']).stem}"
            yield _case("own", row["file"], corpus.parent / row["file"], url, PageKind(row["kind"]))
    for page in sorted(root.glob("kinds/*/*.*")):
        expected = PageKind(page.parent.name)
        yield _case("own", page.name, page, f"https://pages.example/{page.stem}", expected)


def _case(source: str, name: str, path: Path, url: str, expected: PageKind) -> KindCase:
    found = extract(page_from_file(path, url, SAVED))
    return KindCase(source, name, expected, found.kind, found.reason)


def confusion(cases: Sequence[KindCase]) -> dict[PageKind, dict[PageKind, int]]:
    table = {expected: dict.fromkeys(PageKind, 0) for expected in PageKind}
    for case in cases:
        table[case.expected][case.found] += 1
    return table
