"""Texts for people put no count before a fixed plural, such as `1 pages`: `app.plurals.counted` writes both."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from app.plurals import plural_of

_ROOT = Path(__file__).parents[2]
_PACKAGES = ("app", "cli", "tasks", "web", "worker")
#: Counts that are never 1: the text is written only for several, or the number is far larger.
_SEVERAL = {
    ("app/property/fetch/browser/chromium/host.py", "bytes"),
    ("app/property/fetch/browser/chromium/visit.py", "characters"),
    ("app/property/fetch/browser/chromium/wire.py", "bytes"),
    ("app/property/merging/voting.py", "sources"),
    ("app/property/reading/budget.py", "values"),
    ("app/property/reading/kind.py", "properties"),
    ("app/property/storage/watches/repository.py", "days"),
    ("app/property/sources/rows.py", "times"),
    ("app/services/reports/key_report/alarms.py", "keys"),
    ("web/limits.py", "bytes"),
}


def _trees() -> Iterator[tuple[str, ast.AST]]:
    for package in _PACKAGES:
        for file in sorted((_ROOT / package).rglob("*.py")):
            yield file.relative_to(_ROOT).as_posix(), ast.parse(file.read_text("utf-8"))


def _nouns() -> set[str]:
    """Return the plurals of all nouns that the product counts, so that the test learns new ones by itself."""
    calls = (node for _, tree in _trees() for node in ast.walk(tree) if isinstance(node, ast.Call))
    named = {str(call.args[1].value) for call in calls if _is_counting(call) and isinstance(call.args[1], ast.Constant)}
    assert {"page", "job", "property", "field"} <= named
    return {plural_of(name.split()[-1]) for name in named} | {"homes", "characters", "bytes"}


def _is_counting(call: ast.Call) -> bool:
    """Return whether it is a call of `counted` with a noun, not with a noun and its verb."""
    return isinstance(call.func, ast.Name) and call.func.id == "counted" and len(call.args) == 2


def _is_constant(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id.isupper()


def _counts(tree: ast.AST) -> Iterator[str]:
    """Yield the text after each formatted value, and after each `%d` or `{{ }}`-like mark of a log line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            for value, after in zip(node.values, node.values[1:], strict=False):
                if isinstance(value, ast.FormattedValue) and not _is_constant(value.value):
                    yield str(after.value) if isinstance(after, ast.Constant) else ""
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.split(r"%d", node.value)[1:]


def test_no_text_puts_a_count_before_a_fixed_plural() -> None:
    after = re.compile(rf" (?:\w+ )??({'|'.join(sorted(_nouns()))})\b(?! [a-z]+s\b)")
    wrong = {(file, match[1]) for file, tree in _trees() for text in _counts(tree) if (match := after.match(text))}
    assert wrong == _SEVERAL


def test_no_page_puts_a_count_before_a_fixed_plural() -> None:
    after = re.compile(rf"(?<!shown_state )\}}\}}(?:</\w+>)? (?:\w+ )??({'|'.join(sorted(_nouns()))})\b")
    templates = sorted((_ROOT / "web" / "templates").glob("*.html"))
    wrong = [(file.name, match[0]) for file in templates for match in after.finditer(file.read_text("utf-8"))]
    assert templates
    assert wrong == []
