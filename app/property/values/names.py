"""Parse names of people and agencies: remove titles, and split a line into the person and the agency."""

import re
from dataclasses import dataclass

from app.property.fields.phrases import alternatives, pattern
from app.property.values import texts

_LONGEST = 300
_TITLES = re.compile(
    rf"^(?:(?:{alternatives('people', 'titles')})\.?(?:-\w+\.)?\s+)+(?=[^\W\d_]\S*\s+\S)", re.IGNORECASE
)
#: Matches the note that an agent has a personal corporation (British Columbia).
_CORPORATION = re.compile(r",?\s+(?:PREC|Personal Real Estate Corporation)\b\*?$", re.IGNORECASE)
#: Matches a Japanese broker's license, which follows the firm's name.
_LICENSE = re.compile(r"\s*(?:国土交通大臣|[^\s()（）]{2,4}知事)\s?(?:免許)?\s?[(（].*$")
_LEAD = re.compile(r"^(?:privat von|von|by|from|listed by|ask for|contact)\s+", re.IGNORECASE)
_PHONE = re.compile(
    r"[,;]?\s*(?:\b(?:tel|tél|phone|mobile?|mob|handy|tlf|tlf\.nr|telefon\w*|gsm|cell|puh)\b|☎|\+\d|\(?0\d{2}).*$",
    re.IGNORECASE,
)
_GOES_ON = re.compile(rf"\s[&+]\s|,?\s(?:{alternatives('people', 'companies')})(?!\w)", re.IGNORECASE)
_ROLE_BEHIND = re.compile(rf"[\s,–-]*(?:\w+\s){{0,2}}(?:{alternatives('people', 'roles')})", re.IGNORECASE)
#: Matches a sign between the names in a firm's name.
_SEVERAL = re.compile(r"\s[&+]\s")
_STRONG = re.compile(r"\s+[-–—|·•/]\s+|\s*[|·•]\s*")
_WEAK = re.compile(r",\s+|;\s*|(?<!\b[A-Z])\.\s+(?=[^\W\d_a-zß-öø-ÿ])|\s*\(")
#: Matches separators between people and agencies in a line.
_PIECES = re.compile(
    r"[|·•\n,;]|\s[-–—/]\s|[.:]\s|\s(?:of|at|with|by|von|chez|de)\s|\(?\+?\d[\d() .-]{6,}|"
    rf"\b(?:office|phone|cell|tel|contact|call|fax|e-?mail|mobile|main|{alternatives('people', 'titles')})\b",
    re.IGNORECASE,
)
ROLE, _TRADE = pattern("people", "roles"), pattern("people", "trade")


@dataclass(frozen=True, slots=True)
class Names:
    """A person and an agency, each None if missing."""

    person: str | None = None
    office: str | None = None


def without_title(text: str) -> str:
    """Remove titles before a name: `Frau Dr. Wiebke Detlefsen` becomes `Wiebke Detlefsen`."""
    return _CORPORATION.sub("", _TITLES.sub("", text.strip()))


def without_license(text: str) -> str:
    """Remove a Japanese broker's license and what follows it, such as `国土交通大臣免許(3)第9999号`."""
    return _LICENSE.sub("", " ".join(text[:_LONGEST].split()))


def is_full_name(text: str) -> bool:
    """Return whether `text` can be the full name of a person, with two to five words."""
    words = text.split()
    capital = [w for w in words if w[:1].isupper()]
    particles = all(w[:1].isupper() or w.casefold() in _PARTICLES for w in words)
    if not (2 <= len(words) <= 5 and len(capital) >= 2 and particles):
        return False
    if words[0].isupper() and len(words[0]) > 1 and not text.isupper():
        return False  # an agency such as `REA Sothern`
    return (
        not ROLE.search(text) and texts.is_person(text) and not texts.has_legal_form(text) and not _TRADE.search(text)
    )


_PARTICLES = frozenset({
    "von", "van", "de", "der", "den", "del", "della", "di", "da", "dos", "das", "do", "la", "le", "al", "el", "ten",
    "ter", "zu", "zum", "af", "av", "y", "e", "i", "bin", "ní", "ó", "mac"
})  # fmt: skip


def is_agency(text: str) -> bool:
    """Return whether `text` is an agency's name: one with a legal form, a real estate term, or several joined names."""
    named = texts.has_legal_form(text) or _TRADE.search(text) is not None or _SEVERAL.search(text) is not None
    return texts.is_office(text) and named and len(text.split()) <= 9


def has_agency_beside(person: str, line: str) -> bool:
    """Return whether `line` names an agency beside `person`, or the person's role after the name."""
    found = re.search(re.escape(person), line, re.IGNORECASE)
    before, behind = (line[: found.start()], line[found.end() :]) if found else ("", "")
    if _GOES_ON.match(behind):
        # `person` is the start of an agency's name, such as `Alta Vista Rentals & Property Management LLC`
        return False
    pieces = [piece.strip(" ,.;:") for piece in _PIECES.split(f"{before}\n{behind}")]
    return _ROLE_BEHIND.match(behind) is not None or any(is_agency(piece) for piece in pieces)


def split(text: str) -> Names:
    """Split the text that follows an agent's label into the person and the agency."""
    text = _PHONE.sub("", _LEAD.sub("", " ".join(text[:_LONGEST].split()).strip(" ,;:-")))
    strong = [_trimmed(p) for p in _STRONG.split(text) if _trimmed(p)]
    if not strong:
        return Names()
    first = [_trimmed(p) for p in _WEAK.split(_shielded(strong[0])) if _trimmed(p)] or [strong[0]]
    person = without_title(first[0].replace("\x00", "."))
    if not (is_full_name(person) or (len(strong) == len(first) == 1 and texts.is_person(person) and _is_cased(person))):
        return Names()
    rest = [p.replace("\x00", ".") for p in first[1:]]
    office = next((p for p in rest if is_agency(p) and not _only_role(p)), None)
    for piece in strong[1:]:
        inner = [p.replace("\x00", ".").strip() for p in _WEAK.split(_shielded(piece)) if p.strip()]
        office = office or next((p for p in inner if is_agency(p) and not _only_role(p)), None)
    return Names(person, office)


def _trimmed(piece: str) -> str:
    bare = piece.strip(" ,)")
    return bare if texts.has_legal_form(bare.replace("\x00", ".")) else bare.strip(" ,.)")


def _is_cased(person: str) -> bool:
    return all(not w[:1].islower() or w.casefold() in _PARTICLES for w in person.split())


def _shielded(text: str) -> str:
    """Replace the dots of abbreviated titles by NUL, so that `_WEAK` does not split there."""
    return (
        re.sub(r"\b(\w{1,4})\.(?=\s?\w{0,3}\.|\s+[^\W\d_a-z]\S*\s+[^\W\d_a-z])", "\\1\x00", text)
        if _TITLES.match(text)
        else text
    )


def _only_role(text: str) -> bool:
    return ROLE.search(text) is not None and not texts.has_legal_form(text)
