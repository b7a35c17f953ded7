"""The entry point of `propintel`. It handles Ctrl-C before most imports, so that Ctrl-C never shows a traceback."""

import os

_INTERRUPTED = 130  # the same value as in cli.failures, which is not imported yet


def main() -> int:
    """Run the command in `sys.argv`. Return the exit code, unless Click raises `SystemExit`."""
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
    """End the process at once. This handles Ctrl-C during imports, when there is nothing to clean up.

    It does not raise `KeyboardInterrupt`, because the import system can swallow that while it frees a module's lock.
    """
    os._exit(_INTERRUPTED)


def started() -> None:
    """Make Ctrl-C raise `KeyboardInterrupt` again. Call this when everything is imported."""
    import signal  # noqa: PLC0415 (as in `main`)

    if signal.getsignal(signal.SIGINT) is end_at_once:
        signal.signal(signal.SIGINT, signal.default_int_handler)
