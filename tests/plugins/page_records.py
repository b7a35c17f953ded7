"""What pages say, as if extractors had read it: every value with evidence of its own."""

from __future__ import annotations

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
    """The record of the page at `url` with the body `sha`, fetched at `at`. `quote` says where in it a value stands."""
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
