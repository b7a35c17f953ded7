"""Tests of deploy/alertmanager's example configuration in a real Alertmanager."""

import json
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.redis.embedded_valkey import ending_with_parent
from tests.integration.deploy.vocabulary import ALERTMANAGER, rules
from tests.plugins.ports import free_port
from tests.plugins.waiting import wait_for
from tests.plugins.webhook_receiver import Receiver

pytestmark = pytest.mark.prometheus


@pytest.mark.parametrize(("severity", "receiver"), [("critical", "slack-and-email"), ("warning", "slack")])
def test_critical_alerts_also_go_by_email(amtool: str, severity: str, receiver: str) -> None:
    command = [amtool, "config", "routes", "test", "--config.file", ALERTMANAGER]
    command += [f"severity={severity}", "job=propintel"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.split() == [receiver]
    subprocess.run([amtool, "check-config", ALERTMANAGER], capture_output=True, timeout=300, check=True)


def test_inhibitions_name_existing_alerts() -> None:
    """An inhibition rule with an unknown alert name would have no effect."""
    names = {rule["alert"] for rule in rules() if "alert" in rule}
    for inhibition in yaml.safe_load(ALERTMANAGER.read_text())["inhibit_rules"]:
        for matcher in (*inhibition["source_matchers"], *inhibition["target_matchers"]):
            if matcher.startswith("alertname"):
                assert set(matcher.split('"')[1].split("|")) <= names


@pytest.fixture
def webhook_receiver(make_receiver: Callable[..., Receiver]) -> Receiver:
    return make_receiver()


@pytest.fixture
def alertmanager_url(alertmanager_program: str, tmp_path: Path, webhook_receiver: Receiver) -> Iterator[str]:
    """Start Alertmanager with the example, but with a simulated Slack and mail server and without a grouping delay."""
    config = yaml.safe_load(ALERTMANAGER.read_text())
    config["global"]["smtp_smarthost"] = f"127.0.0.1:{free_port()}"
    config["route"]["group_wait"] = config["route"]["routes"][0]["group_wait"] = "200ms"
    for name, secret in (("slack_api_url_file", webhook_receiver.url), ("smtp_auth_password_file", "any")):
        file = tmp_path / name
        file.write_text(secret)
        config["global"][name] = str(file)
    (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    command = [alertmanager_program, f"--config.file={tmp_path / 'alertmanager.yml'}"]
    command += [f"--web.listen-address={address}", f"--storage.path={tmp_path / 'data'}", "--cluster.listen-address="]
    log = (tmp_path / "log").open("wb")
    with log, subprocess.Popen(ending_with_parent(command), stdout=log, stderr=log) as process:
        try:
            url = f"http://{address}"
            wait_for(lambda: process.poll() is not None or _is_ready(url), bool, "Alertmanager is not ready")
            assert process.poll() is None, (tmp_path / "log").read_text()
            yield url
        finally:
            process.terminate()


def test_alerts_of_single_keys_are_inhibited_while_no_key_is_healthy(
    alertmanager_url: str, webhook_receiver: Receiver
) -> None:
    """An inhibition applies only within one installation."""
    alerts = f"{alertmanager_url}/api/v2/alerts"
    _ask(alerts, [_alert("OpenAINoHealthyKey", "propintel", "critical")])
    wait_for(lambda: webhook_receiver.requests, bool, "messages to Slack")
    dead = [
        _alert("OpenAIKeyDead", "propintel", "warning", key="sk-proj-aaa...aaa1"),
        _alert("OpenAIKeyDead", "another", "warning", key="sk-proj-bbb...bbb2"),
    ]
    _ask(alerts, dead)

    def inhibited() -> list[str]:
        return [alert["labels"]["key"] for alert in _ask(alerts) if alert["status"]["inhibitedBy"]]

    wait_for(inhibited, lambda keys: keys == ["sk-proj-aaa...aaa1"], "inhibited")
    wait_for(lambda: webhook_receiver.requests, lambda requests: len(requests) >= 2, "messages to Slack")
    texts = sorted(json.dumps(json.loads(request.body)) for request in webhook_receiver.requests)
    assert len(texts) == 2
    assert "summary of OpenAIKeyDead sk-proj-bbb...bbb2" in texts[0]
    assert "FIRING OpenAIKeyDead (warning)" in texts[0]
    assert "summary of OpenAINoHealthyKey" in texts[1]
    assert "docs/alerts.md#any" in texts[1]


def _alert(name: str, job: str, severity: str, **labels: str) -> dict[str, Any]:
    words = " ".join((f"summary of {name}", *labels.values()))
    return {
        "labels": {"alertname": name, "job": job, "severity": severity, **labels},
        "annotations": {"summary": words, "description": "any", "runbook": "docs/alerts.md#any"},
    }


def _is_ready(url: str) -> bool:
    try:
        return isinstance(_ask(f"{url}/api/v2/alerts"), list)
    except OSError:
        return False


def _ask(url: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 (loopback)
    with urllib.request.urlopen(request, timeout=300) as response:  # noqa: S310 (loopback)
        return json.loads(response.read() or b"null")
