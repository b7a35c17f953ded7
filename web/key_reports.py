"""Admin API: what is wrong with the keys, and what the newest key report says and advises."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel

from app.property.storage.keys.alerts import AlertStore, Severity
from app.property.storage.outbox import Channel, Outbox
from app.services.reports.key_report.report import newest_report
from web.auth import MANAGEMENT, api_router
from web.context import ContextOf
from web.envelope import answers, success
from web.parameters import AlertsCursor, Limit

router = api_router("/api/v1/admin", "admin", MANAGEMENT)


class AlertView(BaseModel):
    """One alert; `kind` and `subject` name it, `details` depend on the kind. `resolved_at` is null while it fires."""

    id: str
    kind: str
    subject: str
    severity: Severity
    message: str
    details: dict[str, Any]
    fired_at: datetime
    resolved_at: datetime | None


class WebhookView(BaseModel):
    """Messages to ALERT_WEBHOOK_URL: how many wait, how many of 30 days were given up, and the newest error."""

    pending: int
    given_up: int
    error: str | None


class AlertList(BaseModel):
    """All that fire, critical ones first, and a page of those that are over, the newest end first.

    `next_cursor` is null on the last page.
    """

    firing: list[AlertView]
    resolved: list[AlertView]
    next_cursor: str | None
    webhook: WebhookView


class UnhealthyKey(BaseModel):
    """A key, by its mask, that took no requests; `failures` since it is known."""

    key: str
    state: str
    failures: int


class AdviceView(BaseModel):
    """`code` is a stable word for programs, `numbers` are what the sentence was made of."""

    code: str
    severity: Literal["info", "warning"]
    sentence: str
    numbers: dict[str, Any]


class KeyStatsReport(BaseModel):
    """`unhealthy` names twenty keys at most, `unhealthy_left_off` is how many more there were."""

    reported_at: datetime
    healthy_keys: int
    total_keys: int
    unhealthy: list[UnhealthyKey]
    unhealthy_left_off: int
    summary: str
    advice: list[AdviceView]


class KeyReportView(BaseModel):
    """`report` is null before the first one; `alerts_firing` counts what `/api/v1/admin/alerts` lists."""

    report: KeyStatsReport | None
    alerts_firing: int


@router.get("/alerts", summary="Alerts on the keys", responses=answers(AlertList, 422))
def list_alerts(context: ContextOf, limit: Limit = 100, cursor: AlertsCursor = None) -> JSONResponse:
    """What each kind means and what to do about it is in docs/alerts.md."""
    alerts = AlertStore(context.stores.database)
    over = alerts.resolved(cursor, limit=limit)
    return success(
        {
            "firing": [alert.as_json() for alert in alerts.firing()],
            "resolved": [alert.as_json() for alert in over.items],
            "next_cursor": over.next_cursor,
            "webhook": Outbox(context.stores.database).backlog(Channel.ALERT).as_json(),
        }
    )


@router.get("/key-report", summary="The newest key report", responses=answers(KeyReportView))
def latest_report(context: ContextOf) -> JSONResponse:
    """As beat had it made last, with its advice; the figures of all keys are at `/api/v1/admin/openai/stats`."""
    firing = len(AlertStore(context.stores.database).firing())
    return success({"report": newest_report(context.settings), "alerts_firing": firing})
