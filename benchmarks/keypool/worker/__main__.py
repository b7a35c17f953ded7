"""`python -m benchmarks.keypool.worker`: a set-up on the first line of stdin, a plan on the second, one line out each.

The parent starts all workers of a run, waits until every one has said that it is ready, then gives all the same plan.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys

from benchmarks.keypool.worker.driver import Driver, Plan


def main() -> None:
    """Leave without ceremony: threads may still hang in a library, and their jobs are already counted."""
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
