"""The overview: jobs, keys, today's cost, alerts, and the newest properties and changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import redis
from fastapi import APIRouter, Request, Response

from app.access.tokens import Caller
from app.property.fields.table import FIELDS
from app.property.presenting.words import HEADINGS, in_list, in_words
from app.property.storage.keys.alerts import AlertStore
from app.property.storage.watches.changes import ChangeStore
from app.services.keys.store import pricing_of
from web.auth import MANAGEMENT, READING, allow
from web.context import Context, ContextOf
from web.pages.properties import headline
from web.pages.rendering import live_page
from web.pages.route import SignedInRoute

router = APIRouter(route_class=SignedInRoute)
#: rows of properties and of changes
_ROWS = 5


@router.get("/", dependencies=[allow(*READING)])
def show_overview(request: Request, context: ContextOf) -> Response:
    """A part whose store does not answer is left out, and the page says so."""
    caller: Caller = request.state.caller
    stores = context.stores
    counts = stores.jobs.counts()
    properties = stores.properties.page(limit=_ROWS, newest_first=True).items
    return live_page(
        request,
        "overview",
        in_progress=sum(counts[state] for state in ("queued", "running", "deferred")),
        counts=counts,
        has_jobs=any(counts.values()),
        firing=AlertStore(stores.database).firing(),
        properties=[_property(one) for one in properties],
        changes=[_change(one) for one in ChangeStore(stores.database).newest(limit=_ROWS)],
        **_of_keys(context, is_manager=caller.role in MANAGEMENT),
    )


def _of_keys(context: Context, *, is_manager: bool) -> dict[str, Any]:
    """Return what Redis knows: `keys` (None for those who may not see them), and what recipes saved."""
    try:
        report = context.keys.recent_report() if is_manager else None
        totals = context.shared_counts()
    except redis.RedisError:
        return {"is_redis_away": True, "keys": None, "saved_calls": None, "saved_usd": None}
    tokens = _total(totals, "propintel_recipe_saved_tokens_total")
    openai = context.settings.openai
    saved = pricing_of(context.settings)(openai.model, tokens, 0, openai.service_tier or "") / 1_000_000
    keys = None
    if report is not None:
        counted = [key for key in report.snapshots if key.state != "draining"]
        keys = {
            "healthy": sum(key.is_healthy for key in counted),
            "total": len(counted),
            "usd": report.spent.microusd / 1_000_000,
        }
    saved_calls = _total(totals, "propintel_recipe_saved_calls_total")
    return {"is_redis_away": False, "keys": keys, "saved_calls": saved_calls, "saved_usd": saved}


def _total(totals: Mapping[str, float], name: str) -> int:
    """Return the sum of all series of a counter."""
    return round(sum(value for series, value in totals.items() if json.loads(series)[0] == name))


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
