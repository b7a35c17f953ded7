"""What was filed by older rules is filed anew: under the keys of today, and judged beside all that is found there.

One property is one transaction, under the lock that every writer of properties takes: workers go on between any two,
and what was done stays done whenever this ends. Which rules it was stands in each property (`properties.key_rules`).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, tuple_, update

from app.property.identity import KEY_RULES
from app.property.storage.engine import Database
from app.property.storage.homes import Beside, join_same, stands_alone
from app.property.storage.page_records import records_of
from app.property.storage.rebuilding import rebuild
from app.property.storage.tables import properties

_DUE = properties.c.merged_into.is_(None), properties.c.key_rules < KEY_RULES
#: where in the queue of those that are due somebody is: rules, id
Place = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Refiled:
    """A property that was filed anew, under the id that it has now; which others went into it or took it in (`joined`),
    and which were left apart although they have its address, or one of its pages was taken for theirs."""

    id: str
    joined: tuple[str, ...] = ()
    apart: tuple[Beside, ...] = ()


class Refiler:
    """Properties in a `Database` that are filed by older rules; each method is one transaction."""

    BEGIN: Place = (-1, "")

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self) -> int:
        """How many there are."""
        with self._database.reading() as connection:
            return count_due(connection)

    def after(self, place: Place, limit: int) -> list[Place]:
        """The next ones, in an order that stays."""
        c = properties.c
        query = select(c.key_rules, c.id).where(*_DUE, tuple_(c.key_rules, c.id) > tuple_(*place))
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(c.key_rules, c.id).limit(limit)).all()
        return [(row.key_rules, row.id) for row in rows]

    def refile(self, property_id: str) -> Refiled | None:
        """File one anew; None if it is not due (any more)."""

        def work(connection: Connection) -> Refiled | None:
            self._database.exclusively(connection, "properties")
            if connection.execute(select(properties.c.id).where(properties.c.id == property_id, *_DUE)).first() is None:
                return None
            done = self._refile(connection, property_id)
            connection.execute(update(properties).where(properties.c.id == done.id).values(key_rules=KEY_RULES))
            return done

        return self._database.repeat(work)

    def _refile(self, connection: Connection, property_id: str) -> Refiled:
        home, family, judged = property_id, {property_id}, set[str]()
        apart: dict[str, Beside] = {}
        rebuild(self._database, connection, home)
        if stands_alone(connection, records_of(connection, home), home):
            return Refiled(home)
        while record := next((one for one in records_of(connection, home) if one.url not in judged), None):
            judged.add(record.url)
            found = join_same(self._database, connection, record, home)
            apart |= {one.id: one for one in found.beside}
            if found.folded:
                home, family = found.home, family | found.folded | {found.home}
                rebuild(self._database, connection, home, changed=True)
        return Refiled(home, tuple(sorted(family - {home})), tuple(a for a in apart.values() if a.id not in family))


def count_due(connection: Connection) -> int:
    """How many properties are filed by older rules."""
    return int(connection.execute(select(func.count()).select_from(properties).where(*_DUE)).scalar_one())
