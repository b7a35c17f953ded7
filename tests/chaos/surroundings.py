"""The environment variables of the fleet, and the OpenAI simulator with its keys."""

import os
import secrets
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from cli.demo_setup import DemoKeys, service_environment, start_openai
from cli.processes import Supervisor
from tests.chaos.plan import REPORT_SECONDS

_LATENCY_MS = 500
#: Options of the six keys: two are good, two have low limits, one sometimes fails, and one is dead.
_MANNERS: tuple[dict[str, Any], ...] = (
    {},
    {"behavior": "flaky", "failure_rate": 0.3},
    {"rpm": 10},
    {"behavior": "dead"},
    {"rpm": 20},
    {},
)


@dataclass(frozen=True)
class OpenAI:
    base_url: str
    keys: tuple[str, ...]

    def paid(self) -> Counter[str]:
        """Return the number of answers with status 200 by SHA-256 of the prompt."""
        address = self.base_url.removesuffix("/v1")
        return Counter(httpx2.get(f"{address}/control/prompts", trust_env=False, timeout=10).raise_for_status().json())


def start_openai_simulator(supervisor: Supervisor, home: Path) -> OpenAI:
    made = tuple(f"sk-proj-{secrets.token_hex(24)}" for _ in _MANNERS)
    entries = [{"key": key, "project": f"proj_{n}", **_MANNERS[n]} for n, key in enumerate(made)]
    keys = DemoKeys(made, {"server": {"latency_ms": _LATENCY_MS}, "keys": entries})
    return OpenAI(start_openai(supervisor, home, service_environment(os.environ, home, openai={}), keys), made)


def fleet_environment(home: Path, openai: OpenAI, *, redis_url: str, database_url: str) -> dict[str, str]:
    given = {"OPENAI_API_KEYS": ",".join(openai.keys), "OPENAI_BASE_URL": openai.base_url}
    return service_environment(os.environ, home, openai=given) | {
        # With recipes, the records would depend on the order in which the pages are read.
        "RECIPE_USE": "off",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "KEY_REPORT_INTERVAL_SECONDS": str(REPORT_SECONDS),
        "REMAP_SIGTERM": "SIGQUIT",
    }
