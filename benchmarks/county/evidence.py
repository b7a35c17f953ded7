"""Check the evidence of a property's values on the cited pages, which are fetched again."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Self

import httpx2

from app.property.merging.derived import derive
from app.property.page import Page
from app.property.reading.base import Extraction
from app.property.record import DERIVED_FIELDS, Evidence, Method, PageKind, PropertyRecord
from benchmarks.county.run import Stored
from benchmarks.extraction.proof import faults


class Pages:
    """A cache of the county's pages by URL, as a context manager."""

    def __init__(self) -> None:
        self._client = httpx2.Client(trust_env=False, timeout=30, follow_redirects=True)
        self._known: dict[str, Page] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, url: str, at: datetime) -> Page:
        """Return the page that the site serves now at `url`. `at` becomes the page's fetch time."""
        if url not in self._known:
            answer = self._client.get(url)
            kind = answer.headers["content-type"].partition(";")[0]
            self._known[url] = Page(url, str(answer.url), kind, answer.text, answer.content, at)
        return self._known[url]


def unproven(one: Stored, pages: Pages) -> Iterator[str]:
    """Yield a message for each value of the property whose evidence is missing or invalid."""
    record: dict[str, Any] = one.shown["record"]
    evidence = {name: Evidence.model_validate(proof) for name, proof in one.shown["evidence"].items()}
    known = {url: _read(one, url) for url in one.says}
    faulty = {url: dict(_faults(url, proofs, pages)) for url, proofs in known.items()}
    for name, value in record.items():
        proof = evidence.get(name)
        if proof is None:
            yield f"{name} has no evidence"
        elif proof.value != value:
            yield f"{name} is {value!r}, and its evidence says {proof.value!r}"
        elif name in DERIVED_FIELDS:
            yield from _computed(name, one, evidence)
        else:
            urls = [url for url, proofs in known.items() if name in proofs and _is_same(proof, proofs[name])]
            if not urls:
                yield f"{name} has evidence that none of its pages has"
            yield from (f"{name} {faulty[url][name]}" for url in urls[:1] if name in faulty[url])


def _read(one: Stored, url: str) -> dict[str, Evidence]:
    return {name: Evidence.model_validate(proof) for name, proof in one.evidence[url].items()}


def _is_same(proof: Evidence, other: Evidence) -> bool:
    """Return whether the evidence is equal. Confidence is ignored, because it also depends on other pages."""
    return all(
        getattr(proof, part) == getattr(other, part) for part in ("value", "quote", "locator", "source_url", "method")
    )


def _computed(name: str, one: Stored, evidence: dict[str, Evidence]) -> Iterator[str]:
    record = one.shown["record"]
    read_at = (datetime.fromisoformat(source["checked_at"] or source["fetched_at"]) for source in one.shown["sources"])
    again = derive(record, evidence, max(read_at)).get(name)
    if again is None or again.value != record[name]:
        yield f"{name} does not follow from the property's values"


def _faults(url: str, proofs: dict[str, Evidence], pages: Pages) -> Iterator[tuple[str, str]]:
    if not proofs:
        return
    page = pages.get(url, next(iter(proofs.values())).fetched_at)
    values = {name: proof.value for name, proof in proofs.items()}
    read = Extraction(page, PageKind.RECORD, "", PropertyRecord(values=values, evidence=proofs))
    for fault in faults(url, read):
        if fault.proof.method is not Method.LLM:  # a model's evidence refers to the prompt, not to the page
            yield fault.field, f"{fault.why} ({url}: {fault.proof.quote!r})"
