"""Two stored properties turned out to be one: it is watched once, by the watch that comes more often."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, update

from app.property.storage.tables import jobs, watches


def fold_watches(connection: Connection, gone: str, home: str) -> None:
    """What was watched of the property `gone` is watched of `home`; of two watches one stays, with the jobs of both.

    That is the active one, else the one with the shorter interval. What was due or under way stays so.
    """
    c = watches.c
    connection.execute(update(watches).where(c.property_id == gone).values(property_id=home))
    both = select(watches).where(c.kind == "property", c.target.in_((gone, home)))
    rows = connection.execute(both.order_by(c.state, c.interval_days, c.id)).all()  # `active` is before `paused`
    if all(row.target == home for row in rows):
        return
    stays, *others = rows
    change = {"target": home}
    for other in others:
        connection.execute(update(jobs).where(jobs.c.watch_id == other.id).values(watch_id=stays.id))
        connection.execute(delete(watches).where(c.id == other.id))
        if other.state == stays.state:
            change["due_at"] = min(stays.due_at, other.due_at)
        if stays.under_way_since is None or (other.under_way_since or stays.under_way_since) < stays.under_way_since:
            change["under_way_since"] = other.under_way_since
    connection.execute(update(watches).where(c.id == stays.id).values(change))
