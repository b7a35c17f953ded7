"""Read the rules and dashboards in deploy/, and check that their expressions use only existing series."""

import re
from collections.abc import Iterable
from pathlib import Path

import yaml

from tests.integration.deploy.metric_contract import TARGET_LABELS, Metric, queried

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = PROMETHEUS / "rules.yml"
RULE_TESTS = sorted(PROMETHEUS.glob("*.test.yml"))
ALERTMANAGER = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboard.json"
GENERATOR = ROOT / "deploy" / "grafana" / "make_dashboard.py"
GUIDE = ROOT / "docs" / "prometheus.md"
_SELECTOR = re.compile(r"\b(propintel\w*:?[\w:]*|up)\b(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
_LABELS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")


def rules() -> list[dict[str, str]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def known_series() -> dict[str, Metric]:
    """Return the exported metrics, and the recorded series with the labels of the metrics they use."""
    known = queried()
    for rule in rules():
        if "record" in rule:
            names = {name for name, _ in _SELECTOR.findall(_LABELS.sub("", rule["expr"]))} & known.keys()
            labels = {label: values for name in sorted(names) for label, values in known[name].labels.items()}
            known[rule["record"]] = Metric(rule["record"], "gauge", labels)
    return known


def mistakes(expression: str, known: dict[str, Metric]) -> list[str]:
    """Return an error message for each unknown metric, label, or label value in `expression`."""
    found, having = [], set(TARGET_LABELS)
    for name, matchers in _SELECTOR.findall(_LABELS.sub("", expression)):
        if name not in known:
            found.append(f"no metric {name}")
            continue
        having |= known[name].labels.keys()
        for label, value in _MATCHER.findall(matchers):
            if label not in known[name].labels.keys() | TARGET_LABELS:
                found.append(f"{name} has no label {label}")
            elif (possible := known[name].labels.get(label)) is not None and not _matches_any(value, possible):
                found.append(f"{name} never has {label} {value!r}")
    named = {label.strip() for labels in _LABELS.findall(expression) for label in labels.split(",")}
    return found + [f"nothing here has the label {label}" for label in sorted(named - having - {""})]


def _matches_any(value: str, possible: Iterable[str]) -> bool:
    if "$" in value or value == ".*":
        return True
    return all(any(re.fullmatch(word, each) for each in possible) for word in value.split("|"))
