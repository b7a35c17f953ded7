"""No regular expression takes quadratic time on long runs of the characters that it matches.

The packages that read pages (`reading`, `values`) are not checked, because a CPU budget bounds their patterns.
"""

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
#: Modules that are not checked: those with a CPU budget, migrations, and modules that run code on import.
_LEFT_OUT = re.compile(r"app\.property\.(?:reading|values|storage\.migrations)\b|.*__main__|worker\.\w+_app")
_LENGTH = 65_536
#: A linear pattern scans a text of `_LENGTH` in a millisecond; a quadratic one takes many seconds.
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


def _patterns_in(value: Any, depth: int = 3) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, tuple | list | set | frozenset):
        for item in value:
            yield from _patterns_in(item, depth - 1)
    elif depth and isinstance(value, dict):
        yield from _patterns_in([*value, *value.values()], depth)
    elif depth and is_dataclass(value) and not isinstance(value, type):
        yield from _patterns_in([getattr(value, name, None) for name in value.__dataclass_fields__], depth)


def _uses(tree: ast.AST) -> dict[str, set[str]]:
    """Return the methods that are called on each name. A loop variable counts as the name it loops over."""
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
    """Yield each pattern in calls such as `re.sub("...", ...)`, and the called function's name."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="re"), attr=method), args=[ast.Constant(value=source), *_]
            ) if method not in {"compile", "escape"}:
                yield re.compile(source), method


def _patterns() -> dict[str, tuple[re.Pattern[Any], set[str]]]:
    found = dict[int, tuple[str, re.Pattern[Any], set[str]]]()
    for module in _modules():
        tree = ast.parse(inspect.getsource(module))
        uses = _uses(tree)
        for name, value in vars(module).items():
            for pattern in _patterns_in(value):
                found.setdefault(id(pattern), (f"{module.__name__}.{name}", pattern, set()))[2].update(uses[name])
        for pattern, method in _written(tree):
            found.setdefault(id(pattern), (module.__name__, pattern, set()))[2].add(method)
    return {f"{place} {pattern.pattern!r}": (pattern, methods) for place, pattern, methods in found.values()}


def _slowest(pattern: re.Pattern[Any], methods: set[str]) -> str | None:
    """Return the beginning of a text that the pattern scans too slowly, or None if no text is too slow."""
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


@pytest.mark.long
@pytest.mark.usefixtures("_ends_what_is_slow")
def test_no_pattern_is_slow_on_long_runs_of_matching_text() -> None:
    patterns = _patterns()
    assert len(patterns) > 150, "the search for patterns misses some"
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
def test_the_generated_texts_are_slow_for_vulnerable_patterns(slow: str, linear: str, use: Callable[..., Any]) -> None:
    assert _slowest(re.compile(slow), {use.__name__}) is not None
    assert _slowest(re.compile(linear), {use.__name__}) is None
