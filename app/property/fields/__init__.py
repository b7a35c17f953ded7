"""Data about fields, countries, and languages, and the modules that load it."""
