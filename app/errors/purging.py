"""What was purged, or is to be: pages, and names of people."""

from __future__ import annotations

from typing import ClassVar

from app.errors import PropertyIntelligenceError


class InvalidPersonError(PropertyIntelligenceError):
    """What was given is no person's name that could be looked for. The name is not among the facts."""

    code = "invalid_person"
    sentence = "This is no name of a person: {problem}."
    remedy = "Write it out, as in `Jane Doe`, `Doe, Jane` or `Jane Q. Doe`."


class PersonPurgedMeanwhileError(PropertyIntelligenceError):
    """What a page says was about to be stored with the name of somebody who was purged since it was fetched."""

    code = "person_purged"
    fact_names: ClassVar[tuple[str, ...]] = ()
    sentence = "Somebody whom the page names was purged while it was read, and nothing of it is stored."
    remedy = "It is read again without the name."
    transient = True


class PurgedMeanwhileError(PropertyIntelligenceError):
    """A page was purged while it was read."""

    code = "purged"
    fact_names: ClassVar[tuple[str, ...]] = ()
    sentence = "The page was purged while it was read, and nothing of it is stored."
    remedy = "Ask for it again if it is wanted after all."


class PageNamesPersonError(PropertyIntelligenceError):
    """A page whose URL names somebody who was purged: it cannot be kept without the name."""

    code = "page_names_person"
    fact_names: ClassVar[tuple[str, ...]] = ()
    sentence = "The page's URL names a person who was purged, and nothing of it is stored."
    remedy = "Take the data from another page."
