"""Define how a model is asked whether a page is about one property, and what it may answer."""

#: The name of the fact.
PAGE_KIND = "page_kind"
ONE, SEVERAL, NONE = "one property", "several properties", "no property"
