"""Checks that expressions use only known metrics and recorded series."""

from __future__ import annotations

import re

import yaml

from tests.integration.deploy.files import RULES
from tests.integration.deploy.metric_contract import TARGET_LABELS, Metric, queried
from tests.integration.deploy.promql import references


def rules() -> list[dict[str, str]]:
    """Return all rules of all groups, in order."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def known_series() -> dict[str, Metric]:
    """Return the exported metrics and the recorded series, whose labels come from the metrics in their expressions."""
    known = queried()
    for rule in rules():
        if "record" in rule:
            labels: dict[str, frozenset[str] | None] = {}
            for name in references(rule["expr"]).metrics & known.keys():
                labels |= known[name].labels
            known[rule["record"]] = Metric(rule["record"], "gauge", labels)
    return known


def mistakes(expression: str, known: dict[str, Metric]) -> list[str]:
    """Return errors for unknown names in `expression`."""
    used = references(expression)
    found = [f"no metric {name}" for name in sorted(used.metrics - known.keys())]
    for name, label, sign, value in used.matchers:
        labels = known[name].labels if name in known else {}
        if label not in labels.keys() | TARGET_LABELS:
            found.append(f"{name} has no label {label}")
        elif (possible := labels.get(label)) is not None and not _matches_any(sign, value, possible):
            found.append(f"{name} never has {label}{sign}{value!r}")
    having = TARGET_LABELS.union(*(known[name].labels for name in used.metrics & known.keys()))
    return found + [f"nothing here has the label {label}" for label in sorted(used.labels - having)]


def _matches_any(sign: str, value: str, possible: frozenset[str]) -> bool:
    """Return whether each word of the matcher can occur."""
    if "$" in value or value == ".*":
        return True
    words = value.split("|") if sign in {"=~", "!~"} else [value]
    return all(any(re.fullmatch(word, each) for each in possible) for word in words)
