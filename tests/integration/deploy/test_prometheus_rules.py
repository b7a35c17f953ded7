"""promtool accepts the rules and the example configuration in deploy/prometheus, and the rules match the code."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.integration.deploy.vocabulary import GUIDE, PROMETHEUS, ROOT, RULE_TESTS, RULES, known_series, mistakes
from tests.integration.deploy.vocabulary import rules as all_rules

#: The Prometheus rule for each kind of alert in the key report.
TWINS = {
    "circuit_open": "OpenAIKeyCircuitOpen",
    "key_dead": "OpenAIKeyDead",
    "quota_gone": "OpenAIQuotaGone",
    "key_old": "OpenAIKeyOld",
    "budget_nearly_spent": "OpenAIBudgetNearlySpent",
    "no_healthy_key": "OpenAINoHealthyKey",
}


def _alerts() -> dict[str, dict[str, object]]:
    return {rule["alert"]: rule for rule in all_rules() if "alert" in rule}


def _run(*command: str, cwd: Path = PROMETHEUS) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.prometheus
def test_promtool_accepts_the_rules_without_a_warning(promtool: str) -> None:
    _run(promtool, "check", "rules", "--lint=all", "--lint-fatal", RULES.name)


@pytest.mark.prometheus
def test_promtool_accepts_the_example_configuration(promtool: str, tmp_path: Path) -> None:
    folder = shutil.copytree(PROMETHEUS, tmp_path / "prometheus")
    (folder / "metrics-token").write_text("any")
    _run(promtool, "check", "config", "--lint=all", "--lint-fatal", "prometheus.yml", cwd=folder)


@pytest.mark.prometheus
@pytest.mark.parametrize("file", RULE_TESTS, ids=lambda file: file.name)
def test_alerts_fire_exactly_when_expected(promtool: str, file: Path) -> None:
    _run(promtool, "test", "rules", file.name)


def test_every_alert_has_a_case_in_which_it_fires_and_a_case_in_which_it_does_not() -> None:
    cases = [
        (case["alertname"], bool(case.get("exp_alerts")))
        for file in RULE_TESTS
        for test in yaml.safe_load(file.read_text())["tests"]
        for case in test.get("alert_rule_test", [])
    ]
    assert {name for name, fires in cases if fires} == set(_alerts())
    assert {name for name, fires in cases if not fires} == set(_alerts())


def test_rules_use_existing_metrics_and_labels() -> None:
    known = known_series()
    found = {rule.get("alert") or rule["record"]: mistakes(rule["expr"], known) for rule in all_rules()}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_alerts_have_a_severity_a_summary_and_a_runbook() -> None:
    """A rule whose alert is also in the key report links to docs/alerts.md. Other rules link to docs/prometheus.md."""
    assert {name: _alerts()[name]["annotations"]["runbook"] for name in TWINS.values()} == {
        name: f"docs/alerts.md#{kind}" for kind, name in TWINS.items()
    }
    headings = {re.sub(r"\W", "", line).lower() for line in GUIDE.read_text().splitlines() if line.startswith("### ")}
    for name, alert in _alerts().items():
        assert alert["labels"]["severity"] in {"warning", "critical"}, name
        assert set(alert["annotations"]) == {"summary", "description", "runbook"}, name
        page, _, anchor = alert["annotations"]["runbook"].partition("#")
        if name not in TWINS.values():
            assert page == str(GUIDE.relative_to(ROOT)), name
            assert anchor == name.lower(), name
            assert anchor in headings, name
