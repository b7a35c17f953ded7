"""What one page says of a property: the unit that identity compares and merging weighs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from app.property.record import Evidence, PageKind, SourceKind


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """What one page says. `url` was asked for, `final_url` answered; both in the spelling of a target.

    `page_url` is the one by which the page is known (`urls/canonical.py`), None where nobody looked. `checked_at` is
    when its site last said that it still holds. `source_kind` is None where nobody said whose page it is.
    """

    url: str
    final_url: str
    kind: PageKind
    content_sha256: str
    fetched_at: datetime
    values: Mapping[str, Any]
    evidence: Mapping[str, Evidence]
    page_url: str | None = None
    checked_at: datetime | None = None
    source_kind: SourceKind | None = None

    @property
    def as_of(self) -> datetime:
        """When the page was last known to say this."""
        return max(self.checked_at or self.fetched_at, self.fetched_at)

    @property
    def voice(self) -> tuple[str, SourceKind]:
        """Who speaks: pages of one office or portal repeat each other, so together they have one vote."""
        return urlsplit(self.final_url).netloc.removeprefix("www."), self.source_kind or SourceKind.OTHER
