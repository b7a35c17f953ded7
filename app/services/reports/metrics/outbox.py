"""What a process has counted and not yet reported: differences, numbered so that each is added exactly once.

A report that was sent and not confirmed stays as it is, under its number, until it is; what is counted meanwhile goes
into the next one. So nothing grows while Redis is away but numbers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry


def encode(name: str, labels: Mapping[str, str]) -> str:
    """One series as a field of the totals: `["name",{"label":"value"}]`, the same text for the same series."""
    return json.dumps([name, labels], sort_keys=True, separators=(",", ":"))


def decode(field: str) -> tuple[str, dict[str, str]]:
    """What `encode` was given. Raises `ValueError` for any other text."""
    found = json.loads(field)
    match found:
        case [str(name), dict(labels)] if all(isinstance(value, str) for value in labels.values()):
            return name, labels
    raise ValueError(f"{field!r} names no series")


def counts(registry: CollectorRegistry) -> dict[str, float]:
    """All series of `registry` now. The times at which they began are left out: they are this process's alone."""
    return {
        encode(sample.name, sample.labels): sample.value
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


@dataclass(frozen=True, slots=True)
class Report:
    """What was counted since the report before; `number` counts from 1."""

    number: int
    counted: Mapping[str, float]


class Outbox:
    """Reports what is counted in `registry` from now on. Used by one thread at a time.

    What was counted before is somebody else's: a forked child begins with the numbers of its parent, which are reported
    by that, or by nobody.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._reported = counts(registry)
        self._number = 0
        self._pending: Report | None = None

    def report(self) -> Report | None:
        """What is to be sent next: the unconfirmed report, else a new one, None if nothing was counted since."""
        if self._pending is None:
            now = counts(self._registry)
            more = {series: grown for series, value in now.items() if (grown := value - self._reported.get(series, 0))}
            if more:
                self._reported = now
                self._pending = Report(self._number + 1, more)
        return self._pending

    def confirm(self) -> None:
        """What `report` gave has been added."""
        if self._pending is not None:
            self._number, self._pending = self._pending.number, None
