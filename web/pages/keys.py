"""The key page: the state and use of every OpenAI key, and actions that disable, enable, or probe a key."""

from typing import Annotated

import redis
from fastapi import APIRouter, Form, Query, Request, Response

from app.errors.broker import BrokerUnavailableError
from app.keypool.snapshots import Action
from app.property.storage.audit import key_actions
from app.redaction import origin_of
from app.redis.embedded_valkey import broker_url
from app.services.keys.actions import MOST_CHARACTERS, act
from app.services.keys.panel import SPAN, Panel, make_panel
from app.services.reports.key_report.report import newest_report
from web.auth import MANAGEMENT, Manager, allow
from web.context import Context, ContextOf
from web.pages.charts import BarChart, hour_chart, timeline
from web.pages.rendering import live_page
from web.pages.route import SignedInRoute, see_other
from web.parameters import Id

router = APIRouter(route_class=SignedInRoute)
#: Maximum number of recorded actions shown.
_ACTIONS = 10


@router.get("/keys", dependencies=[allow(*MANAGEMENT)])
def show_keys(request: Request, context: ContextOf, all_keys: Annotated[bool, Query(alias="all")] = False) -> Response:
    panel, report = _panel(context, all_keys=all_keys), newest_report(context.settings)
    outages = ((one.subject, one.message, one.fired_at, one.resolved_at or panel.at) for one in panel.outages)
    return live_page(
        request,
        "keys",
        panel=panel,
        all_keys=all_keys,
        advice=report["advice"] if report is not None else (),
        actions=key_actions(context.stores.database, limit=_ACTIONS).items,
        chart=_chart(panel),
        outages=timeline(outages, panel.at - SPAN, panel.at),
    )


@router.post("/keys/{key_id}/{action}")
def act_on_key(
    caller: Manager,
    context: ContextOf,
    key_id: Id,
    action: Action,
    reason: Annotated[str, Form(max_length=MOST_CHARACTERS)] = "",
) -> Response:
    """Act on a key in all processes and record the action. The key page then lists the outcome."""
    act(context.keys, lambda: context.stores.database, key_id, action, who=caller.who, reason=reason)
    return see_other("/keys")


def _panel(context: Context, *, all_keys: bool) -> Panel:
    try:
        found = context.keys.recent_report()
    except redis.RedisError as exc:
        raise BrokerUnavailableError(origin_of(broker_url(context.settings)), type(exc).__name__) from exc
    return make_panel(found, context.stores.database, all_keys=all_keys)


def _chart(panel: Panel) -> BarChart:
    hours = [
        (hour, (max(0, uses.requests - uses.rate_limits - uses.failures), uses.rate_limits, uses.failures))
        for hour, uses in panel.hours
    ]
    return hour_chart(("other requests", "rate limited (429)", "failed"), hours, panel.at)
