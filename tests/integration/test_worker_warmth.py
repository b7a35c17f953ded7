"""What a worker's process does at its start, so that no request has to wait for it, and no other process does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: in a process of its own: what one test has loaded, all others have
_START = """
import sys
from app.services.runtime.resources import open_resources
from app.settings import load_settings
with open_resources(load_settings(), in_task=sys.argv[1] == "task"):
    print("genai_prices.data" in sys.modules)
"""


@pytest.mark.parametrize(
    ("use", "variables", "loaded"),
    [
        ("task", {"OPENAI_API_KEYS": "sk-standin-abcdabcd0001"}, True),
        ("task", {}, False),
        ("task", {"OPENAI_API_KEYS": "sk-a", "OPENAI_MODEL": "m", "OPENAI_PRICES": "m=1/2"}, False),
        ("direct", {"OPENAI_API_KEYS": "sk-standin-abcdabcd0001"}, False),
    ],
    ids=["a task's process", "no key", "the price is one's own", "direct use"],
)
def test_the_table_of_prices_is_loaded_before_the_first_request_if_any_will_need_it(
    tmp_path: Path, use: str, variables: dict[str, str], loaded: bool
) -> None:
    environment = {**os.environ, "PROPINTEL_HOME": str(tmp_path), **variables}
    argv = [sys.executable, "-c", _START, use]
    ran = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert (ran.returncode, ran.stdout.strip()) == (0, str(loaded)), ran.stderr


#: each door as it is imported, then a worker's parent; of Celery's sender it asks the pool and the level of its log
_COUNTS = """
import sys
from types import SimpleNamespace
import cli.main, web, worker
from worker import signals
print("bpe_openai" in sys.modules)
signals._on_worker_init(SimpleNamespace(pool_cls=sys.argv[1], loglevel="INFO"))
print("bpe_openai" in sys.modules)
"""


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_the_tables_of_tokens_are_loaded_by_a_worker_before_its_first_job_and_by_nobody_else(
    tmp_path: Path, pool: str
) -> None:
    """They take half a second and 70 MB."""
    environment = {**os.environ, "PROPINTEL_HOME": str(tmp_path)}
    argv = [sys.executable, "-c", _COUNTS, pool]
    ran = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert (ran.returncode, ran.stdout.split()) == (0, ["False", "True"]), ran.stderr
