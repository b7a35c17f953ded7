"""Find `sources.toml` and the secrets of its templates."""

from collections.abc import Callable, Mapping

from app.errors import ConfigurationError
from app.property.sources.config import Sources, SourcesFile
from app.property.sources.secrets import UrlSecrets, parse_secrets, secret_names_in
from app.redaction import protect
from app.settings import Settings

_FILE, _VARIABLE = "SOURCE_SECRETS_FILE", "SOURCE_SECRETS"


def sources_file(settings: Settings) -> SourcesFile:
    """Return the sources file. It must exist unless SOURCES_FILE (relative to PROPINTEL_HOME) has its default."""
    named = settings.addresses.sources_file
    is_default = named == type(settings.addresses).model_fields["sources_file"].default
    return SourcesFile(settings.state.propintel_home / named.expanduser(), must_exist=not is_default)


def source_namer(settings: Settings) -> Callable[[str], str | None]:
    """Return a function that maps a page's URL to the name of its source in `sources.toml`, or None.

    An invalid file names nothing, because it must not hide stored properties.
    """
    try:
        return sources_file(settings).current().name_of
    except ConfigurationError:
        return Sources().name_of


class SourceSecrets:
    """Reads the secrets for URLs of sources. Thread-safe.

    Secrets are read at each use, because the file may change. They are registered with `app.redaction`, which hides
    them in logs.
    """

    def __init__(self, settings: Settings, sources: Callable[[], Sources]) -> None:
        self._settings = settings
        self._sources = sources

    def for_url(self, url: str) -> UrlSecrets | None:
        """Return the secrets that `url` refers to by name, or None if there are none.

        Also return None unless a template in `sources.toml` makes such URLs, because secrets must be sent only to URLs
        that the file defines. Raises `ConfigurationError` for a missing secret or an invalid file.
        """
        names = secret_names_in(url)
        if not names:
            return None
        templates = (one.template for area in self._sources().areas for one in area.sources if one.template.secrets)
        ours = next((template for template in templates if template.made(url)), None)
        return UrlSecrets(self.values(ours.secrets)) if ours is not None else None

    def values(self, names: tuple[str, ...]) -> dict[str, str]:
        """Return the secrets with these names. Raises `ConfigurationError` if one is missing."""
        known = self._all()
        missing = next((name for name in names if name not in known), None)
        if missing is not None:
            remedy = f"Add {missing}=... to {_VARIABLE}, or on a line of {_FILE}"
            raise ConfigurationError(_VARIABLE, f"has no {missing}, which a URL in sources.toml needs", remedy)
        return {name: known[name] for name in names}

    def _all(self) -> Mapping[str, str]:
        given, path = self._settings.addresses.source_secrets, self._settings.addresses.source_secrets_file
        found = parse_secrets(given.get_secret_value().split(","), _VARIABLE) if given is not None else {}
        if path is not None:
            try:
                lines = path.expanduser().read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError) as exc:
                problem = f"{path} cannot be read ({type(exc).__name__})"
                raise ConfigurationError(_FILE, problem, "Give a text file with NAME=value on each line") from None
            found |= parse_secrets([one for one in lines if one.strip() and not one.lstrip().startswith("#")], _FILE)
        protect(found.values())
        return found
