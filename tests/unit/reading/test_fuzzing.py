"""A short run of `make fuzz`, which normally takes an hour, and all inputs that have failed before."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import WORDS, seeds
from tests.fuzz.targets import LIMIT_SECONDS, TARGETS, timed

_FOLDER = Path(__file__).parents[2] / "fuzz" / "regressions"
_REGRESSIONS = [path for target in TARGETS for path in sorted((_FOLDER / target).glob("*"))]
_TOKENS = [word.encode() for word in WORDS]

_EDITS = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.sampled_from(["insert", "delete", "repeat", "replace"]),
        st.sampled_from(_TOKENS),
        st.integers(1, 60),
    ),
    max_size=6,
)


def _edited(data: bytes, edits: list[tuple[float, str, bytes, int]]) -> bytes:
    for share, what, word, count in edits:
        at = int(share * len(data))
        piece = {
            "insert": word + data[at : at + count],
            "delete": b"",
            "repeat": data[at : at + count] * 3,
            "replace": word,
        }[what]
        data = data[:at] + piece + data[at + count :]
    return data


def _inputs(target: str) -> st.SearchStrategy[bytes]:
    started = st.sampled_from(list(seeds(target)) or [b""])
    return st.one_of(st.builds(_edited, started, _EDITS), st.binary(max_size=200))


def _short(target: str) -> Callable[[], None]:
    @settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(_inputs(target))
    def run(data: bytes) -> None:
        assert timed(target, data) < LIMIT_SECONDS

    return run


@pytest.mark.parametrize("target", TARGETS)
def test_mutated_pages_are_handled(target: str) -> None:
    _short(target)()


@pytest.mark.parametrize("path", _REGRESSIONS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_inputs_that_once_failed_are_handled(path: Path) -> None:
    assert timed(path.parent.name, path.read_bytes()) < LIMIT_SECONDS


def test_the_folder_of_past_failures_is_not_empty() -> None:
    """If the folder moved, the test of past failures would have no inputs and pass."""
    assert _REGRESSIONS
