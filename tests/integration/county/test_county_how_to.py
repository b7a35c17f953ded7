"""The commands of docs/fictional-county.md start the county and print a property's brief."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

from app.settings import VARIABLE_PREFIXES
from tests.plugins.warm_start import WarmParent

_REPOSITORY = Path(__file__).parents[3]


def test_the_printed_commands_print_the_brief(tmp_path: Path, warm_parent: WarmParent) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith(VARIABLE_PREFIXES)}
    command = [sys.executable, "-m", "simulators.county", "--port", "0", "--folder", str(tmp_path)]
    county = subprocess.Popen(command, cwd=_REPOSITORY, env=clean, stdout=subprocess.PIPE, text=True)
    timer = threading.Timer(110, county.kill)
    timer.start()
    try:
        assert county.stdout is not None
        output = ""
        while not output.endswith("Ctrl-C ends it.\n"):
            line = county.stdout.readline()
            assert line, output
            output += line
        truth = json.loads((tmp_path / "truth.jsonl").read_text().splitlines()[0])
        assert f'scrape "{truth["address"]}" --format table' in output
        typed = re.findall(r"^  (export .*|\.venv/bin/propintel .*)$", output, re.MULTILINE)
        assert len(typed) == 2
        program = tmp_path / "propintel"
        warm_parent.write_program(program, clean)
        script = " && ".join(typed).replace(".venv/bin/propintel", str(program))
        done = subprocess.run(
            ["bash", "-c", script], env=clean, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr
    finally:
        timer.cancel()
        county.send_signal(signal.SIGTERM)
        county.communicate(timeout=300)
    brief = " ".join(done.stdout.split())
    # The brief uses the roof's permit, but neither the carport's permit nor claims of the owner or a neighbor.
    for expected in ("12 Fictional Ave", "Architectural shingle", "2018", "1987", "gate", "Fictional Ridge"):
        assert expected.casefold() in brief.casefold(), expected
    assert "solar" in brief.casefold()
    assert "earth.google.com" in brief
    assert "127.0.9.1" in brief
    for other in ("12A Fictional", "112 Fictional", "2022"):
        assert other not in brief
