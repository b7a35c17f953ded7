"""Text for readers does not use the glossary's "Words to avoid"."""

import ast
import json
import re
from collections.abc import Iterator
from html import unescape

from app.errors import every_kind
from app.settings import Settings
from tests.plugins.documented import ROOT, pages
from web import create_app

_GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
_TABLE = _GLOSSARY[_GLOSSARY.index("## Words to avoid") :]
_ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.+\|$", _TABLE, re.M)[2:]]
_AVOIDED = re.compile(rf"\b(?:{'|'.join(word for row in _ROWS for word in row[0].split(', '))})\b", re.I)
_ALLOWED = re.compile("|".join(re.escape(phrase) for row in _ROWS for phrase in re.findall('"([^"]+)"', row[2])), re.I)
#: Matches code, comments, and link targets, which are not prose.
_NO_PROSE = re.compile(r"<!--.*?-->|^ *```.*?^ *```|`[^`\n]*`|\]\([^)]*\)|https?://\S+", re.S | re.M)
_SHOWN_ATTRIBUTES = re.compile(r"\b(?:title|alt|placeholder|aria-label)=\"([^\"]*)\"")
_TEMPLATE_CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|<(?:script|style)\b.*?</(?:script|style)>", re.S)
_LOGGING = ("app", "tasks", "worker", "web", "cli")


def _found(text: str) -> list[str]:
    return _AVOIDED.findall(_ALLOWED.sub("", text))


def _in_markdown(text: str) -> list[str]:
    return _found(_NO_PROSE.sub(" ", text))


def _in_template(text: str) -> list[str]:
    text = _TEMPLATE_CODE.sub(" ", text)
    return _found(unescape(" ".join([*_SHOWN_ATTRIBUTES.findall(text), re.sub(r"<[^>]*>", " ", text)])))


def _logged(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"debug", "info", "warning", "error", "exception", "critical"}
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
        ):
            yield node.args[0].value


def test_no_page_uses_an_avoided_word() -> None:
    texts = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in pages()}
    texts["docs/glossary.md"] = _GLOSSARY.removesuffix(_TABLE)
    found = {name: words for name, text in texts.items() if "decisions" not in name and (words := _in_markdown(text))}
    assert found == {}


def test_no_template_uses_an_avoided_word() -> None:
    templates = (ROOT / "web" / "templates").glob("*.html")
    found = {path.name: words for path in templates if (words := _in_template(path.read_text(encoding="utf-8")))}
    assert found == {}


def test_the_openapi_document_uses_no_avoided_word() -> None:
    assert _found(json.dumps(create_app(Settings.of).openapi())) == []


def test_no_error_uses_an_avoided_word() -> None:
    found = {cls.code: words for cls in every_kind() if (words := _found(f"{cls.sentence} {cls.remedy}"))}
    assert found == {}


def test_no_log_message_uses_an_avoided_word() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {message}"
        for package in _LOGGING
        for path in (ROOT / package).rglob("*.py")
        for message in _logged(path.read_text(encoding="utf-8"))
        if _found(message)
    }
    assert found == set()
