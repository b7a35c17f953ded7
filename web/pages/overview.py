"""The overview page: jobs, keys, today's cost, alerts, and the latest properties and changes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import redis
from fastapi import APIRouter, Request, Response

from app.access.tokens import Caller
from app.property.fields.table import FIELDS
from app.property.presenting.summary import headline
from app.property.presenting.words import HEADINGS, in_list, in_words
from app.property.storage.keys.alerts import AlertStore
from app.property.storage.watches.changes import ChangeStore
from app.services.reports.metrics.shared_counts import encode
from app.services.reports.recipe_view import savings
from web.auth import MANAGEMENT, READING, allow
from web.context import Context, ContextOf
from web.pages.rendering import live_page
from web.pages.route import SignedInRoute

router = APIRouter(route_class=SignedInRoute)
#: Maximum number of properties and of changes shown.
_ROWS = 5
_SAVED_CALLS, _SAVED_TOKENS = (encode(f"propintel_recipe_saved_{what}_total", {}) for what in ("calls", "tokens"))


@router.get("/", dependencies=[allow(*READING)])
def show_overview(request: Request, context: ContextOf) -> Response:
    """Show the overview. While Redis is unreachable, leave out keys and savings."""
    caller: Caller = request.state.caller
    is_manager = caller.role in MANAGEMENT
    stores = context.stores
    counts = stores.jobs.counts()
    properties = stores.properties.page(limit=_ROWS, newest_first=True).items
    return live_page(
        request,
        "overview",
        in_progress=sum(counts[state] for state in ("queued", "running", "deferred")),
        counts=counts,
        has_jobs=any(counts.values()),
        alerts=AlertStore(stores.database).firing() if is_manager else (),
        properties=[_property(one) for one in properties],
        changes=[_change(one) for one in ChangeStore(stores.database).newest(limit=_ROWS)],
        **_of_keys(context, is_manager=is_manager),
    )


def _of_keys(context: Context, *, is_manager: bool) -> dict[str, Any]:
    try:
        report = context.keys.recent_report() if is_manager else None
        totals = context.shared_counts()
    except redis.RedisError:
        return {"is_redis_away": True, "keys": None, "saved_calls": None, "saved_usd": None}
    calls, tokens = (round(totals.get(series, 0)) for series in (_SAVED_CALLS, _SAVED_TOKENS))
    keys = None
    if report is not None:
        healthy = sum(key.is_healthy for key in report.configured)
        keys = {"healthy": healthy, "total": len(report.configured), "usd": report.spent.microusd / 1_000_000}
    saved_usd = savings(context.settings)(tokens)
    return {"is_redis_away": False, "keys": keys, "saved_calls": calls, "saved_usd": saved_usd}


def _property(found: Mapping[str, Any]) -> dict[str, Any]:
    record = found["record"]
    texts = [in_list(name, record) for name in HEADINGS if FIELDS[name].kind != "count"]
    return {
        "id": found["property"],
        "headline": headline(record),
        "text": " · ".join(filter(None, texts)),
        "at": datetime.fromisoformat(found["updated_at"]),
    }


def _change(change: Any) -> dict[str, Any]:
    was = in_words(change.field, change.old, {}) if change.old_evidence else "not stated"
    return {
        "property": change.property_id,
        "label": FIELDS[change.field].label,
        "text": f"{was} → {in_words(change.field, change.new, {})}",
        "at": change.updated_at,
    }
