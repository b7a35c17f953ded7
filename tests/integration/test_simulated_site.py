"""The simulated site runs as a program."""

from collections.abc import Callable
from typing import Any

import httpx2


def test_as_a_program_it_ends_cleanly(start_program: Callable[..., Any]) -> None:
    program = start_program("simulators.site", "--port", "0")
    assert "Disallow: /private/" in httpx2.get(f"{program.address}/robots.txt", trust_env=False, timeout=300).text
    assert program.stop() == (0, "")
