"""Each runnable block in README and docs has a test, and `propintel` accepts each command in them."""

import importlib.util
import re
import shlex
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import typer

from cli.commands import COMMANDS
from tests.plugins.documented import DOING, ROOT, SHOWING, Block, blocks, pages

BLOCKS = blocks()
_MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
_TARGETS = frozenset(re.findall(r"^([a-z][a-z-]*):", _MAKEFILE, re.M))
#: Click's error for wrong usage. Typer exports only a subclass of it.
_UsageError: Any = typer.BadParameter.__base__
_INLINE = re.compile(r"(?<![`\w])`((?:\.venv/bin/)?(?:propintel|make) [^`\n]+)`(?!`)")


def _complaints(block: Block) -> Iterator[str]:
    if block.language not in DOING | SHOWING:
        yield f"the fence names no language that is known: {block.language!r}"
    elif block.language in DOING and not block.remark:
        yield "no comment above says what runs it: see tests/plugins/documented.py"
    for name in block.tests:
        yield from _complaint_of_test(name, block)


def _complaint_of_test(name: str, block: Block) -> Iterator[str]:
    """Yield the test's file or function if it is missing, or the block's commands that `.ci/run` does not run."""
    file, _, function = name.partition("::")
    if not (ROOT / file).is_file():
        yield f"no file {file}"
        return
    text = (ROOT / file).read_text(encoding="utf-8")
    if file == ".ci/run":
        lines = [line.split("#")[0].split() for line in block.text.splitlines() if line.split("#")[0].strip()]
        yield from (f".ci/run does not run {' '.join(words)}" for words in lines if " ".join(words) not in text)
    elif not re.search(rf"^ *def {re.escape(function)}\b" if function else r"^def test_", text, re.M):
        yield f"no test {function} in {file}"


def test_every_runnable_block_is_run_by_a_test() -> None:
    assert [f"{block}: {problem}" for block in BLOCKS for problem in _complaints(block)] == []


def _typed() -> Iterator[tuple[str, str]]:
    for block in BLOCKS:
        if block.language == "bash":
            for line in block.text.replace("\\\n", " ").splitlines():
                yield str(block), line
    for page in pages():
        if {"decisions", "benchmarks", "reference"} & set(page.parts):
            continue  # decisions and benchmarks are not updated after their date, and references quote the code
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
            for found in _INLINE.finditer(line):
                yield f"{page.relative_to(ROOT)}:{number}", found[1]


def _commands(line: str, program: str) -> list[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="();|&<>")
    lexer.whitespace_split = True
    found: list[list[str]] = []
    current: list[str] | None = None
    for word in lexer:
        if set(word) <= set("();|&<>") or word in ("`", "$"):
            current = None
        elif current is not None:
            current.append(word)
        elif Path(word.lstrip("$`")).name == program:
            current = []
            found.append(current)
    return found


def _refusal(words: list[str]) -> str | None:
    """Return why `propintel` would reject these arguments, or None. Values that name files or ids are not checked."""
    words = [word for word in words if word not in ("...", "…")]
    words = [word.removesuffix("...").strip("[]") for word in words]
    while words and words[0] in ("-v", "--verbose"):
        words = words[1:]
    if not words or words[0].startswith("-"):
        return None
    if words[0] not in COMMANDS:
        return f"no command {words[0]}"
    command: Any = COMMANDS[words[0]].load()
    words = words[1:]
    context = typer.Context(command)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return f"no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    try:
        given, _, parameters = command.make_parser(context).parse_args(list(words))
    except _UsageError as exc:
        return str(exc.format_message())
    for parameter in parameters:
        annotation = parameter.type_descriptor.annotation
        for kind in (annotation, *get_args(annotation)):
            value = given.get(parameter.name)
            choices = [one.value for one in kind] if isinstance(kind, type) and issubclass(kind, Enum) else []
            if choices and isinstance(value, str) and not value.isupper() and value not in choices:
                return f"{value} is none of {choices}"
    return None


def test_propintel_accepts_every_documented_command() -> None:
    refused = [
        f"{place}: propintel {shlex.join(words)}: {why}"
        for place, line in _typed()
        for words in _commands(line, "propintel")
        if (why := _refusal(words))
    ]
    assert refused == []


def test_every_make_target_exists() -> None:
    wanted = {
        (place, word)
        for place, line in _typed()
        for words in _commands(line, "make")
        for word in words
        if re.fullmatch(r"[a-z][a-z-]*", word)
    }
    assert wanted
    assert {(place, word) for place, word in wanted if word not in _TARGETS} == set()


def test_every_module_and_script_that_python_runs_exists() -> None:
    missing = []
    for place, line in _typed():
        for words in _commands(line, "python") + _commands(line, "python3"):
            if words[:1] == ["-m"]:
                found: object = importlib.util.find_spec(words[1])
            else:
                found = not words or not words[0].endswith(".py") or (ROOT / words[0]).is_file()
            missing += [] if found else [f"{place}: {shlex.join(words)}"]
    assert missing == []
