"""An HTTPS connection uses the IP address that the guard has checked, and the certificate must match the host name."""

from collections.abc import Callable
from typing import Any

import pytest

from app.errors.fetching import ConnectionFailedError, FetchError


def test_the_name_is_sent_and_its_certificate_checked(
    make_site: Callable[..., Any], make_fetcher: Callable[..., Any], make_names: Any, tls: Any
) -> None:
    site = make_site(context=tls.server)
    site.page("/")
    fetcher = make_fetcher("127.0.0.0/8", resolver=make_names(homes_example=["127.0.0.1"]), ssl_context=tls.client)
    page = fetcher.fetch(f"https://homes.example:{site.port}/")
    assert "Elm" in page.text
    assert set(tls.seen_names) == {"homes.example"}
    assert site.headers[-1]["Host"] == f"homes.example:{site.port}"


def test_a_certificate_of_another_name_is_refused(
    make_site: Callable[..., Any], make_fetcher: Callable[..., Any], make_names: Any, tls: Any
) -> None:
    site = make_site(context=tls.server)
    site.page("/")
    fetcher = make_fetcher("127.0.0.0/8", resolver=make_names(other_example=["127.0.0.1"]), ssl_context=tls.client)
    with pytest.raises(FetchError, match=r"certificate is not accepted \(Hostname mismatch") as caught:
        fetcher.fetch(f"https://other.example:{site.port}/")
    assert not caught.value.transient
    assert site.hits == []


def test_an_unknown_issuer_is_refused(
    make_site: Callable[..., Any], make_fetcher: Callable[..., Any], make_names: Any, tls: Any
) -> None:
    """The default trust store does not contain the test's certificate."""
    site = make_site(context=tls.server)
    fetcher = make_fetcher("127.0.0.0/8", resolver=make_names(homes_example=["127.0.0.1"]))
    with pytest.raises(FetchError, match="certificate is not accepted"):
        fetcher.fetch(f"https://homes.example:{site.port}/")
    assert site.hits == []


def test_https_to_a_plain_server_is_a_connection_error(site: Any, make_fetcher: Callable[..., Any]) -> None:
    with pytest.raises(ConnectionFailedError):
        make_fetcher("127.0.0.0/8").fetch(f"https://127.0.0.1:{site.port}/")
