"""The entry point of `propintel`. It imports almost nothing, so that Ctrl-C works from the first moment."""

from __future__ import annotations

import os

_INTERRUPTED = 130  # as in cli.failures, which is not imported yet


def main() -> int:
    """Run the command that `sys.argv` names; return the exit code. Click's own exits pass as `SystemExit`."""
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
    """End on Ctrl-C while modules are imported: there is nothing to clean up.

    This raises no `KeyboardInterrupt`, because the import system swallows it while freeing a module's lock.
    """
    os._exit(_INTERRUPTED)


def started() -> None:
    """Make Ctrl-C a `KeyboardInterrupt` again, once everything is imported."""
    import signal  # noqa: PLC0415 (as in `main`)

    if signal.getsignal(signal.SIGINT) is end_at_once:
        signal.signal(signal.SIGINT, signal.default_int_handler)
