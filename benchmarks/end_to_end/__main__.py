"""`python -m benchmarks.end_to_end`: run the labeled pages through a real worker without a model, and score them."""

import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.end_to_end.run import run
from benchmarks.extraction.__main__ import print_scores
from benchmarks.extraction.run import labeled_pages, load_truth
from benchmarks.extraction.scorer import score


def main() -> int:
    """Print the final states of the jobs and the scores of the stored values. Return 2 if the pages are missing."""
    folder = labeled_pages()
    if folder is None:
        return 2
    with tempfile.TemporaryDirectory(prefix="propintel-bench-") as home:
        done = run(folder, Path(home))
    print_scores(score(done.records, load_truth(folder)))
    states = Counter(job["state"] for job in done.jobs)
    print(f"{len(done.jobs)} jobs: {dict(states)}, {len(done.records)} records stored")
    for job in done.jobs:
        if job["state"] != "done":
            print(f"  {job['target']}: {job['error']['message']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
