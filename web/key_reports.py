"""Admin API: alerts, and the newest report on the OpenAI keys."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from app.property.storage.keys.alerts import AlertStore, Severity
from app.property.storage.outbox import Channel, Outbox
from app.services.reports.key_report.report import newest_report
from web.auth import MANAGEMENT, api_router
from web.context import ContextOf
from web.envelope import answers, success
from web.parameters import AlertsCursor, KeyMask, Limit, ListPage

router = api_router("/api/v1/admin", "admin", MANAGEMENT)
type AdviceSeverity = Literal["info", "warning"]
type Details = Annotated[dict[str, Any], Field(examples=[{"key": "sk-proj-abc...xyz1", "state": "open"}])]


class AlertView(BaseModel):
    """An alert of a `kind` about a `subject`. `details` depends on `kind`.

    `resolved_at` is null while the alert fires.
    """

    id: str = Field(examples=["7b1e3d5f9a2c4e6081b3d5f7a9c1e3b5"])
    kind: str = Field(examples=["circuit_open"])
    subject: str = Field(examples=["sk-proj-abc...xyz1"])
    severity: Severity
    message: str = Field(examples=["Circuit open for OpenAI key sk-proj-abc...xyz1."])
    details: Details
    fired_at: datetime
    resolved_at: datetime | None


class WebhookView(BaseModel):
    """The delivery of alert messages to ALERT_WEBHOOK_URL. `pending` counts waiting messages, `given_up` those
    abandoned in the last 30 days, and `error` is the newest error.
    """

    pending: int = Field(examples=[0])
    given_up: int = Field(examples=[0])
    error: str | None


class AlertList(ListPage):
    """All firing alerts, critical ones first, and one page of resolved alerts, newest first."""

    firing: list[AlertView]
    resolved: list[AlertView] = Field(examples=[[]])
    webhook: WebhookView


class UnhealthyKey(BaseModel):
    """A key that is out of rotation, and its total number of failures."""

    key: KeyMask
    state: str = Field(examples=["open"])
    failures: int = Field(examples=[7])


class AdviceView(BaseModel):
    """A recommendation. Programs can rely on `code`. `numbers` has the figures in `sentence`."""

    code: str = Field(examples=["mend_keys_first"])
    severity: AdviceSeverity
    sentence: str = Field(examples=["1 of 3 keys is out of rotation."])
    numbers: Details = Field(examples=[{"out": 1, "keys": 3, "masks": ["sk-proj-abc...xyz1"]}])


class KeyStatsReport(BaseModel):
    """A report on all keys. `unhealthy` lists at most twenty unhealthy keys; `unhealthy_left_off` counts the others."""

    reported_at: datetime
    healthy_keys: int = Field(examples=[2])
    total_keys: int = Field(examples=[3])
    unhealthy: list[UnhealthyKey]
    unhealthy_left_off: int = Field(examples=[0])
    summary: str = Field(examples=["2 of 3 OpenAI keys are healthy."])
    advice: list[AdviceView]


class KeyReportView(BaseModel):
    """`report` is the newest key report, or null if there is none yet. `alerts_firing` counts the firing alerts."""

    report: KeyStatsReport | None
    alerts_firing: int


@router.get("/alerts", summary="List alerts on keys", responses=answers(AlertList, 422))
def list_alerts(context: ContextOf, limit: Limit = 100, cursor: AlertsCursor = None) -> JSONResponse:
    """List alerts. docs/alerts.md explains what each kind means and what to do."""
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


@router.get("/key-report", summary="Read the newest key report", responses=answers(KeyReportView))
def get_key_report(context: ContextOf) -> JSONResponse:
    """Return the newest periodic key report, with advice. All keys are listed at `/api/v1/admin/openai/stats`."""
    firing = len(AlertStore(context.stores.database).firing())
    return success({"report": newest_report(context.settings), "alerts_firing": firing})
