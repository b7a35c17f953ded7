"""Real workers and beat send one message when an alert fires and one when the alert ends."""

import json
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from app.property.storage.keys.alerts import AlertStore
from tests.plugins.simulator_fixtures import KEYS
from tests.plugins.webhook_receiver import Receiver

pytestmark = pytest.mark.worker
TARGET = "/listings/oak-hollow-lane"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_FAST = {
    "KEY_REPORT_INTERVAL_SECONDS": "1",
    "FETCH_MIN_DELAY_SECONDS": "0",
    "WEBHOOK_SECRET": SECRET,
    "FETCH_ALLOWED_PRIVATE_NETWORKS": "127.0.0.1/32",
}


def delivered(receiver: Receiver) -> list[tuple[str, str, str]]:
    events = [json.loads(request.body) for request in receiver.requests if request.status == 200]
    return [(event["type"], each["kind"], each["subject"]) for event in events for each in event["data"]["alerts"]]


def masks(fleet: Any) -> list[str]:
    shown = fleet.app.send_task("tasks.health.report_key_stats").get(timeout=300)
    return list(shown["keys"])


def test_alerts_of_two_bad_keys_fire_once_and_are_resolved_once(
    make_fleet: Any, make_receiver: Any, openai_simulator: Any, property_site: str
) -> None:
    """The first delivery fails. Further reports send no more alerts; removing the bad keys resolves both alerts."""
    receiver = make_receiver(statuses=[503, 200])
    simulator = openai_simulator(
        keys=[
            {"key": KEYS[0], "behavior": "dead"},
            {"key": KEYS[1], "behavior": "no_quota"},
            {"key": KEYS[2], "rpm": 60_000, "tpm": 100_000_000},
        ]
    )
    fleet = make_fleet(
        OPENAI_BASE_URL=simulator.base_url, ALERT_WEBHOOK_URL=receiver.url, OPENAI_API_KEYS_FILE="keys", **_FAST
    )
    (fleet.home / "keys").write_text("\n".join(simulator.keys))
    fleet.start_worker(concurrency=1)
    fleet.start_beat()
    fleet.wait_for_state(
        fleet.send(*(f"{property_site}/homes/{n}" for n in range(1, 7)), property_site + TARGET), "done"
    )
    alerts = AlertStore(fleet.stores.database)
    fleet.until(lambda: len(alerts.firing()) == 2, 40)
    fleet.until(lambda: len(delivered(receiver)) == 2, 40)
    dead, unpaid, good = masks(fleet)
    assert sorted(delivered(receiver)) == [("alert.fired", "key_dead", dead), ("alert.fired", "quota_gone", unpaid)]
    first = [request for request in receiver.requests if request.status == 503]
    assert first[0].headers["webhook-id"] in {r.headers["webhook-id"] for r in receiver.requests if r.status == 200}
    for request in receiver.requests:
        assert Webhook(SECRET).verify(request.body, request.headers)["data"]["alerts"]

    reports = fleet.log("worker").count("3 healthy")
    fleet.until(lambda: fleet.log("worker").count("of 3 healthy") >= reports + 3, 20)
    report = fleet.app.send_task("tasks.health.report_key_stats").get(timeout=300)
    assert {alert["kind"] for alert in report["alerts"]} == {"key_dead", "quota_gone"}
    assert report["advice"][0]["code"] == "mend_keys_first"
    (fleet.home / "keys").write_text(simulator.keys[2])
    fleet.until(lambda: alerts.firing() == [], 40)
    fleet.until(lambda: len(delivered(receiver)) == 4, 40)
    assert sorted(delivered(receiver))[2:] == [
        ("alert.resolved", "key_dead", dead),
        ("alert.resolved", "quota_gone", unpaid),
    ]
    log = fleet.log("worker")
    assert log.count(f"Alert key_dead: OpenAI key {dead} was refused") == 1
    assert log.count("Alert quota_gone:") == 1
    assert log.count("Alert key_dead is resolved") == 1
    assert all(key not in log for key in simulator.keys)
    assert "hunter2" not in log
    assert good in masks(fleet)
