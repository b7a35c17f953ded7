"""People's names in texts: which words are one person's name, and taking them out."""

from app.property.people.names import PersonName, parse_name
from app.property.people.removing import REMOVED, Doubts, Finder, doubts_of, finder_of

__all__ = ["REMOVED", "Doubts", "Finder", "PersonName", "doubts_of", "finder_of", "parse_name"]
