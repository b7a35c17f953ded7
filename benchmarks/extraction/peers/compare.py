"""Compare the extractors with other tools on the same pages: values read from markup, and text kept for a model."""

import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.property.page import Page
from app.property.reading.document import Document
from app.property.reading.model.prompt import build_prompt
from app.property.reading.model.tokens import count_tokens
from app.property.record import PropertyRecord
from benchmarks.extraction.peers import schema_org
from benchmarks.extraction.presence import ASKED, Said
from benchmarks.extraction.prompts import Prompts
from benchmarks.extraction.run import Run
from benchmarks.extraction.scorer import Report, score
from benchmarks.results import BenchmarkError

Row = Mapping[str, Any]

ROOT = Path(__file__).parents[3]
#: The interpreter of the environment in which `make bench-extraction-peers` installs the peers.
PEERS_PYTHON = ROOT / ".venv-bench-extraction" / "bin" / "python"
_PIECE = 100_000
TEXT_TOOLS: Mapping[str, str] = {
    "trafilatura": "trafilatura, for recall",
    "html2text": "html2text, without links",
    "crawl4ai": "crawl4ai's Markdown, without links",
    "crawl4ai_pruned": "crawl4ai's Markdown, pruned",
    "nothing": "the page's source",
}


@dataclass(frozen=True, slots=True)
class TextResult:
    """A text tool's result: mean tokens per page, the share of requested values in the text, CPU ms, failed pages."""

    name: str
    version: str
    tokens: float
    kept: float
    cpu_ms: float | None
    failed: int = 0


@dataclass(frozen=True, slots=True)
class ReadResult:
    name: str
    version: str
    report: Report
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Peers:
    readers: Sequence[ReadResult]
    texts: Sequence[TextResult]


def compare(run: Run, report: Report, prompts: Prompts) -> Peers:
    """Run every peer on the pages of `run`.

    Raises `BenchmarkError` if the peers' virtual environment is missing, or if a peer has no result for some page.
    """
    if not PEERS_PYTHON.exists():
        raise BenchmarkError(f"{PEERS_PYTHON} is not there; `make bench-extraction-peers` installs it")
    with tempfile.TemporaryDirectory() as folder:
        lines = list(_lines(run, Path(folder)))
        version, found = _worked("extruct", lines)
        records = {file: schema_org.record(one.get("items") or {}) for file, one in found.items()}
        ours = ReadResult("this project, without a model", "", report, statistics.median(_cpu(run.cpu_seconds)))
        extruct = ReadResult("extruct, schema.org mapped", version, score(records, run.truth), _cpu_of(found))
        texts = [_of_text_tool(tool, run, lines) for tool in TEXT_TOOLS]
    return Peers([ours, extruct], [_with_record(run, prompts), _without_record(run), *texts])


def _lines(run: Run, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each page's file with its input line for the worker.

    The pages are decoded here, so that no tool fails on a charset.
    """
    for number, (file, extraction) in enumerate(run.extractions.items()):
        path = folder / f"{number}.html"
        path.write_text(extraction.page.text, "utf-8")
        plain = Document(extraction.page, None).root is None
        yield file, json.dumps({"path": str(path), "url": extraction.page.url, "json": plain})


def _worked(tool: str, lines: Sequence[tuple[str, str]]) -> tuple[str, dict[str, dict[str, Any]]]:
    done = subprocess.run(
        [str(PEERS_PYTHON), "-m", "benchmarks.extraction.peers.worker", tool],
        input="".join(f"{line}\n" for _, line in lines),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
        check=False,
        timeout=1800,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode or len(answers) != len(lines) + 1:
        raise BenchmarkError(f"{tool} answered {len(answers) - 1} of {len(lines)} pages (exit code {done.returncode})")
    files = [file for file, _ in lines]
    return str(answers[0]["version"]), dict(zip(files, answers[1:], strict=True))


def _of_text_tool(tool: str, run: Run, lines: Sequence[tuple[str, str]]) -> TextResult:
    version, found = _worked(tool, lines)
    texts = {file: str(one.get("text") or "") for file, one in found.items()}
    failed = sum("error" in one for one in found.values())
    cpu = None if tool == "nothing" else _cpu_of(found)
    tokens = statistics.mean(map(_tokens, texts.values()))
    return TextResult(TEXT_TOOLS[tool], version, tokens, _kept(run, texts), cpu, failed)


def _with_record(run: Run, prompts: Prompts) -> TextResult:
    """Measure the whole prompt, with instruction and schema. Values that rules read count as kept."""
    lost = {page.file: page.lost for page in prompts.pages}
    asked = [(row["file"], label) for row in run.truth for label in _asked(row)]
    kept = sum(label not in lost[file] for file, label in asked) / len(asked)
    cpu = statistics.median(1000 * run.cpu_seconds[page.file] + page.cpu_ms for page in prompts.pages)
    return TextResult("this project: read, or in the prompt", "", prompts.mean_tokens, kept, cpu)


def _without_record(run: Run) -> TextResult:
    texts: dict[str, str] = {}
    cpu: list[float] = []
    for file, extraction in run.extractions.items():
        started = time.process_time()
        texts[file] = build_prompt(replace(extraction, record=PropertyRecord(), doubtful=())).text
        cpu.append(1000 * (time.process_time() - started))
    tokens = statistics.mean(map(_tokens, texts.values()))
    return TextResult("this project: text alone, nothing read", "", tokens, _kept(run, texts), statistics.median(cpu))


def _kept(run: Run, texts: Mapping[str, str]) -> float:
    covered = total = 0
    for row in run.truth:
        page: Page = run.extractions[row["file"]].page
        text = Said(texts[row["file"]], Document(page, None).locale.country)
        for label in _asked(row):
            total += 1
            covered += text.says(label, row)
    return covered / total if total else 0.0


def _tokens(text: str) -> int:
    """Count tokens piece by piece, because `count_tokens` rejects very long texts. Cuts may change the sum slightly."""
    return sum(count_tokens(text[start : start + _PIECE]) for start in range(0, len(text), _PIECE))


def _asked(row: Row) -> list[str]:
    return [label for label in ASKED if row.get(label) is not None]


def _cpu(seconds: Mapping[str, float]) -> list[float]:
    return [1000 * s for s in seconds.values()]


def _cpu_of(found: Mapping[str, Mapping[str, Any]]) -> float:
    return statistics.median(one["cpu_ms"] for one in found.values() if "cpu_ms" in one)
