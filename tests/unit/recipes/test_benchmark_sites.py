"""The recipe benchmark's generated sites: pages state their facts, and a redesign changes the layout."""

import json
from html import unescape

import pytest

from app.property.reading.document import Document
from app.property.recipes.template import fingerprint, likeness
from benchmarks.recipes.homes import Fact
from benchmarks.recipes.run import START
from benchmarks.recipes.sites import Site, SitePage, make_sites


@pytest.fixture(scope="module")
def sites() -> list[Site]:
    return list(make_sites(14, pages=24))


def _states(page: SitePage, fact: Fact) -> bool:
    text = unescape(page.text)
    return fact.text in text or json.dumps(fact.raw, ensure_ascii=False) in text


def test_every_page_states_its_truth(sites: list[Site]) -> None:
    silent = [
        (page.url, fact.field)
        for site in sites
        for page in site.pages
        if page.home is not None
        for fact in (*page.home.address, *page.home.facts)
        if not _states(page, fact)
    ]
    assert silent == []


def test_a_redesign_changes_labels_classes_and_structure(sites: list[Site]) -> None:
    redesigned = [site for site in sites if site.redesigned]
    assert len(redesigned) == 5
    others = [page for site in sites if not site.redesigned for page in site.pages]
    assert all(page.template.endswith("/1") for page in others)
    for site in redesigned:
        before, after = (
            [page for page in site.pages if page.template == f"{what}/{version}"]
            for version in (1, 2)
            for what in (("sale",) if site.kind == "portal" else ("record",))
        )
        assert before[0].layout != after[0].layout
        prints = [fingerprint(Document(page.page(START))) for page in (*before[:3], *after[:3])]
        within, across = likeness(prints[0], prints[1]), likeness(prints[0], prints[-1])
        assert within > 0.8 > across
        labels = [{one.label for page in pages for one in page.home.facts if page.home} for pages in (before, after)]
        assert labels[0] != labels[1]
