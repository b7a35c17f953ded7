"""Which pages of a host are made alike."""

from __future__ import annotations

from app.property.reading.document import Document

#: the least likeness of two pages of one template
ALIKE = 0.6


def fingerprint(page: Document) -> frozenset[int]:
    """Return what is stable about the structure of `page`: hashes of tags with their classes, or of JSON key paths."""
    raise NotImplementedError


def likeness(one: frozenset[int], other: frozenset[int]) -> float:
    """Return how alike two fingerprints are, 0 to 1: the share of their hashes that both have (Jaccard)."""
    raise NotImplementedError
