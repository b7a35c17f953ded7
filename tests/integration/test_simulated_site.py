"""The simulated site serves an index, robots.txt, validators, encodings, and pages without a property."""

import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPResponse
from typing import Any


def get(url: str, **headers: str) -> HTTPResponse:
    sent = {k.replace("_", "-"): v for k, v in headers.items()}
    request = urllib.request.Request(url, headers=sent)  # noqa: S310 (loopback)
    answer: HTTPResponse = urllib.request.urlopen(request, timeout=300)  # noqa: S310 (loopback)
    return answer


def status(url: str, **headers: str) -> int:
    try:
        return int(get(url, **headers).status)
    except urllib.error.HTTPError as exc:
        exc.close()
        return exc.code


def test_every_address_of_the_index_answers(property_site: str) -> None:
    addresses = get(f"{property_site}/index.txt?homes=8").read().decode().split()
    assert len(addresses) >= 24 + 8
    for address in addresses:
        assert address.startswith(property_site)
        with get(address) as answer:
            assert answer.status == 200
            assert answer.headers["content-type"].partition(";")[0] in ("text/html", "application/json", "text/plain")
            assert len(answer.read()) > 200


def test_a_client_with_the_page_gets_304(property_site: str) -> None:
    etag = get(f"{property_site}/homes/5").headers["etag"]
    assert status(f"{property_site}/homes/5", If_None_Match=etag) == 304
    assert status(f"{property_site}/homes/5", If_None_Match='"other"') == 200


def test_only_the_page_declares_the_old_encoding(property_site: str) -> None:
    answer = get(f"{property_site}/listings/maison-rivebrune")
    assert answer.headers["content-type"] == "text/html"
    body = answer.read()
    assert "Érables".encode("cp1252") in body
    assert "€".encode("cp1252") in body
    assert b"charset=iso-8859-1" in body


def test_pages_without_a_property_have_their_status(property_site: str) -> None:
    paths = {"/odd/gone": 410, "/odd/challenge": 403, "/listings/none": 404, "/homes/0": 404, "/homes/10001": 404}
    assert {path: status(property_site + path) for path in paths} == paths
    assert get(f"{property_site}/moved/anything").geturl() == f"{property_site}/listings/oak-hollow-lane"


def test_as_a_program_it_ends_cleanly(start_program: Callable[..., Any]) -> None:
    program = start_program("simulators.site", "--port", "0")
    assert "Disallow: /private/" in get(f"{program.address}/robots.txt").read().decode()
    assert program.stop() == (0, "")
