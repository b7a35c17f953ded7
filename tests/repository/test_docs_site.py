"""The docs site loads nothing from other hosts, so it works behind firewalls and reveals no reader to them."""

from pathlib import Path

import pytest

from docs.site.check_pages import loaded_from_outside


@pytest.mark.parametrize(
    ("file", "text", "found"),
    [
        ("a.html", '<a href="https://example.com">x</a><img src="x.png"><link href="_static/a.css">', []),
        ("a.html", '<script src="https://cdn.example/x.js"></script>', ["https://cdn.example/x.js"]),
        ("a.html", '<link rel="preconnect" href="//fonts.example">', ["//fonts.example"]),
        ("a.html", '<img srcset="https://img.example/2x.png 2x">', ["https://img.example/2x.png"]),
        ("a.css", '@import "https://fonts.example/a.css"; b{background:url(x.png)}', ["https://fonts.example/a.css"]),
        ("a.css", "@font-face{src:url('https://fonts.example/a.woff2')}", ["https://fonts.example/a.woff2"]),
        ("a.css", "b{background:url(data:image/png;base64,//8=)}", []),
    ],
)
def test_a_resource_from_another_host_is_reported(tmp_path: Path, file: str, text: str, found: list[str]) -> None:
    (tmp_path / file).write_text(text, encoding="utf-8")
    assert loaded_from_outside(tmp_path) == [f"{file}: {url}" for url in found]
