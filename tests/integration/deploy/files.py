"""Paths of the files in deploy/."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = PROMETHEUS / "rules.yml"
RULE_TESTS = sorted(PROMETHEUS.glob("*.test.yml"))
ALERTMANAGER = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboard.json"
GENERATOR = ROOT / "deploy" / "grafana" / "make_dashboard.py"
GUIDE = ROOT / "docs" / "prometheus.md"
