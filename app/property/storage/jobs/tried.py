"""What came of one source of an address, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass

from app.property.record import SourceKind

#: what an outcome is beside the code of an error: its page is of the address · another source gave the same page · it
#: is of another property, or does not say of which
USED, SAME_PAGE, OTHER, UNKNOWN = "used", "same_page", "other_property", "unknown_property"
#: it was left out · its page lies, or leads, where the search may not go · the search names it without citing it · the
#: web was searched
SKIPPED, OUTSIDE, UNCITED, SEARCHED = "not_asked", "outside_domains", "not_cited", "searched"
#: by these no site was asked for a page
UNASKED = frozenset((SKIPPED, OUTSIDE, UNCITED, SEARCHED)) | {
    "out_of_time",
    "robots_disallowed",
    "invalid_target",
    "blocked_address",
    "blocked_port",
}


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one source: "used", or in a word why not, and in `detail` in words. Without a `url` no page was
    asked for, or nothing of it is kept."""

    source: str
    kind: SourceKind | None
    url: str | None
    outcome: str
    detail: str = ""

    @property
    def is_used(self) -> bool:
        """Whether a page of it is among the property's sources."""
        return self.outcome == USED

    def as_json(self) -> dict[str, str | None]:
        """The shape that the doors show."""
        return {
            "source": self.source,
            "kind": str(self.kind) if self.kind else None,
            "url": self.url,
            "outcome": self.outcome,
            "detail": self.detail or None,
        }
