"""Read and check `sources.toml`, which lists the pages to request for an address and the domains for web searches.

A problem raises a `ConfigurationError` that names the file, the table, and the key, and says what to write instead.
"""

import logging
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.errors import ConfigurationError
from app.plurals import counted
from app.property.record import SourceKind
from app.property.sources.template import Template, literal_parameters, problem_of
from app.property.urls.site import is_shared
from app.property.values.texts import words_of

log = logging.getLogger(__name__)

#: The web is searched if fewer sources than this have the address, because a single source cannot be cross-checked.
ENOUGH_SOURCES = 2
#: Maximum number of domains that the Responses API accepts for `web_search` (as of 2026-11).
MOST_DOMAINS = 100
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_AREA_KEYS = ("name", "state", "county", "cities", "postal_codes", "source")
_SOURCE_KEYS = ("name", "kind", "url")
_SEARCH_KEYS = ("enabled", "allowed_domains")
_TABLES = ("area", "web_search")


@dataclass(frozen=True, slots=True)
class Source:
    """A source that has one page for each address in its area. `county` is "" if the area has none."""

    name: str
    kind: SourceKind
    template: Template
    county: str = ""

    @property
    def needs_parcel(self) -> bool:
        """Whether another page has to name the parcel number first."""
        return "parcel_number" in self.template.needs


@dataclass(frozen=True, slots=True)
class Area:
    """An area for which sources are configured, limited by state, towns, and prefixes of postal codes. An empty limit
    excludes nothing.
    """

    name: str
    state: str
    county: str
    cities: tuple[str, ...]
    postal_codes: tuple[str, ...]
    sources: tuple[Source, ...]

    def holds(self, *, state: str | None, city: str | None, postal_code: str | None) -> bool:
        """Return whether the area contains an address.

        If the area limits both towns and postal codes, an address needs to match only one of them.
        """
        if self.state and state and state.casefold() != self.state.casefold():
            return False
        if not self.cities and not self.postal_codes:
            return not self.state or bool(state)
        in_town = bool(city) and words_of(str(city)) in map(words_of, self.cities)
        return in_town or any((postal_code or "").startswith(prefix) for prefix in self.postal_codes)


@dataclass(frozen=True, slots=True)
class WebSearch:
    """The domains, including subdomains, that a web search may use. If there are none, web search is off."""

    enabled: bool = True
    allowed_domains: tuple[str, ...] = ()

    @property
    def is_on(self) -> bool:
        return self.why_off is None

    @property
    def why_off(self) -> str | None:
        if not self.enabled:
            return "it is turned off in sources.toml"
        return None if self.allowed_domains else "sources.toml allows it no domain"

    def allows(self, host: str) -> bool:
        """Return whether a page on `host` that a web search cites may be fetched."""
        host = host.casefold().removesuffix(".")
        return any(host == domain or host.endswith(f".{domain}") for domain in self.allowed_domains)


@dataclass(frozen=True, slots=True)
class Sources:
    areas: tuple[Area, ...] = ()
    web_search: WebSearch = WebSearch()

    def for_address(self, *, state: str | None, city: str | None, postal_code: str | None) -> tuple[Source, ...]:
        inside = [a for a in self.areas if a.holds(state=state, city=city, postal_code=postal_code)]
        return tuple(source for area in inside for source in area.sources)

    def kind_of_cited(self, url: str) -> SourceKind | None:
        """Return the kind of source for a page that only a web search found.

        It is the kind of the sources configured on the same host and port, if they agree. Return None if the host
        belongs to unrelated sites.
        """
        here = {source.kind for source in self._on_host_of(url)}
        return here.pop() if len(here) == 1 else None

    def name_of(self, url: str) -> str | None:
        """Return the name of the source whose template makes `url`, else of the only source on its host and port."""
        here = self._on_host_of(url)
        names = {one.name for one in here if one.template.made(url)} or {one.name for one in here}
        return names.pop() if len(names) == 1 else None

    def _on_host_of(self, url: str) -> list[Source]:
        place = _host_and_port(url)
        if not place[0] or is_shared(place[0]):
            return []
        every = (source for area in self.areas for source in area.sources)
        return [source for source in every if _host_and_port(source.template.text) == place]


