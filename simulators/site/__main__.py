"""Start the site of invented listings: `python -m simulators.site --port 0`."""

import argparse
import sys

from simulators.serving import Stopping, run
from simulators.site.server import build_site


def main(argv: list[str] | None = None) -> int:
    """Serve until a signal, then return exit code 0."""
    parser = argparse.ArgumentParser(prog="python -m simulators.site", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free port")
    args = parser.parse_args(argv)
    return run(build_site(), Stopping(), host=args.host, port=args.port)


if __name__ == "__main__":
    sys.exit(main())
