"""A service that ended is restarted after growing pauses, or not at all if it was never ready."""

from dataclasses import dataclass, field

import pytest

from app.clock import ManualClock
from app.errors.broker import EmbeddedValkeyError
from cli.keeping import Kept
from cli.processes import ChildDiedError


@dataclass
class Scripted:
    name: str = "worker"
    up: bool = False
    dead: bool = False
    starts: int = 0
    refusals: list[EmbeddedValkeyError] = field(default_factory=list)

    def start(self) -> None:
        self.starts += 1
        self.dead = False
        if self.refusals:
            raise self.refusals.pop()

    def is_up(self) -> bool:
        return self.up and not self.dead

    def death(self) -> ChildDiedError | None:
        return ChildDiedError(self.name, -9, "last words") if self.dead else None


class Watched:
    def __init__(self, life: Scripted) -> None:
        self.life = life
        self.clock = ManualClock()
        self.messages: list[str] = []
        self.kept = Kept(life, lambda: self.clock.now().timestamp(), self.messages.append)
        self.kept.start()

    def die_and_rest(self) -> float:
        starts, waited = self.life.starts, 0.0
        self.life.dead = True
        self.kept.tend()
        while self.life.starts == starts:
            self.clock.advance(0.5)
            waited += 0.5
            self.kept.tend()
        return waited


@pytest.fixture
def watched() -> Watched:
    watched = Watched(Scripted(up=True))
    watched.kept.tend()
    return watched


def test_pauses_double_up_to_half_a_minute(watched: Watched) -> None:
    assert [watched.die_and_rest() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]


def test_after_a_minute_of_life_the_pauses_start_over(watched: Watched) -> None:
    assert [watched.die_and_rest() for _ in range(3)] == [1, 2, 4]
    watched.clock.advance(59.5)
    assert watched.die_and_rest() == 8
    watched.clock.advance(60)
    assert watched.die_and_rest() == 1


def test_an_ended_service_is_reported_with_its_last_output(watched: Watched) -> None:
    watched.die_and_rest()
    assert watched.messages == [
        "worker ended unexpectedly (exit code -9):\nlast words\nstarting worker again in 1 s",
        "worker is started again",
    ]


def test_a_service_that_was_never_up_is_not_restarted() -> None:
    watched = Watched(Scripted(up=False))
    watched.kept.tend()
    watched.life.dead = True
    with pytest.raises(ChildDiedError, match="last words"):
        watched.kept.tend()
    assert watched.life.starts == 1


def test_a_service_that_was_up_once_is_restarted_after_an_early_end(watched: Watched) -> None:
    """An unreachable database can end a worker at its start, although the configuration is valid."""
    watched.life.up = False
    assert [watched.die_and_rest() for _ in range(2)] == [1, 2]


def test_a_failed_start_is_retried(watched: Watched) -> None:
    watched.life.refusals = [EmbeddedValkeyError("unix://v.sock", "no space left")]
    assert watched.die_and_rest() == 1
    assert watched.kept.is_down
    assert "no space left" in watched.messages[-1]
    watched.clock.advance(2)
    watched.kept.tend()
    assert not watched.kept.is_down
    assert watched.life.starts == 3
