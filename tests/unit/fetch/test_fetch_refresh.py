"""`Refresh` headers and `<meta http-equiv=refresh>` are read as the HTML Standard says."""

import pytest

from app.property.fetch.client.refresh import refresh


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("0; url=https://homes.example/a", "https://homes.example/a"),
        ("0;URL=/a", "/a"),
        ("5; url='/a b'", "/a b"),
        ('3,url="/a"tail', "/a"),
        (" 1 ; url = /a ", "/a"),
        ("0 /a", "/a"),
        ("0; /a", "/a"),
        ("0.5; url=/a", "/a"),
        ("10; url=/a", "/a"),
        ("0; url=//other.example/x?u=1;2", "//other.example/x?u=1;2"),
        # longer delays give readers time to read the page, so they are not redirects
        ("11; url=/a", None),
        ("300; url=/timeout", None),
        # values that reload the page itself or are invalid
        ("0", None),
        ("5;", None),
        ("0; url=", None),
        ("url=/a", None),
        ("", None),
        ("soon; url=/a", None),
        ("-1; url=/a", None),
    ],
)
def test_header_and_element_are_parsed_the_same_way(value: str, place: str | None) -> None:
    assert refresh(value, "") == place
    quoted = value.replace('"', "&quot;")
    assert refresh("", f'<head><meta http-equiv="Refresh" content="{quoted}"></head>') == place


@pytest.mark.parametrize(
    "markup",
    [
        "<META CONTENT='0;url=/a' HTTP-EQUIV=refresh>",
        "<meta http-equiv = ' refresh ' content='0;url=/a'>",
        "<title>x</title><meta http-equiv=refresh content='0;url=/a'><p>Moved",
    ],
)
def test_the_element_is_found_in_any_notation(markup: str) -> None:
    assert refresh("", markup) == "/a"


@pytest.mark.parametrize(
    "markup",
    [
        "<noscript><meta http-equiv=refresh content='0;url=/a'></noscript>",
        "<!-- <meta http-equiv=refresh content='0;url=/a'> -->",
        "<script>s = \"<meta http-equiv=refresh content='0;url=/a'>\"</script>",
        "<template><meta http-equiv=refresh content='0;url=/a'></template>",
        "<meta name=refresh content='0;url=/a'>",
        "<p>http-equiv=refresh content='0;url=/a'",
        "<meta http-equiv=refresh>",
        "http-equiv=refresh",
        "<!-- http-equiv=refresh -->",
    ],
)
def test_other_elements_are_not_refreshes(markup: str) -> None:
    assert refresh("", markup) is None
