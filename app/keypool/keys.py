"""Read the OpenAI keys from the settings, and derive their ids and masks."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from app.errors import ConfigurationError
from app.errors.keys import NoKeysError
from app.plurals import counted
from app.redaction import protect, shown_url
from app.settings import Settings
from app.settings.base_url import checked_base_url

#: The setting that names the keys file. Running processes read the file again when it changes.
KEYS_FILE = "OPENAI_API_KEYS_FILE"
KEY_BASE_URLS = "OPENAI_KEY_BASE_URLS"
#: The prefixes of OpenAI's keys. A prefix shows only the kind of key, so a mask may contain it.
_PREFIX = re.compile(r"sk-(?:proj-|svcacct-|admin-)?")
#: The characters that a key may have: those of a token68 in an HTTP header (RFC 9110 section 11.2), and the colon.
_WELL_FORMED = re.compile(r"[A-Za-z0-9._~+/=:-]+")
#: Separators that users type by mistake where a comma or a line break is required.
_SEPARATORS = re.compile(r"[;\s]+")
_SHORTEST_MASKED_BY_ENDS = 24
#: Makes fingerprints differ from unkeyed hashes, so that precomputed tables of such hashes do not reveal a key.
_FINGERPRINT_KEY = b"property-intelligence key fingerprint v1"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`key_id` and `mask` are public. Keys of the same `group` share rate limits and quota.

    `base_url` is the URL of the key's own API server, with no trailing slash. It is "" for the default server.
    """

    secret: SecretStr
    key_id: str
    mask: str
    group: str
    base_url: str = ""


def fingerprint(secret: str) -> str:
    """Return the public id of a key: 16 hex digits of a keyed BLAKE2b hash, the same in every process."""
    return hashlib.blake2b(secret.encode(), digest_size=8, key=_FINGERPRINT_KEY).hexdigest()


def mask(secret: str) -> str:
    """Return the public form of a key: its prefix, three more characters, and its last four (`sk-proj-abc...xyz1`).

    A key shorter than 24 characters is shown as `key-` and eight digits of its fingerprint.
    """
    if len(secret) < _SHORTEST_MASKED_BY_ENDS:
        return f"key-{fingerprint(secret)[:8]}"
    prefix = _PREFIX.match(secret)
    shown = (prefix.end() if prefix else 0) + 3
    return f"{secret[:shown]}...{secret[-4:]}"


def make_keys(secrets: Sequence[str], groups: str = "", base_urls: Sequence[str] = ()) -> tuple[ApiKey, ...]:
    """Return keys with unique masks, in the given order. A key that `groups` does not list gets its own limit group.

    `groups` has the format of OPENAI_KEY_GROUPS: `name=1,2;other=3`, where the first key is 1. `base_urls` is empty, or
    has one entry per key ("" means the default server). Raises `ConfigurationError` for malformed groups.
    """
    group_of = _parse_groups(groups, len(secrets))
    masks = [mask(secret) for secret in secrets]
    seen = Counter(masks)
    keys = []
    for position, (secret, shown, url) in enumerate(
        zip(secrets, masks, base_urls or [""] * len(secrets), strict=True), start=1
    ):
        key_id = fingerprint(f"{secret} {url}" if url else secret)
        name = f"{shown}#{key_id[:8]}" if seen[shown] > 1 else shown
        keys.append(ApiKey(SecretStr(secret), key_id, name, group_of.get(position, key_id), url))
    return tuple(keys)


@dataclass(frozen=True, slots=True)
class KeySet:
    """The configured keys. `source` is the setting that they come from.

    `duplicates` is the number of repeated entries, which were dropped. `ignored` lists other settings whose keys are
    not used, with the number of these keys.
    """

    keys: tuple[ApiKey, ...]
    source: str
    duplicates: int = 0
    ignored: tuple[tuple[str, int], ...] = ()

    def remarks(self) -> tuple[str, ...]:
        found = []
        if self.duplicates:
            found.append(f"{self.source} repeats {counted(self.duplicates, 'key')}; each is used once")
        if self.ignored:
            others = ", ".join(f"{source} ({counted(count, 'key')})" for source, count in self.ignored)
            found.append(f"The keys of {self.source} are used, and those of {others} are ignored")
        return tuple(found)


def load_keys(settings: Settings) -> KeySet:
    """Return the keys of the first source that contains keys.

    The sources are, in this order, the keys file, OPENAI_API_KEYS, OPENAI_API_KEY_1..n, and OPENAI_API_KEY. Surrounding
    whitespace is removed, and empty entries are skipped. If no source contains a key, the set is empty. As a side
    effect, `app.redaction` masks the keys of all sources in logs. Raises `ConfigurationError` for a malformed key
    (named by variable and position, never shown), an unreadable file, an invalid base URL, or invalid key groups.
    """
    all_forms = ((source, [_split(text) for s in given if (text := s.strip())]) for source, given in _forms(settings))
    forms = [(source, given) for source, given in all_forms if given]
    protect((part for _, given in forms for text, _ in given for part in (text, *_SEPARATORS.split(text))), shown=mask)
    if not forms:
        return KeySet((), "")
    (source, given), *others = forms
    for position, (text, _) in enumerate(given, start=1):
        _check(text, source, position)
    unique = list(dict.fromkeys(given))
    secrets = [text for text, _ in unique]
    ignored = tuple((other, len(set(found))) for other, found in others if not set(found) <= set(unique))
    urls = _parse_base_urls(settings, [url and checked_base_url(url, source, settings) for _, url in unique])
    return KeySet(make_keys(secrets, settings.openai.key_groups, urls), source, len(given) - len(unique), ignored)


