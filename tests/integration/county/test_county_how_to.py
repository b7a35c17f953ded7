"""docs/fictional-county.md as a reader follows it: one command starts the county, the next prints the brief."""

from __future__ import annotations

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
        told = ""
        while not told.endswith("Ctrl-C ends it.\n"):
            line = county.stdout.readline()
            assert line, told
            told += line
        typed = re.findall(r"^  (export .*|\.venv/bin/propintel .*)$", told, re.MULTILINE)
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
    # the roof's permit, not the carport's; what the owner's mail or a neighbour says is not there
    for said in ("12 Fictional Ave", "Architectural shingle", "2018", "1987", "gate", "Fictional Ridge"):
        assert said.casefold() in brief.casefold(), said
    assert "solar" in brief.casefold()
    assert "earth.google.com" in brief
    assert "127.0.9.1" in brief
    for other in ("12A Fictional", "112 Fictional", "2022"):
        assert other not in brief
