"""What is around the fleet that a test runs, wherever that is."""

from __future__ import annotations

from dataclasses import dataclass

from tests.plugins.simulator_fixtures import KEYS, SimulatorHandle

#: the one OpenAI key, with room for anything
KEY = {"key": KEYS[0], "rpm": 60_000, "tpm": 100_000_000}
#: of the fleet in either place
VARIABLES = {"OPENAI_API_KEYS": KEYS[0], "JOB_LEASE_SECONDS": "3", "KEY_REPORT_INTERVAL_SECONDS": "1"}


@dataclass(frozen=True)
class Surroundings:
    """What is around the fleet: the site's address as the fleet knows it, the OpenAI simulator, and the environments.

    `fleet` is the environment of its processes, `test` that of this one: both lead to the same database.
    """

    site: str
    model: SimulatorHandle
    fleet: dict[str, str]
    test: dict[str, str]