def _host_and_port(url: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.port
    except ValueError:
        return "", None


def read_sources(path: Path, *, must_exist: bool = False) -> Sources:
    """Parse the file at `path`, or return an empty `Sources` if the file does not exist.

    Raises `ConfigurationError` if the file is invalid, or if it is missing although it `must_exist`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if must_exist:
            raise ConfigurationError(
                "SOURCES_FILE", f"there is no file {path}", "Correct the path; examples/sources.toml is an example"
            ) from None
        return Sources()
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(str(path), f"cannot be read ({exc})", "Make it a readable UTF-8 text") from exc
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise ConfigurationError(str(path), f"is not TOML: {exc}", "Correct that line; see docs/sources.md") from exc
    return _Reader(path).read(tables)


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, tables: Mapping[str, Any]) -> Sources:
        self._known(tables, _TABLES, "the file")
        areas = tuple(self._areas(tables.get("area", [])))
        return Sources(areas, self._web_search(tables.get("web_search", {})))

    def _areas(self, given: Any) -> Iterator[Area]:
        for number, table in enumerate(self._tables(given, "[[area]]"), start=1):
            where = f"[[area]] {number}"
            self._known(table, _AREA_KEYS, where)
            name = self._text(table, "name", where)
            where = f"{where} ({name})"
            state, county = self._text(table, "state", where, ""), self._text(table, "county", where, "")
            postal_codes = self._texts(table, "postal_codes", where)
            for code in postal_codes:
                if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 -]*", code):
                    raise self._wrong(
                        where, "postal_codes", f"{code!r} is not the start of a postal code", "Write digits"
                    )
            sources = tuple(self._sources(table.get("source", []), where, county))
            if not sources:
                raise self._wrong(where, "source", "is missing", "Add an [[area.source]] with name, kind and url")
            yield Area(name, state, county, self._texts(table, "cities", where), postal_codes, sources)

    def _sources(self, given: Any, area: str, county: str) -> Iterator[Source]:
        names: set[str] = set()
        for number, table in enumerate(self._tables(given, f"{area} [[area.source]]"), start=1):
            where = f"{area} [[area.source]] {number}"
            self._known(table, _SOURCE_KEYS, where)
            name, kind, url = (self._text(table, key, where) for key in _SOURCE_KEYS)
            where = f"{where} ({name})"
            if name in names:
                raise self._wrong(where, "name", "is used twice in this area", "Choose another name")
            names.add(name)
            if kind not in list(SourceKind):
                raise self._wrong(where, "kind", f"{kind!r} is not a kind of source", f"Write {_one_of(SourceKind)}")
            problem = problem_of(url)
            if problem is not None:
                raise self._wrong(where, "url", problem, "Correct the URL; docs/sources.md has examples")
            literal, _ = literal_parameters(url)
            if literal is not None:
                problem = f"has a secret in clear text, as {literal}, which would be stored and shown with every page"
                remedy = f"Write {literal}={{secret:NAME}}, and its value into SOURCE_SECRETS or SOURCE_SECRETS_FILE"
                raise self._wrong(where, "url", problem, f"{remedy}; ask for a new one if pages were stored with it")
            template = Template(url)
            if "county" in template.needs and not county:
                raise self._wrong(where, "url", "has {county}, and the area names none", "Add county to the area")
            yield Source(name, SourceKind(kind), template, county)

    def _web_search(self, given: Any) -> WebSearch:
        where = "[web_search]"
        if not isinstance(given, Mapping):
            raise self._wrong(where, "", "is not a table", "Write [web_search] on a line of its own")
        self._known(given, _SEARCH_KEYS, where)
        enabled = given.get("enabled", True)
        if not isinstance(enabled, bool):
            raise self._wrong(where, "enabled", f"is {enabled!r}", "Write true or false")
        domains = tuple(domain.casefold() for domain in self._texts(given, "allowed_domains", where))
        for domain in domains:
            if not _DOMAIN.fullmatch(domain):
                remedy = "Write the host alone, without scheme, port and path, like assessor.example.gov"
                raise self._wrong(where, "allowed_domains", f"{domain!r} is not a domain", remedy)
        if len(domains) > MOST_DOMAINS:
            problem = f"names {counted(len(domains), 'domain')}, and a search takes {MOST_DOMAINS}"
            raise self._wrong(where, "allowed_domains", problem, "Name the most useful ones")
        return WebSearch(enabled, domains)

    def _tables(self, given: Any, where: str) -> Sequence[Mapping[str, Any]]:
        if not isinstance(given, list) or not all(isinstance(table, Mapping) for table in given):
            raise self._wrong(
                where, "", "is not a list of tables", f"Write {where.rsplit(maxsplit=1)[-1]} with two brackets"
            )
        return given

    def _known(self, table: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
        unknown = next((key for key in table if key not in keys), None)
        if unknown is not None:
            raise self._wrong(where, unknown, "is not known here", f"There are {', '.join(keys)}")

    def _text(self, table: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
        value = table.get(key, default)
        if value is None:
            raise self._wrong(where, key, "is missing", f'Add {key} = "..."')
        if not isinstance(value, str) or (not value.strip() and default is None):
            raise self._wrong(where, key, f"is {value!r}", f'Write {key} = "...", a text in quotes')
        return value.strip()

    def _texts(self, table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
            raise self._wrong(where, key, f"is {value!r}", f'Write {key} = ["...", "..."], texts in quotes')
        return tuple(one.strip() for one in value)

    def _wrong(self, where: str, key: str, problem: str, remedy: str) -> ConfigurationError:
        return ConfigurationError(" ".join(filter(None, (f"{self._path}:", where, key))), problem, remedy)


def _one_of(kinds: type[SourceKind]) -> str:
    names = [str(kind) for kind in kinds]
    return f"{', '.join(names[:-1])} or {names[-1]}"


class SourcesFile:
    """The file `sources.toml`, reread when it has changed."""

    def __init__(self, path: Path, *, must_exist: bool = False) -> None:
        self.path = path
        self._must_exist = must_exist
        self._kept: tuple[tuple[int, int] | None, Sources] | None = None

    def current(self) -> Sources:
        """Return the current content. While the file is invalid, return its last valid content.

        Raises `ConfigurationError` if the file has never been valid in this process.
        """
        stamp = self._stamp()
        kept = self._kept
        if kept is None or kept[0] != stamp:
            try:
                content = read_sources(self.path, must_exist=self._must_exist)
            except ConfigurationError as exc:
                if kept is None:
                    raise
                log.warning("Keeping the last valid content of %s: %s", self.path, exc)
                content = kept[1]
            kept = self._kept = (stamp, content)
        return kept[1]

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
