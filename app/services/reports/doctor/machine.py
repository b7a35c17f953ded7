"""Check this machine: settings, `sources.toml`, and the folder PROPINTEL_HOME."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from app.disk import has_no_space, is_full
from app.keypool.keys import load_keys
from app.keypool.pricing import Pricing
from app.keypool.strategies import load_strategy
from app.plurals import counted
from app.property.sources.template import Template, literal_parameters
from app.redaction import shown_url
from app.services.keys.store import pricing_of
from app.services.reports.doctor.findings import Finding, combined, failed, ok, warning
from app.services.scraping.sources import SourceSecrets, sources_file
from app.settings import Settings
from app.settings.base_url import checked_base_url, leaves_unencrypted
from app.settings.forms import is_loopback
from app.settings.names import near_misses
from app.settings.sources import files_with_secrets

#: The check fails below `_LEAST_BYTES` of free space, and warns below `_FEW_BYTES`.
_LEAST_BYTES = 100_000_000
_FEW_BYTES = 1_000_000_000


def check_settings(settings: Settings, env_file: Path | None) -> Finding:
    """Check the settings, the permissions of files with secrets, and the names of variables.

    The finding names the variable that the keys come from. Raises `ConfigurationError` for unusable settings.
    """
    keys = load_keys(settings)
    load_strategy(settings.openai.key_rotation_strategy)
    price = pricing_of(settings)
    base_url = checked_base_url(settings.openai.base_url, "OPENAI_BASE_URL", settings)
    form = f"keys from {keys.source}" if keys.keys else "no key"
    file = f"the environment and {env_file}" if env_file is not None else "the environment"
    found = [warning(it, "Leave only the variable that is meant, and each key once in it.") for it in keys.remarks()]
    for url in sorted(filter(leaves_unencrypted, {key.base_url or base_url for key in keys.keys})):
        detail = f"OPENAI_ALLOW_PLAIN_HTTP lets others on the network read keys sent to {shown_url(url)}"
        found.append(warning(detail, "Use https:// for the API, or make sure that the network is private."))
    found += _open_files(settings, env_file)
    found += [warning(str(miss), f"Rename {miss.name} to {miss.meant}.") for miss in near_misses()]
    return combined(f"read from {file}; {form}", [*found, *_without_flex(settings, price)])


def _open_files(settings: Settings, env_file: Path | None) -> Iterator[Finding]:
    """Warn about each file with secrets that other users can read.

    If another user owns the file, its group may read it, because root can give this service access to a file through a
    group.
    """
    for file in files_with_secrets(settings.areas(), env_file):
        try:
            status = file.stat()
        except OSError:
            continue
        if status.st_uid != os.geteuid() and status.st_mode & stat.S_IROTH:
            yield warning(f"every user may read {file}", f"Have the owner of {file} allow only this user to read it.")
        elif status.st_uid == os.geteuid() and status.st_mode & (stat.S_IRGRP | stat.S_IROTH):
            yield warning(f"other users may read {file}", f"Run `chmod 600 {file}`.")


def _without_flex(settings: Settings, price: Pricing) -> Iterator[Finding]:
    """Warn if flex is configured but the model has no known flex price, because OpenAI rejects flex for such models."""
    model, tokens = settings.openai.model, (1_000_000, 1_000_000)
    if settings.openai.service_tier == "flex" and 0 < price(model, *tokens) <= price(model, *tokens, "flex"):
        detail = f"OPENAI_SERVICE_TIER=flex, but no flex price of {model} is known: OpenAI may refuse its calls"
        yield warning(detail, "Set an OPENAI_MODEL with a flex tier, or leave OPENAI_SERVICE_TIER empty.")


def check_home(settings: Settings) -> Finding:
    home = settings.state.propintel_home.expanduser().absolute()
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            free = shutil.disk_usage(existing).free
    except OSError as exc:
        if is_full(exc):
            return combined(str(home), space_findings(existing, "PROPINTEL_HOME"))
        detail = f"{existing} cannot be written to ({exc.strerror or type(exc).__name__})"
        return failed(detail, "Set PROPINTEL_HOME to a folder that this user may write to.")
    absent = "" if existing == home else ", is created at first use"
    amount = f"{free / 1e9:.1f} GB" if free >= _FEW_BYTES else f"{free / 1e6:.0f} MB"
    return combined(f"{home}{absent}: {amount} free", space_findings(existing, "PROPINTEL_HOME"))


def space_findings(folder: Path, setting: str) -> Iterator[Finding]:
    """Warn about a disk that is almost full, and fail for one that is full. `setting` is what places `folder`."""
    free = shutil.disk_usage(folder).free
    if free < _FEW_BYTES:
        complain = failed if free < _LEAST_BYTES else warning
        problem = f"the disk of {folder} is full" if has_no_space(folder) else f"the disk of {folder} is almost full"
        yield complain(
            f"{problem} ({counted(free, 'byte')} free)", f"Free disk space, or set {setting} to another disk."
        )


def check_sources(settings: Settings) -> Finding:
    """Check `sources.toml` and its secrets. Raises `ConfigurationError` if either is invalid."""
    file = sources_file(settings)
    sources = file.current()
    every = [one for area in sources.areas for one in area.sources]
    secrets = SourceSecrets(settings, file.current)
    for one in every:
        secrets.values(one.template.secrets)
    search = sources.web_search
    count = len(every)
    searched = (
        f"the web is searched on {counted(len(search.allowed_domains), 'domain')}" if search.is_on else "no web search"
    )
    detail = f"{counted(count, 'source')} in {counted(len(sources.areas), 'area')}, {searched} ({file.path})"
    doubts = [doubt for one in every for doubt in _doubts(one.name, one.template)]
    if doubts:
        return warning(f"{detail}; {'; '.join(doubts)}", "See docs/sources.md, section Secrets.")
    if count or search.is_on:
        return ok(detail)
    if not file.path.exists():
        return ok(f"no {file.path}: URLs can be scraped, addresses cannot")
    return warning(f"{detail}: no address can be scraped", "Add an [[area]] or allowed_domains; see docs/sources.md.")


def _doubts(name: str, template: Template) -> Iterator[str]:
    _, short = literal_parameters(template.text)
    for parameter in short:
        yield f"{name} has a fixed {parameter}: if that is a secret, write {{secret:NAME}} instead"
    parts = urlsplit(template.text)
    if template.secrets and parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        yield f"{name} sends its secret without encryption: use https"
