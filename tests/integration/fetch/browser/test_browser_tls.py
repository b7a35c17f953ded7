"""For a rendered HTTPS page, the worker loads the resources and checks their servers' certificates."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.fetch.browser.conftest import drawing


@pytest.fixture
def visit(public_site: Callable[..., Any], make_browser_fetcher: Any, make_names: Any, tls: Any) -> Callable[..., Any]:
    """Return a function that renders a page with a script from `host`, and returns its text and the requested paths."""

    def make(host: str) -> tuple[str, list[str]]:
        site = public_site(context=tls.server)
        site.page("/app.js", drawing().encode(), content_type="text/javascript")
        script = f"https://{host}:{site.port}/app.js"
        site.page("/home", f"<!doctype html><title>x</title><div id=root></div><script src={script}></script>".encode())
        names = make_names(homes_example=["127.0.0.2"], other_example=["127.0.0.2"])
        browser_fetcher = make_browser_fetcher(resolver=names, ssl_context=tls.client)
        return browser_fetcher.fetch(f"https://homes.example:{site.port}/home").text, site.hits

    return make


def test_an_https_page_is_rendered(visit: Callable[..., Any]) -> None:
    text, hits = visit("homes.example")
    assert "12 Elm Street" in text
    assert hits == ["/robots.txt", "/home", "/app.js"]


def test_a_resource_with_another_hosts_certificate_is_not_loaded(visit: Callable[..., Any], tls: Any) -> None:
    text, hits = visit("other.example")
    assert "12 Elm Street" not in text
    assert hits == ["/robots.txt", "/home"]
    assert "other.example" in tls.seen_names, "the resource was not requested"
