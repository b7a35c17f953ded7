"""Shorten ids, as git does.

Output shows unambiguous prefixes of at least eight hex digits. Users can type four or more.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import Select, and_, or_, select

from app.errors.ids import AmbiguousIdError, UnknownIdError
from app.property.storage.database import Database
from app.property.storage.jobs.models import Batch, Job
from app.property.storage.paging import AnyColumn
from app.property.storage.properties.tables import IdentityDecision, Property, RecipeRow
from app.property.storage.statements import chunks
from app.property.storage.watches.models import Watch

#: Minimum length of a typed and of a shown prefix.
_ACCEPTED, _SHOWN = 4, 8
_PREFIX = re.compile(rf"[0-9a-f]{{{_ACCEPTED},32}}")
_MOST_MATCHES = 5
#: Maximum number of ranges in one statement. SQLite rejects more than about 1,000 conditions joined by OR.
_MOST_RANGES = 200


@dataclass(frozen=True, slots=True)
class IdKind:
    name: str
    column: AnyColumn
    command: str


JOB = IdKind("job", Job.id, "propintel jobs list")
BATCH = IdKind("batch", Batch.id, "propintel batches list")
PROPERTY = IdKind("property", Property.id, "propintel properties list")
DECISION = IdKind("decision", IdentityDecision.id, "propintel properties decisions")
WATCH = IdKind("watch", Watch.id, "propintel watches list")
RECIPE = IdKind("recipe", RecipeRow.id, "propintel recipes list")


def find_id(database: Database, typed: str, kind: IdKind) -> str:
    """Return the only id that begins with `typed`.

    Raises `UnknownIdError` if there is no such id, and `AmbiguousIdError` if there are several.
    """
    matches = ids_from(database, typed, kind, limit=_MOST_MATCHES + 1)
    if not matches:
        raise UnknownIdError(kind.name, typed, kind.command)
    if len(matches) > 1:
        more = " or others" if len(matches) > _MOST_MATCHES else ""
        raise AmbiguousIdError(kind.name, typed, ", ".join(matches[:_MOST_MATCHES]) + more)
    return matches[0]


def ids_from(database: Database, typed: str, kind: IdKind, *, limit: int) -> list[str]:
    """Return the first `limit` ids that begin with `typed`. If `typed` is not 4 to 32 hex digits, return []."""
    prefix = typed.strip().lower()
    if _PREFIX.fullmatch(prefix) is None:
        return []
    with database.reading() as connection:
        return list(connection.execute(_beginning_with(kind, [prefix]).limit(limit)).scalars())


def short_ids(database: Database, kind: IdKind, ids: Iterable[str | None]) -> dict[str, str]:
    """Return the shortest unambiguous prefix, of at least eight digits, of each id."""
    wanted = sorted({one for one in ids if one is not None})
    near = set(wanted)
    with database.reading() as connection:
        for some in chunks(sorted({one[:_SHOWN] for one in wanted}), _MOST_RANGES):
            near.update(connection.execute(_beginning_with(kind, some)).scalars())
    lengths = dict.fromkeys(near, _SHOWN)
    for one, other in pairwise(sorted(near)):
        needed = _SHOWN
        while one[:needed] == other[:needed]:
            needed += 1
        lengths[one], lengths[other] = max(lengths[one], needed), max(lengths[other], needed)
    return {one: one[: lengths[one]] for one in wanted}


def _beginning_with(kind: IdKind, prefixes: Sequence[str]) -> Select[Any]:
    """Select the ids that begin with one of `prefixes`. `g` sorts after every hex digit."""
    ranges = (and_(kind.column >= prefix, kind.column < f"{prefix}g") for prefix in prefixes)
    return select(kind.column).where(or_(*ranges)).order_by(kind.column)
