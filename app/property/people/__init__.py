"""Find and remove the names of people in texts."""

from app.property.people.names import PersonName, parse_name
from app.property.people.removing import NOBODY, REMOVED, Finder, finder_of

__all__ = ["NOBODY", "REMOVED", "Finder", "PersonName", "finder_of", "parse_name"]
