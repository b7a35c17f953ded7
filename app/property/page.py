"""A fetched and decoded page. The fetcher returns a page, and the page store stores the page by the hash of its
body.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from app.property.reading.budget import Spent

#: The first line of the body of every page that a browser rendered.
RENDERED = b"<!-- drawn by a browser -->\n"


@dataclass(frozen=True, slots=True)
class CacheValidators:
    """A response's cache validators as received. A validator is None if it is missing or unusable.

    If `no_store` is true, the response may not be stored (RFC 9111 section 5.2.2.5).
    """

    etag: str | None = None
    last_modified: str | None = None
    no_store: bool = False


@dataclass(frozen=True)
class Page:
    """A fetched page.

    `url` was requested, and `final_url` answered after redirects. `content_type` is the media type without parameters
    in lower case. `text` is the decoded and repaired body, and `body` has the bytes after content decoding.
    `declared_url` is the canonical URL in the response's Link header, unchecked. `spent` is the CPU time that was spent
    on the page so far.
    """

    url: str
    final_url: str
    content_type: str
    text: str
    body: bytes
    fetched_at: datetime
    validators: CacheValidators = CacheValidators()
    declared_url: str | None = None
    spent: Spent = field(default_factory=Spent, compare=False, repr=False)

    @property
    def rendered(self) -> bool:
        """Return whether a browser rendered the page."""
        return self.body.startswith(RENDERED)

    @cached_property
    def sha256(self) -> str:
        """Return the SHA-256 hash of `body` in hex digits, which is the key of its stored copy."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class NotModified:
    """A 304 response: the copy that the site sent earlier for `final_url` is still current."""

    url: str
    final_url: str
    at: datetime
