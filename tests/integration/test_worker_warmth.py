"""Only worker processes load large tables when they start, so that no job waits for them."""

import os
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import sys
from types import SimpleNamespace
import cli.main, web, worker
from worker import signals
tables = ("bpe_openai", "genai_prices.data")
print(*(table in sys.modules for table in tables))
signals._check_or_open(SimpleNamespace(pool_cls="prefork", loglevel="INFO"))
print(*(table in sys.modules for table in tables))
"""


def test_only_a_worker_loads_the_token_and_price_tables_before_its_first_job(tmp_path: Path) -> None:
    """Loading the tables takes half a second and 70 MB. Importing the interfaces does not load them."""
    environment = {**os.environ, "PROPINTEL_HOME": str(tmp_path), "OPENAI_API_KEYS": "sk-simulator-abcdabcd0001"}
    argv = [sys.executable, "-c", _PROGRAM]
    ran = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == ["False False", "True True"]
