"""Every error can be pickled and has its facts, a message, and a unique code."""

import pickle

import pytest

from app.errors import PropertyIntelligenceError, every_kind
from app.errors.fetching import HttpStatusError

_ALL = list(every_kind())


def _facts(kind: type[PropertyIntelligenceError]) -> list[object]:
    return [7.0 if name.endswith(("seconds", "status")) else f"<{name}>" for name in kind.fact_names]


def test_facts_survive_pickling_and_are_in_the_message() -> None:
    """Celery's result backend passes errors between processes."""
    for kind in _ALL:
        error = kind(*_facts(kind))
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 (our own bytes)
        assert (type(again), again.facts, str(again)) == (kind, error.facts, str(error))
        assert "{" not in str(error)


def test_braces_in_a_fact_are_kept() -> None:
    for kind in _ALL:
        facts = ["{boom} %s" if isinstance(fact, str) else fact for fact in _facts(kind)]
        assert str(kind(*facts)), kind


def test_every_code_is_unique() -> None:
    codes = [kind.code for kind in _ALL]
    assert sorted(codes) == sorted(set(codes))


def test_missing_facts_are_refused() -> None:
    with pytest.raises(TypeError, match="url, status"):
        HttpStatusError("https://example.com")
