"""Keep services running: restart a service that ended, with exponential backoff.

If a service ends before it was ever up, all services stop, because it would probably fail again.
"""

from collections.abc import Callable
from typing import Protocol

from app.errors import PropertyIntelligenceError
from app.redis.embedded_valkey import EmbeddedValkey
from cli.processes import Child, ChildDiedError, Supervisor

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
#: If a service ran for this long, the pause before its restart is `FIRST_PAUSE_SECONDS` again.
SETTLED_SECONDS = 60.0


class Life(Protocol):
    """A service that `Kept` keeps running."""

    name: str

    def start(self) -> None:
        """Start or restart the service. Raises `PropertyIntelligenceError` if it cannot be started."""
        ...

    def is_up(self) -> bool: ...

    def death(self) -> ChildDiedError | None:
        """Return an error that says how the service ended. Return None while it runs."""
        ...


class ChildLife:
    """A service that is a child process of `supervisor`. `ready` returns whether the running child does its work."""

    def __init__(
        self, name: str, supervisor: Supervisor, start: Callable[[], Child], ready: Callable[[Child], bool]
    ) -> None:
        self.name = name
        self._supervisor = supervisor
        self._start = start
        self._ready = ready
        self._child: Child | None = None

    def start(self) -> None:
        dead, self._child = self._child, None
        if dead is not None:  # end the dead process's children, if any are left
            self._supervisor.stop_child(dead)
        self._child = self._start()

    def is_up(self) -> bool:
        return self._child is not None and self._child.process.poll() is None and self._ready(self._child)

    def death(self) -> ChildDiedError | None:
        code = self._child.process.poll() if self._child is not None else None
        if self._child is None or code is None:
            return None
        return ChildDiedError(self.name, code, self._child.words())


class ValkeyLife:
    """Restarts the embedded Valkey that this process started. Messages are on disk, so a restart loses no message."""

    name = "the embedded Valkey"

    def __init__(self, valkey: EmbeddedValkey) -> None:
        self._valkey = valkey

    def start(self) -> None:
        self._valkey.stop()  # forget the dead server, so that `start` can use one that another process started
        self._valkey.start()

    def is_up(self) -> bool:
        return self._valkey.pid is not None

    def death(self) -> ChildDiedError | None:
        code = self._valkey.exit_code
        return None if code is None else ChildDiedError(self.name, code, self._valkey.last_log_line())


class Kept:
    """Keeps one service running. `now` returns the time of a monotonic clock in seconds. `say` prints a note."""

    def __init__(self, life: Life, now: Callable[[], float], say: Callable[[str], None]) -> None:
        self._life = life
        self._now = now
        self._say = say
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._was_up = False
        self._started_at = now()
        self._again_at: float | None = None

    @property
    def name(self) -> str:
        return self._life.name

    @property
    def is_down(self) -> bool:
        """Whether the service has ended and will be restarted after a pause."""
        return self._again_at is not None

    def start(self) -> None:
        self._started_at = self._now()
        self._life.start()

    def check(self) -> bool:
        """Return whether the service was ever up. Raises `ChildDiedError` if it ended before it was up."""
        self._was_up = self._was_up or self._life.is_up()
        if not self._was_up and (death := self._life.death()):
            raise death
        return self._was_up

    def tend(self) -> None:
        """Restart the service after a pause if it has ended. Call this repeatedly.

        Raises `ChildDiedError` if the service ended before it was ever up.
        """
        if self._again_at is None:
            self.check()
            if death := self._life.death():
                self._rest(str(death))
        elif self._now() >= self._again_at:
            self._start_again()

    def _start_again(self) -> None:
        self._again_at = None
        try:
            self.start()
        except (PropertyIntelligenceError, OSError) as exc:
            self._rest(str(exc))
        else:
            self._say(f"{self.name} is started again")

    def _rest(self, reason: str) -> None:
        if self._now() - self._started_at >= SETTLED_SECONDS:
            self._pause_seconds = FIRST_PAUSE_SECONDS
        pause = self._pause_seconds
        self._pause_seconds = min(2 * pause, LONGEST_PAUSE_SECONDS)
        self._again_at = self._now() + pause
        self._say(f"{reason}\nstarting {self.name} again in {pause:.0f} s")
