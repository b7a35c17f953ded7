"""No element that libxml2 creates exceeds the attribute limit, however its tag is written."""

import random
import time

from app.property.reading import attribute_limit, trees

_PIECES = (
    *(" a¤", " a¤=b", " a¤='b'", ' a¤="b"', '"b"', "'", '"', "=", " =", "= ", "/", " /", "/ ", "<", " "),
    *("\n", "\x0c", "\x0b", "\xa0", ">'", '">"', " a¤='>'", ' a¤=">"', "b", "é", "==", "='", '="', "\x85"),
    *("\u2028", "&quot;", "&gt;", "`"),
)
_BEGINNINGS = ("<p", "<p ", "<t<p", "<p'", '<p"', "<p=", "</p ", "<p a=", "<x-y", "<!-- x --><p", "<title>a</title><p")
_ATTRIBUTES = 400


def test_no_element_has_more_attributes_than_the_limit() -> None:
    rng = random.Random(1)
    for _ in range(2_000):
        unit = "".join(rng.choice(_PIECES) for _ in range(rng.randint(1, 6)))
        tag = rng.choice(_BEGINNINGS) + "".join(unit.replace("¤", str(n)) for n in range(_ATTRIBUTES))
        root = trees.parsed(f"{tag}>x</p>")
        assert root is None or max(len(element.attrib) for element in root.iter()) <= 300, (tag[:40], unit)


def test_a_malformed_element_is_fast() -> None:
    """Without the limit, libxml2 took 105 s for 150,000 attributes, and no signal could interrupt it."""
    tag = (
        "<p" + "".join(f' a{n}="b"' for n in range(50)) + ' c="d"e="f"' + "".join(f' b{n}="b"' for n in range(150_000))
    )
    began = time.process_time()
    root = trees.parsed(f"{tag}>x")
    assert time.process_time() - began < 1
    assert len(next(root.iter("p")).attrib) == 300


def test_text_with_few_attributes_is_returned_unchanged() -> None:
    text = "<p" + "".join(f" a{n}='{'x > y' * 500}'" for n in range(300)) + ">x" + "<p a=1 b='2' c>" * 2_000
    assert attribute_limit.limit_attributes(text) is text