def load_keys_again(settings: Settings) -> KeySet:
    """Reload the keys of a running process. After an error, the caller must keep its current keys.

    Unlike `load_keys`, this raises `ConfigurationError` if the configured keys file contains no key, because the file
    may be half written. Raises `NoKeysError` if no source contains a key, and the errors of `load_keys`.
    """
    found = load_keys(settings)
    if settings.openai.api_keys_file is not None and found.source != KEYS_FILE:
        problem = f"{settings.openai.api_keys_file} contains no key"
        raise ConfigurationError(KEYS_FILE, problem, "Write one key per line into it")
    if not found.keys:
        raise NoKeysError
    return found


@dataclass(frozen=True, slots=True)
class KeyChange:
    """The change from one set of keys to another. `added` and `draining` (removed) contain masks."""

    added: tuple[str, ...]
    draining: tuple[str, ...]
    unchanged: int

    def __bool__(self) -> bool:
        return bool(self.added or self.draining)

    def __str__(self) -> str:
        counted = (("added", self.added), ("draining", self.draining))
        parts = [f"{len(masks)} {word}" + (f" ({', '.join(masks)})" if masks else "") for word, masks in counted]
        return ", ".join((*parts, f"{self.unchanged} unchanged"))


def compare_keys(old: Sequence[ApiKey], new: Sequence[ApiKey]) -> KeyChange:
    """Return the change from `old` to `new`. A key whose position or group changed counts as unchanged."""
    before, after = {key.key_id for key in old}, {key.key_id for key in new}
    return KeyChange(
        added=tuple(key.mask for key in new if key.key_id not in before),
        draining=tuple(key.mask for key in old if key.key_id not in after),
        unchanged=len(before & after),
    )


def _forms(settings: Settings) -> Iterable[tuple[str, Iterable[str]]]:
    if settings.openai.api_keys_file is not None:
        yield KEYS_FILE, _read_keys_file(settings.openai.api_keys_file)
    if settings.openai.api_keys is not None:
        yield "OPENAI_API_KEYS", settings.openai.api_keys.get_secret_value().split(",")
    yield "OPENAI_API_KEY_1..n", [key.get_secret_value() for key in settings.openai.numbered_keys]
    if settings.openai.api_key is not None:
        yield "OPENAI_API_KEY", [settings.openai.api_key.get_secret_value()]


def _read_keys_file(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        problem = f"{path} cannot be read ({type(exc).__name__})"
        raise ConfigurationError(KEYS_FILE, problem, "Use a text file with one key per line") from None
    return [line for line in lines if not line.lstrip().startswith("#")]


def _check(secret: str, source: str, position: int) -> None:
    parts = _SEPARATORS.split(secret)
    if len(parts) > 1 and all(_WELL_FORMED.fullmatch(part) for part in parts if part):
        problem = f"key {position} is malformed: it contains blanks, line breaks, or semicolons"
        remedy = "Write one key per line" if source == KEYS_FILE else "Separate keys with commas"
        raise ConfigurationError(source, problem, f"{remedy}, or paste the key again")
    if not _WELL_FORMED.fullmatch(secret):
        problem = f"key {position} is malformed: it contains quotes or other characters that no key has"
        raise ConfigurationError(source, problem, "Paste it again as OpenAI shows it, without quotes")
    if secret.endswith("...") or "your" in secret.lower().split("-"):
        problem = f"key {position} is a placeholder"
        raise ConfigurationError(source, problem, "Replace it with a key from the OpenAI dashboard")


def _split(entry: str) -> tuple[str, str]:
    secret, *rest = entry.split(maxsplit=1)
    return (secret, rest[0]) if rest and "://" in rest[0] else (entry, "")


def _parse_groups(groups: str, count: int) -> dict[int, str]:
    group_of: dict[int, str] = {}
    for part in _parts(groups):
        name, _, members = part.partition("=")
        found = _positions(members, count)
        if not name.strip() or not found:
            problem = f"{part!r} is not `group=position,...` with positions from 1 to {count}"
            raise ConfigurationError("OPENAI_KEY_GROUPS", problem, "Example: team-a=1,2;team-b=3")
        group_of.update(dict.fromkeys(found, name.strip()))
    return group_of


def _parse_base_urls(settings: Settings, urls: list[str]) -> list[str]:
    for part in _parts(settings.openai.key_base_urls):
        members, _, url = part.partition("=")
        found = _positions(members, len(urls))
        if not found or any(urls[position - 1] for position in found):
            problem = (
                f"{shown_url(part)!r} is not `position,...=URL` with positions from 1 to {len(urls)}, each named once"
            )
            raise ConfigurationError(
                KEY_BASE_URLS, problem, "Example: 1=https://one.example/v1;2,3=https://two.example/v1"
            )
        for position in found:
            urls[position - 1] = checked_base_url(url.strip(), KEY_BASE_URLS, settings)
    return urls


def _parts(setting: str) -> list[str]:
    return [part for one in setting.split(";") if (part := one.strip())]


def _positions(members: str, count: int) -> list[int]:
    texts = [member.strip() for member in members.split(",")]
    valid = all(text.isdecimal() and 1 <= int(text) <= count for text in texts)
    return [int(text) for text in texts] if valid else []
