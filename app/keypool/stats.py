"""Build the stats that the specification defines from snapshots of the keys."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from app.keypool.snapshots import KeySnapshot
from app.keypool.spending import Spent


def stats_of(snapshots: Sequence[KeySnapshot], strategy: str, *, with_ids: bool) -> dict[str, Any]:
    configured = [s for s in snapshots if s.state != "draining"]
    return {
        "total_keys": len(configured),
        "healthy_keys": sum(s.is_healthy for s in configured),
        "rotation_strategy": strategy,
        "keys": {s.mask: ({"id": s.key_id} if with_ids else {}) | _figures(s) for s in snapshots},
    }


def _figures(snapshot: KeySnapshot) -> dict[str, Any]:
    figures = {
        "requests": snapshot.requests,
        "successes": snapshot.successes,
        "failures": snapshot.failures,
        "rate_limits": snapshot.rate_limits,
        "circuit_open": snapshot.circuit_open,
        "rate_limited": snapshot.rate_limited,
        "last_used": _utc(snapshot.last_used_us),
        "state": snapshot.state,
        "spent_today": spent_stats(snapshot.spent_today),
    }
    if snapshot.rate_limited:
        figures["resting_seconds"] = -(-snapshot.rests_us // 1_000_000)
    return figures


def spent_stats(spent: Spent) -> dict[str, Any]:
    usd = round(spent.microusd / 1_000_000, 6)
    return {"calls": spent.calls, "tokens": spent.tokens, "usd": usd, "cached_tokens": spent.cached_tokens}


def _utc(us: int | None) -> str | None:
    """Format a time as the specification requires: UTC in whole seconds, with no UTC offset."""
    return None if us is None else datetime.fromtimestamp(us // 1_000_000, UTC).replace(tzinfo=None).isoformat()
