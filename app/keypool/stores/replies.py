"""Parse the replies of the scripts, which are lists of text."""

from __future__ import annotations

from collections.abc import Sequence

from app.keypool.snapshots import KeySnapshot, State
from app.keypool.spending import Spent
from app.keypool.stores.base import KeyRequest, Lease

#: The numbers of a circuit's states in `keys.lua`.
_CLOSED, _DEAD = 0, 2


def whole(text: str) -> int:
    """Parse a whole number in any of Lua's formats."""
    return int(float(text))


def read_lease(reply: Sequence[str], request: KeyRequest, lease_id: str) -> Lease:
    reserved, last_resort, probe = (flag == "1" for flag in reply[4:7])
    return Lease(lease_id, reply[2], request.model, whole(reply[3]), reserved, reply[7], last_resort, probe)


def read_snapshot(figures: Sequence[str], now: int, mask: str | None) -> KeySnapshot:
    """Parse one key in a reply of `snapshot.lua`. `mask` is None for a key that is not configured here."""
    configured = mask is not None
    key_id, last_mask, *circuit_figures = figures[:6]
    counts = [whole(figure) for figure in figures[6:11]]
    cooling_until = whole(circuit_figures[-1])
    return KeySnapshot(
        key_id=key_id,
        state=read_state(circuit_figures, now, configured=configured, disabled=figures[16] == "1"),
        rate_limited=cooling_until > now and configured,
        requests=counts[0],
        successes=counts[1],
        failures=counts[2],
        rate_limits=counts[3],
        in_flight=counts[4],
        last_used_us=whole(figures[11]) if figures[11] else None,
        spent_today=Spent(*(whole(figure) for figure in figures[12:16])),
        mask=last_mask if mask is None else mask,
        rests_us=max(0, cooling_until - now),
        probe_in_us=max(0, whole(circuit_figures[1]) - now) if whole(circuit_figures[0]) != _CLOSED else 0,
    )


def read_state(circuit_figures: Sequence[str], now: int, *, configured: bool, disabled: bool) -> State:
    """Return a key's state. The figures are its circuit, next probe, interval of quota probes, and end of cooldown."""
    circuit, retry_at, gap, cooling_until = map(whole, circuit_figures)
    if not configured:
        return "draining"
    if disabled:
        return "disabled"
    if circuit == _CLOSED:
        return "no_quota" if gap > 0 else "cooling" if cooling_until > now else "closed"
    if circuit == _DEAD:
        return "dead"
    return "half_open" if now >= retry_at else "open"
