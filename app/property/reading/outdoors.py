"""What stands outdoors, by the tables in which assessors list extra features and outbuildings: a pool."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.property.reading.base import Reading
from app.property.reading.document import Document
from app.property.reading.grids import cell_text, heading_above, rows_of_tables
from app.property.reading.terms import words_of
from app.property.record import Method

_FEATURES = re.compile(
    r"\b(?:(?:extra|special|building|other|misc\w*|yard|site|outdoor) (?:features?|items?|improvements?|structures?)|"
    r"out ?buildings?|accessor(?:y|ies)|features|xfob|detached structures?|yard items?)\b"
)
_POOL = re.compile(r"^(?:\w{1,4} - )?(?:(?:in|above)[ -]?ground |swimming |private )*pool\b", re.IGNORECASE)
#: what is built around a pool, stands beside it or is shared, and what is gone
_NO_POOL = re.compile(
    r"pool[ -]*(?:cage|house|deck|screen|encl\w*|heat\w*|equip\w*|cover|table|fence|bath|shed|patio|room|slide)|"
    r"\b(?:community|shared|common|club|no|none|removed|demolished|filled|razed)\b",
    re.IGNORECASE,
)


def pools(page: Document) -> Iterator[Reading]:
    """A row that begins with a pool in a table of features."""
    for table, rows in page.once(rows_of_tables):
        filled = [t for t in map(cell_text, rows[0] if rows else []) if t]
        above = words_of(filled[0]) if len(filled) == 1 else heading_above(table)
        if not _FEATURES.search(above):
            continue
        for row in rows[1:]:
            cell = next((c for c in row if _POOL.match(cell_text(c))), None)
            if cell is not None and not any(_NO_POOL.search(cell_text(c)) for c in row):
                yield Reading("PoolPrivateYN", True, Method.LABEL, page.path(cell), cell_text(cell), 0.65)
                return
