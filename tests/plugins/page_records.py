"""Records of pages as extractors would make them, with evidence for every value."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.property.record import Evidence, Method, PageKind, SourceKind
from app.property.source_record import SourceRecord


def page_record(
    url: str,
    values: Mapping[str, Any],
    at: datetime,
    sha: str = "0" * 64,
    *,
    kind: PageKind = PageKind.LISTING,
    page_url: str | None = None,
    source_kind: SourceKind | None = None,
    method: Method = Method.LABEL,
    confidence: float = 0.9,
    quote: str = "{}",
) -> SourceRecord:
    """Return the record of a page that was fetched at `at`, and whose body has the hash `sha`.

    Each value's quote is `quote`, in which `{}` stands for the value.
    """
    evidence = {
        name: Evidence(
            value=value,
            raw=str(value),
            method=method,
            locator="/html",
            quote=quote.format(value),
            source_url=url,
            fetched_at=at,
            content_sha256=sha,
            confidence=confidence,
        )
        for name, value in values.items()
    }
    return SourceRecord(url, url, kind, sha, at, values, evidence, page_url, source_kind=source_kind)
