"""The services around the tested fleet, in either place."""

from __future__ import annotations

from dataclasses import dataclass

from tests.plugins.simulator_fixtures import KEYS, SimulatorHandle

#: the only OpenAI key, with unlimited capacity
KEY = {"key": KEYS[0], "rpm": 60_000, "tpm": 100_000_000}
#: settings of the fleet in both places
VARIABLES = {"OPENAI_API_KEYS": KEYS[0], "JOB_LEASE_SECONDS": "3", "KEY_REPORT_INTERVAL_SECONDS": "1"}


@dataclass(frozen=True)
class Surroundings:
    """The site's address as the fleet knows it, the OpenAI simulator, and the environments.

    `fleet` is the environment of the fleet's processes, `test` the environment of this process. Both use the same
    database.
    """

    site: str
    model: SimulatorHandle
    fleet: dict[str, str]
    test: dict[str, str]
