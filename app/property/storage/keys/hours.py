"""The rows of `key_hours` and `model_hours`: added to within the transaction of `keys/history.py`, summed, deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, bindparam, delete, select

from app.property.storage.keys.usage import DEMANDS, USES, CountedModel, Demand, grown, spread
from app.property.storage.statements import chunks, insert_into
from app.property.storage.tables import key_hours, model_history, model_hours

#: rows that are deleted at a time: no other writer waits long
_PRUNED_AT_ONCE = 1000
#: how refusals are named among the counters
_REFUSALS = "refusals:"


def add_uses(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Add to the hours of keys; a row has `hour`, `key_id`, `model` and the figures of `Uses`."""
    _add(connection, key_hours, USES, rows)


def record_models(
    connection: Connection,
    models: Sequence[CountedModel],
    known: Mapping[str, Row[Any]],
    now: datetime,
    *,
    first: bool,
) -> None:
    """Record what each model was asked for since the last time; the `first` time that is only the base."""
    for counted in models:
        before, counts = known.get(counted.model), _flat(counted.demand)
        grew = {} if first else grown(before.counters if before is not None else None, counts)
        for hour, part in spread(grew, before.counted_at if before is not None else now, now):
            _add_demand(connection, hour, counted.model, part)
        _put(connection, {"model": counted.model, "counters": counts, "counted_at": now})


def _flat(demand: Demand) -> dict[str, int]:
    counts = {name: getattr(demand, name) for name in DEMANDS}
    return counts | {f"{_REFUSALS}{reason}": count for reason, count in demand.refusals.items()}


def _put(connection: Connection, row: dict[str, Any]) -> None:
    statement = insert_into(connection, model_history).values(row)
    change = {name: statement.excluded[name] for name in ("counters", "counted_at")}
    connection.execute(statement.on_conflict_do_update(index_elements=["model"], set_=change))


def _add_demand(connection: Connection, hour: datetime, model: str, counts: Mapping[str, int]) -> None:
    """The refusals are one JSON value, added to here: nobody else writes meanwhile."""
    c = model_hours.c
    before = connection.execute(select(c.refusals).where(c.hour == hour, c.model == model)).scalar() or {}
    refusals = {name.partition(_REFUSALS)[2]: n for name, n in counts.items() if name.startswith(_REFUSALS)}
    figures = {name: counts.get(name, 0) for name in DEMANDS}
    row = {"hour": hour, "model": model, **figures, "refusals": _added(before, refusals)}
    _add(connection, model_hours, DEMANDS, [row], also=("refusals",))


def summed(total: Demand, row: Row[Any]) -> Demand:
    """`total` and a row of `model_hours`."""
    figures = {name: getattr(total, name) + getattr(row, name) for name in DEMANDS}
    return Demand(**figures, refusals=_added(total.refusals, row.refusals))


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}


def _add(
    connection: Connection,
    table: Table,
    counts: Sequence[str],
    rows: Sequence[dict[str, Any]],
    also: Sequence[str] = (),
) -> None:
    """Insert hours; where one is there already, its `counts` grow and what is `also` given takes its place."""
    statement = insert_into(connection, table)
    change = {name: table.c[name] + statement.excluded[name] for name in counts}
    change |= {name: statement.excluded[name] for name in also}
    keys = [column.name for column in table.primary_key.columns]
    for some in chunks(rows):
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=change), list(some))


def prune(connection: Connection, table: Table, old: ColumnElement[bool]) -> None:
    """Delete the rows that are `old`, at most a thousand of them."""
    columns = tuple(table.primary_key.columns)
    some = connection.execute(select(*columns).where(old).limit(_PRUNED_AT_ONCE)).all()
    if some:
        which = [column == bindparam(f"b_{column.name}") for column in columns]
        rows = [{f"b_{column.name}": value for column, value in zip(columns, row, strict=True)} for row in some]
        connection.execute(delete(table).where(*which), rows)
