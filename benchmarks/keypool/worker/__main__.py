"""`python -m benchmarks.keypool.worker`: reads a setup from the first line of stdin and a plan from the second; prints
one line for each.

The parent starts all workers of a run, waits until every worker is ready, then sends all the same plan.
"""

import importlib
import json
import logging
import os
import sys

from benchmarks.keypool.worker.driver import Driver, Plan


def main() -> None:
    """Run the plan, then exit at once: threads may still hang in a library, but their jobs are already counted."""
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
