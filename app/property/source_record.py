"""What one page says of a property: the unit that identity compares and merging weighs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from app.property.record import Evidence, PageKind, SourceKind
from app.property.urls.site import owner_of


@dataclass(frozen=True, slots=True)
class Voice:
    """A source as it is counted: all hosts and ports of one owner are one, but for each kind of office that is known.

    `kind` is None where that is unknown.
    """

    owner: str
    kind: SourceKind | None

    def is_independent_of(self, other: Voice) -> bool:
        """Whether the two may agree without one repeating the other: of one owner only two offices that are known."""
        return self.owner != other.owner or (None not in (self.kind, other.kind) and self.kind != other.kind)


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
    def is_stranger(self) -> bool:
        """Whether nobody said whose page it is, or only that it is of no known kind."""
        return self.source_kind in (None, SourceKind.OTHER)

    @property
    def voice(self) -> Voice:
        """The source that this page speaks for."""
        return Voice(owner_of(urlsplit(self.final_url).hostname or ""), None if self.is_stranger else self.source_kind)


def independent(voices: Iterable[Voice]) -> set[Voice]:
    """Those of `voices` that count: a page of unknown kind adds nothing to a known office of the same owner."""
    found = set(voices)
    known = {voice.owner for voice in found if voice.kind is not None}
    return {voice for voice in found if voice.kind is not None or voice.owner not in known}
