"""The values that one page gives for a property."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from app.property.record import Evidence, PageKind, SourceKind
from app.property.urls.site import owner_of


@dataclass(frozen=True, slots=True)
class Voter:
    """A source that counts once when values are merged: all hosts of one owner.

    If one owner's hosts are of different known kinds, each kind is a separate source. `kind` is None if the kind is
    unknown or "other".
    """

    owner: str
    kind: SourceKind | None

    def is_independent_of(self, other: Voter) -> bool:
        return self.owner != other.owner or (None not in (self.kind, other.kind) and self.kind != other.kind)


@dataclass(frozen=True, slots=True)
class Tenure:
    """When a page first stated a field of its property (`since`), and when it first stated the current value
    (`changed_at`). `former` is the value before that, or None if there was none or only a text.
    """

    since: datetime
    changed_at: datetime
    former: Any = None


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One page's values. `final_url` is the URL after redirects from `url`, and both are normalized.

    `page_url` is the canonical URL (`urls/canonical.py`), or None if it could not be determined. `checked_at` is when
    the site last confirmed that the page is unchanged (None: never). `source_kind` is None if unknown. `tenures` has
    all fields that the page ever stated for its property, and is empty until the record is stored.
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
    tenures: Mapping[str, Tenure] = field(default_factory=dict)

    def tenure(self, name: str) -> Tenure:
        return self.tenures.get(name) or Tenure(self.fetched_at, self.fetched_at)

    @property
    def as_of(self) -> datetime:
        """Return when the page was last known to state these values."""
        return max(self.checked_at or self.fetched_at, self.fetched_at)

    @property
    def is_stranger(self) -> bool:
        return self.source_kind in (None, SourceKind.OTHER)

    @property
    def voter(self) -> Voter:
        return Voter(owner_of(urlsplit(self.final_url).hostname or ""), None if self.is_stranger else self.source_kind)


def independent(voters: Iterable[Voter]) -> set[Voter]:
    """Return the sources that count separately.

    A source of unknown kind is left out if its owner also has a source of known kind.
    """
    found = set(voters)
    known = {voter.owner for voter in found if voter.kind is not None}
    return {voter for voter in found if voter.kind is not None or voter.owner not in known}
