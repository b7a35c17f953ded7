"""Parse the names of agents and agencies from raw texts and JSON values."""

import re
from collections.abc import Callable, Iterator

from app.property.fields.phrases import pattern
from app.property.reading.base import Reading, Value, text_of
from app.property.reading.document import Locale
from app.property.record import Method
from app.property.values import names, texts

_CJK_NAME = re.compile(r"^[\u3400-\u9fff\uac00-\ud7af]{2,5}$")
#: Matches Japanese words that occur after an agent's label but not in names.
_NO_CJK_NAME = re.compile(r"担当|営業|売主|貸主|仲介|店舗|会社|相談|予約|問合|不在|未定|センター")
#: Matches the end of a Japanese sentence, or of a button's text.
_JAPANESE_SENTENCE = re.compile(r"。|(?:ください|下さい|ます|です|予約|請求|こちら|検索|一覧)$")
_AROUND = re.compile(r"^(?:privat von|von|by|from|listed by)\s+|\s*\([^)]*\)$", re.IGNORECASE)


#: Labels before a name that may be an agency's or a person's.
_EITHER = frozenset(
    {"broker", "courtesy of", "listing broker", "listing by", "listing courtesy of", "listing provided by"}
    | {"anbieter", "anunciante", "annonceur", "inserent", "inserzionista", "ogłoszeniodawca"}
)
OFFICE_WORDS = pattern("people", "offices")
_PHONE_OR_STREET = re.compile(r",\s*\d.*$|\s*\(?\b\d{3}\)?[-. ]\d{3}[-. ]\d{4}.*$")


def _agent(reading: Reading, _locale: Locale) -> Iterator[Value]:
    """Text after a label may also contain the agent's role and agency."""
    text = names.without_title(_AROUND.sub("", text_of(reading.raw).strip(" ,;:-")))
    if reading.method is Method.LABEL:
        if len(text.split()) < 2 and not _CJK_NAME.match(text):
            return  # a single word after a label is more often a link or heading than a name
        if len(text) == 2 and _CJK_NAME.match(text):  # too short for the checks below
            yield "ListAgentFullName", None if _NO_CJK_NAME.search(text) else text, None
            return
        found = names.split(text_of(reading.raw))
        if found.person:
            yield "ListAgentFullName", found.person, None
            yield "ListOfficeName", found.office, None
            return
    if texts.is_person(text):
        yield "ListAgentFullName", text, None


def _office(reading: Reading, _locale: Locale) -> Iterator[Value]:
    text = _AROUND.sub("", _PHONE_OR_STREET.sub("", names.without_license(text_of(reading.raw)).strip(" ,;:-")))
    named = names.without_title(text)
    if named != text and _is_plain_person(named):  # a title such as `Frau` shows that the name is a person's
        yield "ListAgentFullName", named, None
    elif reading.label.strip(" :").casefold() in _EITHER and _is_plain_person(text):
        yield "ListAgentFullName", text, None
    elif texts.is_office(text) and not _JAPANESE_SENTENCE.search(text):
        yield "ListOfficeName", text, None


def _is_plain_person(text: str) -> bool:
    is_office = OFFICE_WORDS.search(text) is not None or names.is_agency(text)
    return len(text.split()) in (2, 3) and texts.is_person(text) and not is_office


NAMES: dict[str, Callable[[Reading, Locale], Iterator[Value]]] = {"agent": _agent, "office": _office}
