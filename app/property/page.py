"""One fetched body, decoded: what the fetcher hands to the extractors and what the store keeps by content hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it was received.

    `url` is the address asked for, `final_url` the one after redirects; `content_type` is the media type without
    parameters, lower case; `text` the body decoded and repaired; `body` the bytes after content decoding.
    """

    url: str
    final_url: str
    content_type: str
    text: str
    body: bytes
    fetched_at: datetime

    @property
    def sha256(self) -> str:
        """Hex digest of `body`: the name under which it is stored and checkpointed."""
        return hashlib.sha256(self.body).hexdigest()
