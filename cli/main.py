"""`propintel`: the terminal door. Imports next to nothing by itself, so that Ctrl-C is heard from the first moment."""

from __future__ import annotations

import os

_INTERRUPTED = 130  # as in cli.failures, which is not imported yet


def main() -> int:
    """Run the command that `sys.argv` names; -> the exit code. Click's own exits pass as `SystemExit`."""
    try:
        import signal  # noqa: PLC0415 (inside the guard, like everything that takes time)

        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, end_at_once)
        try:
            from cli.commands import run  # noqa: PLC0415 (as above: 0.2 s)

            return run()
        finally:
            started()
    except KeyboardInterrupt:
        return _INTERRUPTED


def end_at_once(*_: object) -> None:
    """Ctrl-C while modules are imported: there is nothing to clean up.

    No `KeyboardInterrupt`, because the import system swallows one that comes while it frees a module's lock.
    """
    os._exit(_INTERRUPTED)


def started() -> None:
    """All is imported: from now on Ctrl-C is a `KeyboardInterrupt` again."""
    import signal  # noqa: PLC0415 (as in `main`)

    if signal.getsignal(signal.SIGINT) is end_at_once:
        signal.signal(signal.SIGINT, signal.default_int_handler)
