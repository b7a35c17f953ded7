"""No pattern takes time that grows with the square of a text, on long runs of what it looks for.

Left out is what reads pages (`reading`, `values`): reading has a budget of CPU time, which ends a pattern too.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import signal
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from types import ModuleType
from typing import Any

import pytest

from tests.security.pumping import pumped

_PACKAGES = ("app", "tasks", "worker", "web", "cli")
#: what has a budget, and what runs when it is imported
_LEFT_OUT = re.compile(r"app\.property\.(?:reading|values|storage\.migrations)\b|.*__main__|worker\.\w+_app")
_LENGTH = 65_536
#: a pattern goes over so much text in a thousandth of a second; if it begins anew at each place, it takes many seconds
_SECONDS = 0.2
_ANCHORED = {"match", "fullmatch"}


class _SlowError(Exception):
    pass


def _modules() -> Iterator[ModuleType]:
    for name in _PACKAGES:
        package = importlib.import_module(name)
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not _LEFT_OUT.match(found.name):
                yield importlib.import_module(found.name)


def _held(value: Any, depth: int = 3) -> Iterator[re.Pattern[Any]]:
    """The patterns in a constant."""
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, tuple | list | set | frozenset):
        for item in value:
            yield from _held(item, depth - 1)
    elif depth and isinstance(value, dict):
        yield from _held([*value, *value.values()], depth)
    elif depth and is_dataclass(value) and not isinstance(value, type):
        yield from _held([getattr(value, name, None) for name in value.__dataclass_fields__], depth)


def _uses(tree: ast.AST) -> dict[str, set[str]]:
    """Which methods are called on a name, or on what a loop takes from it."""
    taken_from = dict[str, str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.comprehension) and isinstance(node.iter, ast.Name):
            source = node.iter.id
            taken_from |= {name.id: source for name in ast.walk(node.target) if isinstance(name, ast.Name)}
    found = defaultdict[str, set[str]](set)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = node.value.id
            found[taken_from.get(name, name)].add(node.attr)
    return found


def _written(tree: ast.AST) -> Iterator[tuple[re.Pattern[Any], str]]:
    """Patterns in calls such as `re.sub("...", ...)`, with the name of the function."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="re"), attr=method), args=[ast.Constant(value=source), *_]
            ) if method not in {"compile", "escape"}:
                yield re.compile(source), method


def _patterns() -> dict[str, tuple[re.Pattern[Any], set[str]]]:
    """Where a pattern stands -> the pattern, and the methods by which it is applied."""
    found = dict[int, tuple[str, re.Pattern[Any], set[str]]]()
    for module in _modules():
        tree = ast.parse(inspect.getsource(module))
        uses = _uses(tree)
        for name, value in vars(module).items():
            for pattern in _held(value):
                found.setdefault(id(pattern), (f"{module.__name__}.{name}", pattern, set()))[2].update(uses[name])
        for pattern, method in _written(tree):
            found.setdefault(id(pattern), (module.__name__, pattern, set()))[2].add(method)
    return {f"{place} {pattern.pattern!r}": (pattern, methods) for place, pattern, methods in found.values()}


def _slowest(pattern: re.Pattern[Any], methods: set[str]) -> str | None:
    """The beginning of a text that takes the pattern too long; None if it is linear."""
    anchored = methods & _ANCHORED
    searches = not anchored or methods & {"search", "sub", "subn", "findall", "finditer", "split"}
    for text in pumped(pattern, _LENGTH):
        subject: Any = text.encode("utf-8", "replace") if isinstance(pattern.pattern, bytes) else text
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, _SECONDS)
            if searches:
                for _ in pattern.finditer(subject):
                    pass
            for method in anchored:
                getattr(pattern, method)(subject)
        except _SlowError:
            return text[:80]
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return None


@pytest.fixture
def _ends_what_is_slow() -> Iterator[None]:
    def end(*_: Any) -> None:
        raise _SlowError

    before = signal.signal(signal.SIGVTALRM, end)
    yield
    signal.signal(signal.SIGVTALRM, before)


@pytest.mark.usefixtures("_ends_what_is_slow")
def test_no_pattern_is_slow_on_long_runs_of_what_it_looks_for() -> None:
    patterns = _patterns()
    assert len(patterns) > 150, "the search for patterns has lost some"
    assert {where: text for where, found in patterns.items() if (text := _slowest(*found)) is not None} == {}


@pytest.mark.usefixtures("_ends_what_is_slow")
@pytest.mark.parametrize(
    ("slow", "linear", "use"),
    [
        (r"x\s*=\s*\"?\s*y", r"x\s*+=\s*+\"?\s*+y", re.Pattern.search),
        (r"<[^>]*>", r"<[^<>]*+>", re.Pattern.sub),
        (r"\s+$", r"(?<!\s)\s++$", re.Pattern.search),
        (r"(\w+ ?)*!", r"(?<!\w)(?:\w++ ?)*+!", re.Pattern.match),
        (r"(?:begin|end)[^;]*;", r"(?:begin|end)[^;be]*+;", re.Pattern.search),
    ],
)
def test_the_texts_find_what_is_slow(slow: str, linear: str, use: Callable[..., Any]) -> None:
    assert _slowest(re.compile(slow), {use.__name__}) is not None
    assert _slowest(re.compile(linear), {use.__name__}) is None
