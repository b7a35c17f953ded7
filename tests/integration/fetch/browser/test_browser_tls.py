"""HTTPS through the browser's proxy: what a page loads comes through a tunnel, and Chromium judges the certificate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.fetch.browser.conftest import drawing


@pytest.fixture
def visit(make_site: Callable[..., Any], make_drawer: Any, make_names: Any, tls: Any) -> Callable[..., Any]:
    """Visit a page of homes.example whose script is a file of its own; -> the page, and what its site was asked for."""

    def make(*switches: str) -> tuple[str, list[str]]:
        site = make_site(context=tls.server)
        site.page("/app.js", drawing().encode(), content_type="text/javascript")
        site.page("/home", b"<!doctype html><title>Homes</title><div id=root></div><script src=/app.js></script>")
        names = make_names(homes_example=["127.0.0.1"])
        drawer = make_drawer(resolver=names, ssl_context=tls.client, browser_switches=switches)
        return drawer.fetch(f"https://homes.example:{site.port}/home").text, site.hits

    return make


def test_a_page_of_https_is_drawn_through_a_tunnel(visit: Callable[..., Any], tls: Any) -> None:
    text, hits = visit(f"--ignore-certificate-errors-spki-list={tls.fingerprint}")
    assert "12 Elm Street" in text
    assert hits == ["/robots.txt", "/home", "/app.js"]
    assert set(tls.seen_names) == {"homes.example"}


def test_what_comes_with_a_certificate_that_nobody_knows_is_not_loaded(visit: Callable[..., Any], tls: Any) -> None:
    """Chromium sees the site's own certificate: the proxy has none in between."""
    text, hits = visit()
    assert "12 Elm Street" not in text
    assert hits == ["/robots.txt", "/home"]
    assert tls.seen_names.count("homes.example") > 1, "the browser came as far as the certificate"
