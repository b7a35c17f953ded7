"""One fetched body, decoded: what the fetcher hands to the extractors and what the store keeps by content hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from app.property.reading.budget import Spent

#: what the body of a page begins with that a browser drew, so that every copy of it says so
RENDERED = b"<!-- drawn by a browser -->\n"


@dataclass(frozen=True, slots=True)
class Keeping:
    """What a site said about keeping its answer: validators as they came, None where there is none that can be used.

    `no_store`: it may not be kept (RFC 9111 section 5.2.2.5).
    """

    etag: str | None = None
    last_modified: str | None = None
    no_store: bool = False


@dataclass(frozen=True)
class Page:
    """A page as it was received.

    `url` is the address asked for, `final_url` the one after redirects; `content_type` is the media type without
    parameters, lower case; `text` the body decoded and repaired; `body` the bytes after content decoding.
    `declared_url` is the canonical URL that the answer's Link header names, not judged; `spent` is what the page has
    cost so far, since it was asked for.
    """

    url: str
    final_url: str
    content_type: str
    text: str
    body: bytes
    fetched_at: datetime
    keeping: Keeping = Keeping()
    declared_url: str | None = None
    spent: Spent = field(default_factory=Spent, compare=False, repr=False)

    @property
    def rendered(self) -> bool:
        """True where `body` is what a browser made of the page: its elements written as HTML, and that they are."""
        return self.body.startswith(RENDERED)

    @cached_property
    def sha256(self) -> str:
        """Hex digest of `body`: the name under which it is stored and checkpointed. An answer of 200 rows asks 400
        times."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class NotModified:
    """The site's word that what it answered before at `final_url` still holds (304)."""

    url: str
    final_url: str
    at: datetime
