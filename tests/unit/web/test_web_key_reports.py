"""The routes for alerts and key reports, on a real database."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from app.property.storage.keys.alerts import Alarm, AlertStore, Severity
from app.redis.embedded_valkey import EmbeddedValkey
from app.services.reports.key_report.report import keep_report
from app.services.runtime.stores import Stores
from app.settings import Settings

Bearer = Callable[..., dict[str, str]]
ALERTS, KEY_REPORT = "/api/v1/admin/alerts", "/api/v1/admin/key-report"


def alarm(subject: str, severity: Severity = Severity.WARNING) -> Alarm:
    return Alarm("key_dead", subject, severity, f"Key {subject} is dead.", {"key": subject})


def test_firing_alerts_are_listed_with_resolved_ones(client: TestClient, bearer: Bearer, stores: Stores) -> None:
    alerts = AlertStore(stores.database)
    alerts.record([alarm("a"), alarm("b"), alarm("c", Severity.CRITICAL)], notify=True)
    alerts.record([alarm("a"), alarm("c", Severity.CRITICAL)], notify=True)
    data = client.get(ALERTS, headers=bearer("exec")).json()["data"]
    assert [each["subject"] for each in data["firing"]] == ["c", "a"]
    assert [each["subject"] for each in data["resolved"]] == ["b"]
    assert data["firing"][1] == alerts.firing()[1].as_json()
    assert data["webhook"] == {"pending": 2, "given_up": 0, "error": None}
    assert data["next_cursor"] is None
    alerts.record([], notify=False)
    first = client.get(f"{ALERTS}?limit=2", headers=bearer()).json()["data"]
    second = client.get(f"{ALERTS}?limit=2&cursor={first['next_cursor']}", headers=bearer()).json()["data"]
    assert [len(page["resolved"]) for page in (first, second)] == [2, 1]
    assert (second["resolved"][0]["subject"], second["next_cursor"]) == ("b", None)


@pytest.mark.usefixtures("patient")
def test_the_newest_report_is_shown_with_its_advice(
    client: TestClient, bearer: Bearer, stores: Stores, make_settings: Callable[..., Settings]
) -> None:
    settings = make_settings()
    with EmbeddedValkey(settings.state.propintel_home):
        assert client.get(KEY_REPORT, headers=bearer()).json()["data"] == {"report": None, "alerts_firing": 0}
        now = stores.database.clock.now()
        advice = [{"code": "enough", "severity": "info", "sentence": "Enough.", "numbers": {"keys": 2}}]
        report = {
            "keys": {"sk-a": {"state": "dead", "failures": 3, "requests": 9}}, "healthy_keys": 1, "total_keys": 2,
            "rotation_strategy": "random", "alerts_firing": 0, "advice": advice,
        }  # fmt: skip
        keep_report(settings, {**report, "healthy_keys": 2}, now - timedelta(minutes=1))
        keep_report(settings, report, now)
        AlertStore(stores.database).record([alarm("a")], notify=False)
        data = client.get(KEY_REPORT, headers=bearer()).json()["data"]
    assert data["report"] == {
        "reported_at": now.isoformat(), "healthy_keys": 1, "total_keys": 2,
        "unhealthy": [{"key": "sk-a", "state": "dead", "failures": 3}], "unhealthy_left_off": 0,
        "summary": "OpenAI keys: 1 of 2 healthy, 9 requests, 3 failures, strategy random", "advice": advice,
    }  # fmt: skip
    assert data["alerts_firing"] == 1


def test_without_redis_no_report_is_shown(client: TestClient, bearer: Bearer) -> None:
    answer = client.get(KEY_REPORT, headers=bearer())
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "broker_unavailable")
