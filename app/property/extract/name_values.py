"""Agents and agencies out of raw texts and JSON values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from app.property.extract.document import Locale
from app.property.extract.typed_values import Value, text_of
from app.property.normalise import names, texts
from app.property.record import Method

if TYPE_CHECKING:
    from app.property.extract.readings import Reading

_CJK_NAME = re.compile(r"^[\u3400-\u9fff\uac00-\ud7af]{2,5}$")
_AROUND = re.compile(r"^(?:privat von|von|by|from|listed by)\s+|\s*\([^)]*\)$", re.IGNORECASE)


def _agent(reading: Reading, _locale: Locale) -> Iterator[Value]:
    """A person; beside a label perhaps with a role and the agency in the same line."""
    text = names.without_title(_AROUND.sub("", text_of(reading.raw).strip(" ,;:-")))
    if reading.method is Method.LABEL:
        if len(text.split()) < 2 and not _CJK_NAME.match(text):
            return  # beside a label, one word is a link or a heading more often than a name
        found = names.split(text_of(reading.raw))
        if found.person:
            yield "ListAgentFullName", found.person, None
            yield "ListOfficeName", found.office, None
            return
    if texts.is_person(text):
        yield "ListAgentFullName", text, None


def _office(reading: Reading, _locale: Locale) -> Iterator[Value]:
    text = _AROUND.sub("", text_of(reading.raw).strip(" ,;:-"))
    if texts.is_office(text):
        yield "ListOfficeName", text, None


NAMES: dict[str, Callable[[Reading, Locale], Iterator[Value]]] = {
    "ListAgentFullName": _agent,
    "ListOfficeName": _office,
}
