"""`python -m benchmarks.workers.site --seconds 0.5`: the simulator's site with slow pages."""

import argparse
import asyncio
import contextlib
import sys
from typing import Any

from simulators.serving import App, Stopping, run
from simulators.site.server import build_site


def slow(app: App, seconds: float, stopping: Stopping) -> App:
    """Delay the responses of `app` by `seconds`, except robots.txt. The delay ends when the server stops."""

    async def delayed(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] != "/robots.txt":
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), seconds)
        await app(scope, receive, send)

    return delayed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers.site", description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.5, help="before each answer")
    args = parser.parse_args()
    stopping = Stopping()
    return run(slow(build_site(), args.seconds, stopping), stopping, host="127.0.0.1", port=0)


if __name__ == "__main__":
    sys.exit(main())
