"""`propintel alerts` lists firing and resolved alerts, as JSON or as a table."""

import json

from app.property.storage.keys.alerts import Alarm, AlertStore, Severity
from app.services.runtime.stores import Stores

from .conftest import Propintel


def alarm(subject: str) -> Alarm:
    return Alarm("key_dead", subject, Severity.WARNING, f"Key {subject} is dead.", {"key": subject})


def test_firing_and_recently_resolved_alerts_are_shown(called: Propintel, stores: Stores) -> None:
    webhook = {"pending": 0, "given_up": 0, "error": None}
    assert json.loads(called("alerts").stdout) == {"firing": [], "resolved": [], "webhook": webhook}
    alerts = AlertStore(stores.database)
    alerts.record([alarm("sk-a"), alarm("sk-b")], notify=True)
    alerts.record([alarm("sk-a")], notify=True)
    shown = json.loads(called("alerts").stdout)
    assert [alert["subject"] for alert in shown["firing"]] == ["sk-a"]
    assert [alert["subject"] for alert in shown["resolved"]] == ["sk-b"]
    assert shown["webhook"] == {"pending": 2, "given_up": 0, "error": None}
    table = called("alerts", "--format", "table").stdout
    assert "1 alert firing" in table
    assert "Key sk-a is dead." in table
    assert "Webhook: 2 messages wait" in table


def test_alerts_resolved_long_ago_are_shown_on_request(called: Propintel, stores: Stores) -> None:
    alerts = AlertStore(stores.database)
    alerts.record([alarm("sk-a")], notify=False)
    alerts.record([], notify=False)
    with stores.database.writing() as connection:
        connection.exec_driver_sql("UPDATE alerts SET resolved_at = '2020-01-01 00:00:00.000000'")
    assert json.loads(called("alerts").stdout)["resolved"] == []
    assert len(json.loads(called("alerts", "--all").stdout)["resolved"]) == 1
