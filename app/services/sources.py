"""Where `sources.toml` is."""

from __future__ import annotations

from app.property.sources.config import SourcesFile
from app.settings import Settings


def sources_file(settings: Settings) -> SourcesFile:
    """The file that SOURCES_FILE names, below PROPINTEL_HOME unless it is absolute; one of another name must exist."""
    named = settings.sources_file
    is_default = named == type(settings).model_fields["sources_file"].default
    return SourcesFile(settings.propintel_home / named.expanduser(), must_exist=not is_default)
