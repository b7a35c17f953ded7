"""What a worker's process does at its start, so that no request has to wait for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: in a process of its own: what one test has loaded, all others have
_START = """
import sys
from app.services.resources import open_resources
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
    ran = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout.strip()) == (0, str(loaded)), ran.stderr
