"""Alerts through real workers and beat: told once when they begin and once when they are over, beat's silence too."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from app.property.storage.alerts import AlertStore
from app.redis.embedded_valkey import broker_url
from app.services.keys.store import connect_store
from app.services.reports.metrics.outbox import encode
from app.services.reports.metrics.totals import Totals
from tests.plugins.standin_fixtures import KEYS
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


def told(receiver: Receiver) -> list[tuple[str, str, str]]:
    """Every alert of every message that the receiver took: its type, kind and subject."""
    events = [json.loads(request.body) for request in receiver.requests if request.status == 200]
    return [(event["type"], each["kind"], each["subject"]) for event in events for each in event["data"]["alerts"]]


def counted_as_delivered(fleet: Any) -> float:
    """Messages to the webhook, by the metrics of the fleet."""
    series = encode("propintel_alert_notifications_total", {"outcome": "delivered"})
    with closing(Totals(connect_store(broker_url(fleet.settings)))) as totals:
        return totals.read().get(series, 0.0)


def masks(fleet: Any) -> list[str]:
    shown = fleet.app.send_task("tasks.health.report_key_stats").get(timeout=300)
    return list(shown["keys"])


def test_a_dead_key_and_one_without_quota_are_told_once_and_are_over_once(
    make_fleet: Callable[..., Any],
    make_receiver: Callable[..., Receiver],
    openai_standin: Callable[..., Any],
    property_site: str,
    until: Callable[..., None],
) -> None:
    """The receiver is down at first. Further reports fire nothing again; taking the bad keys out ends it."""
    receiver = make_receiver(statuses=[503, 200])
    standin = openai_standin(
        keys=[
            {"key": KEYS[0], "behaviour": "dead"},
            {"key": KEYS[1], "behaviour": "no_quota"},
            {"key": KEYS[2], "rpm": 60_000, "tpm": 100_000_000},
        ]
    )
    fleet = make_fleet(
        OPENAI_BASE_URL=standin.base_url, ALERT_WEBHOOK_URL=receiver.url, OPENAI_API_KEYS_FILE="keys", **_FAST
    )
    (fleet.home / "keys").write_text("\n".join(standin.keys))
    fleet.start_worker(concurrency=1)
    fleet.start_beat()
    fleet.wait_for_state(
        fleet.send(*(f"{property_site}/homes/{n}" for n in range(1, 7)), property_site + TARGET), "done"
    )
    alerts = AlertStore(fleet.stores.database)
    until(lambda: len(alerts.firing()) == 2, 40, lambda: fleet.log("worker"))
    until(lambda: len(told(receiver)) == 2, 40, lambda: fleet.log("worker"))
    dead, unpaid, good = masks(fleet)
    assert sorted(told(receiver)) == [("alert.fired", "key_dead", dead), ("alert.fired", "quota_gone", unpaid)]
    first = [request for request in receiver.requests if request.status == 503]
    assert first[0].headers["webhook-id"] in {r.headers["webhook-id"] for r in receiver.requests if r.status == 200}
    for request in receiver.requests:
        assert Webhook(SECRET).verify(request.body, request.headers)["data"]["alerts"]

    reports = fleet.log("worker").count("3 healthy")
    until(lambda: fleet.log("worker").count("of 3 healthy") >= reports + 3, 20, lambda: fleet.log("worker"))
    report = fleet.app.send_task("tasks.health.report_key_stats").get(timeout=300)
    assert {alert["kind"] for alert in report["alerts"]} == {"key_dead", "quota_gone"}
    assert report["advice"][0]["code"] == "mend_keys_first"
    (fleet.home / "keys").write_text(standin.keys[2])
    until(lambda: alerts.firing() == [], 40, lambda: fleet.log("worker"))
    until(lambda: len(told(receiver)) == 4, 40, lambda: fleet.log("worker"))
    assert sorted(told(receiver))[2:] == [
        ("alert.resolved", "key_dead", dead),
        ("alert.resolved", "quota_gone", unpaid),
    ]
    log = fleet.log("worker")
    assert log.count(f"Alert key_dead: OpenAI key {dead} was refused") == 1
    assert log.count("Alert quota_gone:") == 1
    assert log.count("Alert key_dead is over") == 1
    assert all(key not in log for key in standin.keys)
    assert "hunter2" not in log
    assert good in masks(fleet)


def test_a_beat_that_dies_is_told_once_by_whichever_worker_hears_nothing(
    make_fleet: Callable[..., Any],
    make_receiver: Callable[..., Receiver],
    until: Callable[..., None],
) -> None:
    """Two workers listen; without beat the alert is told all the same. When beat is back it is over.

    What was told is counted, whoever told it: a child of the worker, or a parent that listens.
    """
    receiver = make_receiver()
    fleet = make_fleet(ALERT_WEBHOOK_URL=receiver.url, ALERT_BEAT_SILENT_SECONDS="8", **_FAST)
    beat = fleet.start_beat()
    fleet.start_worker(concurrency=1)
    second = ["celery", "-A", "worker", "worker", "-Q", "scrape", "--concurrency=1", "-n", "second", "--loglevel=INFO"]
    other = fleet.services.start(fleet.supervisor, "second", second)
    fleet.services.wait_for_worker(fleet.supervisor, other)
    alerts = AlertStore(fleet.stores.database)

    def log() -> str:
        return fleet.log("worker") + fleet.log("second")

    def is_calm() -> bool:
        """Nothing fires, and all is told: on a slow machine beat may have been silent at first."""
        return not alerts.firing() and len(told(receiver)) == 2 * len(alerts.resolved().items)

    until(lambda: "OpenAI keys: 0 of 0 healthy" in fleet.log("worker"), 30, log)
    until(is_calm, 30, log)
    before = len(told(receiver))
    beat.process.kill()
    beat.process.wait(120)
    until(lambda: len(told(receiver)) > before, 40, log)
    (firing,) = alerts.firing()
    assert (firing.kind, firing.subject, firing.severity) == ("beat_silent", "beat", "critical")
    assert told(receiver)[before:] == [("alert.fired", "beat_silent", "beat")]
    taken = sum(request.status == 200 for request in receiver.requests)
    until(lambda: counted_as_delivered(fleet) == taken, 20, log)
    fleet.start_beat()
    until(is_calm, 60, log)
    assert told(receiver)[before + 1 :] == [("alert.resolved", "beat_silent", "beat")]
    assert log().count("Alert beat_silent: No health report") == len(alerts.resolved().items)


def test_a_webhook_that_could_never_be_told_ends_the_start_with_the_reason(make_fleet: Callable[..., Any]) -> None:
    fleet = make_fleet(ALERT_WEBHOOK_URL="http://hooks.example:22/hunter2")
    worker = fleet.start_worker(wait=False)
    assert worker.process.wait(120) == 2
    assert "ALERT_WEBHOOK_URL" in fleet.log("worker")
    assert "hunter2" not in fleet.log("worker")


def test_a_fleet_that_never_had_a_beat_is_silent_in_time_and_its_children_are_replaced(
    make_fleet: Callable[..., Any],
    openai_standin: Callable[..., Any],
    pool_processes: Callable[..., Any],
    property_site: str,
    until: Callable[..., None],
) -> None:
    """While the parent listens and reports, children that die are forked anew and work."""
    standin = openai_standin()
    fleet = make_fleet(
        OPENAI_API_KEYS=",".join(standin.keys),
        OPENAI_BASE_URL=standin.base_url,
        ALERT_BEAT_SILENT_SECONDS="5",
        **{**_FAST, "FETCH_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8"},
    )
    worker = fleet.start_worker(concurrency=1)
    alerts = AlertStore(fleet.stores.database)
    until(lambda: [alert.kind for alert in alerts.firing()] == ["beat_silent"], 30, lambda: fleet.log("worker"))
    for _ in range(5):
        (child,) = pool_processes(worker)
        child.kill()
        until(lambda: [c.pid for c in pool_processes(worker)] not in ([], [child.pid]), 20, lambda: fleet.log("worker"))  # noqa: B023
    fleet.wait_for_state(fleet.send(property_site + TARGET), "done")
    assert fleet.log("worker").count("Alert beat_silent:") == 1
