"""A worker process loads large tables at its start, so that no request waits for them; other processes do not.

Each case is a separate process, forked after the imports, because loaded tables stay loaded.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_FORKS = """
import json, os, sys
{imports}
for case in json.loads(sys.argv[1]):
    pid = os.fork()
    if pid == 0:
        {work}
        sys.stdout.flush()
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        sys.exit(1)
"""


def _printed(tmp_path: Path, imports: str, work: str, cases: Sequence[Any]) -> list[str]:
    """Import modules in a new Python, run `work` for each case in a fork, and return the printed words."""
    program = _FORKS.format(imports=imports, work=work.replace("\n", "\n        "))
    environment = {**os.environ, "PROPINTEL_HOME": str(tmp_path)}
    argv = [sys.executable, "-c", program, json.dumps(cases)]
    ran = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.split()


def test_the_price_table_is_loaded_before_the_first_request_if_it_is_needed(tmp_path: Path) -> None:
    """A task process with a key loads the table, unless the price is configured."""
    cases = [
        ("task", {"OPENAI_API_KEYS": "sk-simulator-abcdabcd0001"}),
        ("task", {}),
        ("task", {"OPENAI_API_KEYS": "sk-a", "OPENAI_MODEL": "m", "OPENAI_PRICES": "m=1/2"}),
        ("direct", {"OPENAI_API_KEYS": "sk-simulator-abcdabcd0001"}),
    ]
    imports = """
from app.services.runtime.resources import open_resources
from app.settings import load_settings
"""
    work = """
os.environ.update(case[1])
with open_resources(load_settings(), in_task=case[0] == "task"):
    print("genai_prices.data" in sys.modules)
"""
    assert _printed(tmp_path, imports, work, cases) == ["True", "False", "False", "False"]


def test_only_a_worker_loads_the_token_tables_before_its_first_job(tmp_path: Path) -> None:
    """The tables take half a second and 70 MB. Importing the interfaces does not load them."""
    imports = """
from types import SimpleNamespace
import cli.main, web, worker
from worker import signals
"""
    work = """
print("bpe_openai" in sys.modules)
signals._check_or_open(SimpleNamespace(pool_cls=case, loglevel="INFO"))
print("bpe_openai" in sys.modules)
"""
    assert _printed(tmp_path, imports, work, ["prefork", "threads"]) == ["False", "True"] * 2
