"""Start the simulated OpenAI API: `python -m simulators.openai --port 0 --config keys.json`."""

import argparse
import sys
from pathlib import Path

from simulators.openai.config import Config, ConfigError
from simulators.openai.server import OpenAISimulator
from simulators.serving import run


def main(argv: list[str] | None = None) -> int:
    """Serve until a signal, and return 0. Return 2 for an invalid configuration."""
    parser = argparse.ArgumentParser(prog="python -m simulators.openai", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free port")
    parser.add_argument("--config", required=True, help="a JSON file, - for stdin")
    args = parser.parse_args(argv)
    try:
        text = sys.stdin.read() if args.config == "-" else Path(args.config).read_text(encoding="utf-8")
        simulator = OpenAISimulator(Config.read(text))
    except (OSError, ConfigError) as exc:
        print(f"--config {args.config}: {exc}", file=sys.stderr)  # noqa: T201 (a program's own output)
        return 2
    return run(simulator.app, simulator.stopping, host=args.host, port=args.port, path="/v1")


if __name__ == "__main__":
    sys.exit(main())
