"""Files and functions named in the docs exist, and the docs list every task."""

import ast
import re

from app.settings import Settings
from tasks import make_celery
from tests.plugins.documented import ROOT
from worker.beat_schedule import beat_config

_ARCHITECTURE = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
_CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
_NAMED = re.compile(r"`([\w/]+\.(?:py|lua))::([\w.]+)`")


def _functions(file: str) -> set[str]:
    """Methods are named `Class.method`."""
    text = (ROOT / file).read_text(encoding="utf-8")
    if file.endswith(".lua"):
        return set(re.findall(r"^(?:local )?function (\w+)\(", text, re.M))
    found = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}.{one.name}"
                for one in node.body
                if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return found


def test_every_deciding_function_exists() -> None:
    section = _ARCHITECTURE[_ARCHITECTURE.index("## Which code decides\n") :].partition("\n## ")[0]
    rows = [line.split(" | ") for line in section.splitlines() if re.match(r"\| (?!behavior )", line)]
    assert len(rows) >= 20
    assert [row[0] for row in rows if len(_NAMED.findall(row[1])) != 1] == []
    named = _NAMED.findall(section)
    assert [f"{file}::{name}" for file, name in named if name not in _functions(file)] == []


def test_every_file_that_contributing_names_exists() -> None:
    named = set(re.findall(r"`(\w[\w.-]*/[\w./-]*)`", _CONTRIBUTING))
    assert len(named) > 40
    assert {path for path in named if not (ROOT / path).exists()} == set()


def test_every_threat_names_a_test_of_its_defense() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8").partition("## What is not defended")[0]
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if re.match(r"\| (?!threat )", line)]
    assert len(rows) > 30
    for threat, _, tested in rows:
        named = re.findall(r"`(tests/[^`]+)`", tested)
        assert named, threat
        assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_test_helper_is_listed() -> None:
    """Test helpers are the modules of tests/plugins and the files with fixtures."""
    helpers = [*(ROOT / "tests/plugins").glob("*.py"), *(ROOT / "tests").rglob("conftest.py")]
    page = (ROOT / "docs" / "test-helpers.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(tests/[\w/]+\.py)`", page)) == {str(path.relative_to(ROOT)) for path in helpers}


def test_every_task_is_listed_with_its_queue_and_interval() -> None:
    app, settings = make_celery(Settings.of()), Settings.of()
    app.loader.import_default_modules()
    seconds = {entry["task"]: f"{entry['schedule']:g}" for entry in beat_config(settings)["beat_schedule"].values()}
    tasks = {
        (app.amqp.router.route({}, name)["queue"].name, name, seconds.get(name, ""))
        for name in app.tasks
        if name.startswith("tasks.")
    }
    section = _ARCHITECTURE[_ARCHITECTURE.index("## Tasks\n") :].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([\w-]+)` \| `([\w.]+)` \| *(\d*) *\|$", section, re.M)) == tasks
