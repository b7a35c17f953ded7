"""Recognize, by its name, what visitors of a site wrote: comments, reviews, questions and answers, guest books.

Visitors write about anything, so their texts are never read as facts about the property. `visitor_blocks.py` removes
them from a page's tree, and `visitor_objects.py` from JSON, before anything else reads them.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum

from app.property.fields.phrases import alternatives
from app.property.values.text_cache import remembered

#: Matches schema.org types, GraphQL type names, and the like: `schema:UserReview`, `Comment`.
TYPE = re.compile(
    r"(?:^|[/:#\s]|(?<=[a-z])(?=[A-Z]))(?i:reviews?|comments?|question|answer|testimonial|guest ?book\w*|reply|"
    r"(?:discussion ?forum|social ?media) ?posting)(?=$|\s)"
)


def _nouns(*keys: str) -> str:
    return "|".join(alternatives("visitors", key) for key in keys)


def _phrases(*keys: str) -> re.Pattern[str]:
    """Return the phrases under `keys`. They are tried only where no Latin letter precedes, which is much faster."""
    return re.compile(f"(?<![A-Za-z])(?:{_nouns(*keys)})", re.IGNORECASE)


SIGNED, INVITES, _AUTHORS, _SUBJECTS = map(_phrases, ("signatures", "invitations", "authors", "subjects"))
#: Words before and behind a noun in names of elements that do not hold visitors' texts: `has-reviews`, `review-count`.
_BEFORE = re.compile(
    r"\b(?:has|have|with|without|no|not|show|enable|allow|is|hide|under|and|last|add|skip|to|plan|design|zoning|market|"
    r"peer|step)\b"
)
_BEHIND = re.compile(
    r"\b(?:open|opened|enabled|disabled|closed|on|off|page|layout|tabs|counte?r?|score|links?|button|btn|icon|menu|nav|"
    r"toggle|stars|average|total|number|num|label|template|theme|ready|status|date|id|url)\b"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAME_WORDS = re.compile(r"[\W_]+")
_LONGEST_NAME, _LONGEST_HEADING = 100, 60


class Kind(Enum):
    """What a name stands for. Only `TEXTS` are visitors' texts for certain.

    `COMMENTS` may also be an authority's or agent's own text, and `QUESTIONS` a way to ask the agent.
    """

    TEXTS = "texts"
    COMMENTS = "comments"
    QUESTIONS = "questions"


def _folded(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


#: Names of elements and keys are ASCII, in lower case, and without accents. Nouns begin at the beginning of a word.
_IN_NAMES = {
    kind: re.compile(f"(?<![a-z0-9])(?:{_folded(_nouns(kind.value, *keys)).lower()})")
    for kind, keys in {Kind.TEXTS: ("names",), Kind.COMMENTS: (), Kind.QUESTIONS: ()}.items()
}
_IN_ANY_NAME = re.compile("|".join(nouns.pattern for nouns in _IN_NAMES.values()))
#: Match a heading (`Customer reviews of Jane Roe`), and a label, which ends with the noun: `12 reviews`, `Reviews (3)`.
_LEAD = r"^\W*(?:\d[\d.,]*\s)?(?:[^\W\d_]+(?:['’]s)?\s(?:[&+]\s)?){0,3}?"
_IN_HEADINGS = {
    kind: tuple(
        re.compile(rf"{_LEAD}(?P<noun>{_nouns(kind.value)}){end}", re.IGNORECASE)
        for end in (r"(?:\W*$|\W.{0,30}$)", r"\W*[\d.,]*\W*$")
    )
    for kind in Kind
}


_IN_ANY_HEADING = _phrases(*(kind.value for kind in Kind), "invitations")


@dataclass(frozen=True, slots=True)
class Named:
    """What a name or heading stands for. `is_own` is true if it says whose texts these are: the agent's, the county's,
    or remarks on a property or permit.
    """

    kind: Kind
    is_own: bool


@remembered(20_000, _LONGEST_NAME)
def of_name(name: str) -> Named | None:
    """Return what a class, id, tag, or key (`UserReviews__list`) stands for; None if it is not about visitors."""
    words = _NAME_WORDS.sub(" ", _CAMEL.sub(" ", name[:_LONGEST_NAME])).strip().lower()
    for kind, nouns in _IN_NAMES.items() if _IN_ANY_NAME.search(words) else ():
        for noun in nouns.finditer(words):
            before, behind = words[: noun.start()], words[noun.end() :]
            if not _BEFORE.search(before) and not _BEHIND.search(behind):
                return Named(kind, _is_own(before, before))
    return None


@remembered(20_000, _LONGEST_HEADING)
def of_heading(text: str, is_label: bool) -> Named | None:
    """Return what a heading introduces. A label, unlike a heading, has no words behind the noun."""
    if not text or len(text) > _LONGEST_HEADING or not _IN_ANY_HEADING.search(text):
        return None
    if INVITES.search(text):
        return Named(Kind.COMMENTS, is_own=False)
    for kind, forms in _IN_HEADINGS.items():
        if match := forms[is_label].search(text):
            return Named(kind, _is_own(text, text[: match.start("noun")]))
    return None


def _is_own(text: str, before: str) -> bool:
    return _AUTHORS.search(text) is not None or _SUBJECTS.search(before) is not None
