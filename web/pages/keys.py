"""The key page: what every OpenAI key does, as it happens, and the hand that takes one out or brings it back."""

from __future__ import annotations

from typing import Annotated

import redis
from fastapi import APIRouter, Form, Query, Request, Response

from app.access.tokens import Caller
from app.errors.broker import BrokerUnavailableError
from app.keypool.snapshots import Action
from app.property.storage.audit import key_actions
from app.redaction import origin_of
from app.redis.embedded_valkey import broker_url
from app.services.keys.actions import MOST_CHARACTERS, act
from app.services.keys.panel import SPAN, Panel, make_panel
from app.services.reports.key_report.report import newest_report
from web.auth import MANAGEMENT, allow
from web.context import Context, ContextOf
from web.pages.charts import line_chart, timeline
from web.pages.rendering import live_page
from web.pages.route import SignedInRoute, see_other
from web.parameters import Id

router = APIRouter(route_class=SignedInRoute)
#: how many of the newest actions are shown
_ACTIONS = 10


@router.get("/keys", dependencies=[allow(*MANAGEMENT)])
def show_keys(request: Request, context: ContextOf, all_keys: Annotated[bool, Query(alias="all")] = False) -> Response:
    panel, report = _panel(context, all_keys=all_keys), newest_report(context.settings)
    return live_page(
        request,
        "keys",
        panel=panel,
        all_keys=all_keys,
        advice=report["advice"] if report is not None else (),
        actions=key_actions(context.stores.database, limit=_ACTIONS).items,
        chart=line_chart(
            [
                ("requests", [uses.requests for _, uses in panel.hours]),
                ("429", [uses.rate_limits for _, uses in panel.hours]),
                ("failures", [uses.failures for _, uses in panel.hours]),
            ],
            [hour for hour, _ in panel.hours],
        ),
        outages=timeline(
            ((one.subject, one.message, one.fired_at, one.resolved_at or panel.at) for one in panel.outages),
            panel.at - SPAN,
            panel.at,
        ),
    )


@router.post("/keys/{key_id}/{action}")
def act_on_key(
    caller: Annotated[Caller, allow(*MANAGEMENT)],
    context: ContextOf,
    key_id: Id,
    action: Action,
    reason: Annotated[str, Form(max_length=MOST_CHARACTERS)] = "",
) -> Response:
    """Does it for the whole fleet, with an audit line; the page's list of actions then says what came of it."""
    act(context.keys, lambda: context.stores.database, key_id, action, who=caller.who, reason=reason)
    return see_other("/keys")


def _panel(context: Context, *, all_keys: bool) -> Panel:
    try:
        found = context.keys.recent_report()
    except redis.RedisError as exc:
        raise BrokerUnavailableError(origin_of(broker_url(context.settings)), type(exc).__name__) from exc
    return make_panel(found, context.stores.database, all_keys=all_keys)
