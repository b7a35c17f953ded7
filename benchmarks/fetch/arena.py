"""Run one cell in a private network: `unshare --net --mount python -m benchmarks.fetch.arena CELL.json PYTHON OUT`.

In that network, this machine has the addresses of all sites, and /etc/hosts has their names. The contestant's output
and the times of the requests to the sites are written to OUT.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.fetch.cells import HTTPX2, OURS, OURS_SHARED, SCRAPY, Cell

_PEERS = Path(__file__).parent / "peers"
_FILES = {OURS: "ours.py", OURS_SHARED: "ours.py", SCRAPY: "scrapy_peer.py", HTTPX2: "httpx2_peer.py"}


def main(cell_file: Path, python: str, out: Path) -> None:
    cell = Cell(**json.loads(cell_file.read_text()))
    contestant_file = cell_file.with_suffix(".told.json")
    contestant_file.write_text(json.dumps({**cell.as_json(), "hosts": cell.hosts, "urls": cell.urls}))
    hosts = cell_file.with_suffix(".hosts")
    hosts.write_text("127.0.0.1 localhost\n" + cell.hosts_file)
    for command in (
        ["ip", "link", "set", "lo", "up"],
        ["ip", "route", "add", "local", "5.9.0.0/16", "dev", "lo"],
        ["mount", "--bind", str(hosts), "/etc/hosts"],
    ):
        subprocess.run(command, check=True)
    log = cell_file.with_suffix(".log")
    served = [sys.executable, "-m", "benchmarks.fetch.sites", str(log), str(cell.gap_seconds)]
    with subprocess.Popen(served, stdout=subprocess.PIPE, text=True) as sites:
        assert sites.stdout is not None
        sites.stdout.readline()
        try:
            contestant = [python, str(_PEERS / _FILES[cell.contestant]), str(contestant_file)]
            done = subprocess.run(contestant, stdout=subprocess.PIPE, text=True, timeout=300, check=True)
        finally:
            sites.terminate()
    took: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    out.write_text(json.dumps({**took, "asked": json.loads(log.read_text())}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
