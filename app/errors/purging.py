"""Errors about purging (permanently deleting) pages and people's names."""

from app.errors import PropertyIntelligenceError


class InvalidPersonError(PropertyIntelligenceError, code="invalid_person"):
    """The text is not a person's full name. The error does not contain the text, because it is personal data."""

    sentence = "This is not a person's name: {problem}."
    remedy = "Write the full name, as in `Jane Doe`, `Doe, Jane` or `Jane Q. Doe`."


class PersonPurgedMeanwhileError(PropertyIntelligenceError, code="person_purged", facts=""):
    """A name on a page was purged after the page was fetched."""

    sentence = "A person on the page was purged while the page was read, so that nothing was stored."
    remedy = "The page is read again without the name."
    transient = True


class PurgedMeanwhileError(PropertyIntelligenceError, code="purged", facts=""):
    """A page was purged while it was read."""

    sentence = "The page was purged while it was read, so that nothing was stored."
    remedy = "Enqueue it again if you still need it."


class PageNamesPersonError(PropertyIntelligenceError, code="page_names_person", facts=""):
    """The URL of a page contains a purged name, so the page cannot be stored without the name."""

    sentence = "The page's URL contains a purged name, so that nothing was stored."
    remedy = "Use another page."
