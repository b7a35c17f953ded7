"""`python -m benchmarks.keypool.worker`: run jobs with one contestant.

The first line of stdin is the setup, and the worker answers when it is ready. The second line is the plan, and the
worker answers with the results. The benchmark sends the plan when all workers of a run are ready.
"""

import importlib
import json
import logging
import os
import sys

from benchmarks.keypool.worker.driver import Driver, Plan


def main() -> None:
    """Run the plan, then exit immediately, even if threads are blocked in a library.

    The jobs of these threads are already counted.
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    setup = json.loads(sys.stdin.readline())
    module = importlib.import_module(f"benchmarks.keypool.worker.contestants.{setup['contestant']}")
    contestant = module.build(setup)
    print(json.dumps({"ready": True}), flush=True)
    line = sys.stdin.readline()
    if line:
        record = Driver(contestant, Plan(**json.loads(line))).run()
        result = {"cpu_seconds": record.cpu_seconds, "errors": record.errors, "calls": record.calls}
        print(json.dumps(result), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
