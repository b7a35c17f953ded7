"""The guard gives each URL one canonical form and shows no secret in its errors."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import pytest

from app.errors.fetching import BlockedAddressError
from app.errors.targets import InvalidTargetError
from app.property.fetch.guard.check import Guard
from app.property.fetch.guard.ranges import IPAddress


class _Public:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def resolve(self, host: str, timeout_seconds: float) -> Sequence[IPAddress]:
        self.asked.append(host)
        return [ip_address("93.184.216.34")]


@pytest.mark.parametrize(
    ("url", "canonical", "host", "port"),
    [
        ("http://Homes.Example", "http://homes.example/", "homes.example", 80),
        ("HTTPS://homes.example:443/a?b=c#d", "https://homes.example/a?b=c", "homes.example", 443),
        ("  https://homes.example/ \n", "https://homes.example/", "homes.example", 443),
        ("http://homes.example.:8080?x", "http://homes.example:8080/?x", "homes.example", 8080),
        ("http://homes.example/a/../b/./c", "http://homes.example/b/c", "homes.example", 80),
        ("http://faß.example/straße 5", "http://xn--fa-hia.example/stra%C3%9Fe%205", "xn--fa-hia.example", 80),
        ("http://under_score.example/", "http://under_score.example/", "under_score.example", 80),
        ("http://93.184.216.34/", "http://93.184.216.34/", "93.184.216.34", 80),
        ("http://[2606:2800:220:1:0:0:0:1]:8443/", "http://[2606:2800:220:1::1]:8443/", "2606:2800:220:1::1", 8443),
        ("http://homes.example/?u=http://user@x/", "http://homes.example/?u=http://user@x/", "homes.example", 80),
        ("http://homes.example/a%2Fb", "http://homes.example/a%2Fb", "homes.example", 80),
    ],
)
def test_a_url_has_one_canonical_form(url: str, canonical: str, host: str, port: int) -> None:
    resolver = _Public()
    read = Guard(resolver).check(url)
    assert (read.url, read.host, read.port) == (canonical, host, port)
    assert Guard(resolver).check(read.url) == read
    assert set(resolver.asked) <= {host}


def test_the_origin_is_scheme_host_and_port() -> None:
    guard = Guard(_Public())
    assert guard.check("https://homes.example/a").origin == "https://homes.example"
    assert guard.check("http://homes.example:8080/a").origin == "http://homes.example:8080"
    assert guard.check("http://[2606:2800::1]/a").origin == "http://[2606:2800::1]"


def test_a_public_address_is_never_private_even_in_an_opened_network() -> None:
    """The rate limit does not apply to private addresses, so a public site must not count as private."""
    guard = Guard(_Public(), (ip_network("0.0.0.0/0"),))
    assert not guard.check("https://homes.example/").is_private
    assert guard.check("https://10.0.0.1/").is_private


@pytest.mark.parametrize("url", [
    "", "12 Elm Street, Springfield", "homes.example/page", "https://", "https:///path", "https://-bad-.example/",
    "https://a..example/", f"https://{'a' * 64}.example/", f"https://{'abc.' * 70}example/", "https://exa mple.com/",
    "https://exa<mple.com/", "https://[::1/", "https://::1/", "https://[v1.fe80::a]/", "https://homes.example:port/",
    "https://homes.example:65536/", "https://homes.example/\x00", "https://homes.example/\r\nHost: evil",
    "https://xn--\u2603.example/", "https://1.2.3.4.5/", f"https://homes.example/{'x' * 4100}",
])  # fmt: skip
def test_an_invalid_url_is_an_invalid_target(url: str) -> None:
    resolver = _Public()
    with pytest.raises(InvalidTargetError) as caught:
        Guard(resolver).check(url)
    assert len(str(caught.value)) < 500
    assert resolver.asked == []


def test_a_password_in_a_url_is_not_repeated() -> None:
    with pytest.raises(InvalidTargetError) as caught:
        Guard(_Public()).check("https://admin:hunter2@homes.example/")
    assert "hunter2" not in str(caught.value)
    assert "homes.example" in str(caught.value)


@pytest.mark.parametrize("port", [21, 22, 25, 53, 81, 1023, 2375, 3306, 5432, 6379, 9200, 10250, 11211, 27017])
def test_ports_of_other_services_are_refused(port: int) -> None:
    resolver = _Public()
    with pytest.raises(BlockedAddressError, match=f"port {port}"):
        Guard(resolver).check(f"http://homes.example:{port}/")
    assert resolver.asked == []


def test_ports_of_web_sites_are_accepted() -> None:
    for port in (80, 443, 1024, 6080, 8000, 8080, 8443, 8888, 40000, 65535):
        assert Guard(_Public()).check(f"http://homes.example:{port}/").port == port
