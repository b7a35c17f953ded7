"""The checks of this machine: the settings it was given, and the folder in which it keeps its state."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from app.keypool.keys import load_keys
from app.keypool.pricing import Pricing
from app.keypool.strategies import load_strategy
from app.redaction import shown_url
from app.services.keys.store import pricing_of
from app.services.reports.doctor.findings import Verdict, all_in_all, failed, warning
from app.settings import Settings
from app.settings.base_url import checked_base_url, is_read_on_the_way
from app.settings.names import near_misses
from app.settings.sources import files_with_secrets

#: below this the store and Valkey's append-only file stop within minutes
_LEAST_BYTES = 100_000_000
_FEW_BYTES = 1_000_000_000


def check_settings(settings: Settings, env_file: Path | None) -> Verdict:
    """Check what a worker checks at its start, who may read keys and files with secrets, and the names of variables.

    Says which form of keys is in use. Raises `ConfigurationError`.
    """
    keys = load_keys(settings)
    load_strategy(settings.openai.key_rotation_strategy)
    price = pricing_of(settings)
    base_url = checked_base_url(settings.openai.base_url, "OPENAI_BASE_URL", settings)
    base_urls = {key.base_url or base_url for key in keys.keys}
    form = f"keys from {keys.source}" if keys.keys else "no key"
    file = f"the environment and {env_file}" if env_file is not None else "the environment"
    left_out = (
        warning(remark, "Leave only the variable that is meant, and each key once in it.") for remark in keys.remarks()
    )
    found = chain(
        left_out, _plain_http(base_urls), _open_files(settings, env_file), _misnamed(), _without_flex(settings, price)
    )
    return all_in_all(f"read from {file}; {form}", found)


def _plain_http(base_urls: Iterable[str]) -> Iterator[Verdict]:
    for url in sorted(filter(is_read_on_the_way, base_urls)):
        yield warning(
            f"OPENAI_ALLOW_PLAIN_HTTP lets keys be read on their way to {shown_url(url)}",
            "Use https:// for the API, or be sure that nobody listens in the network between.",
        )


def _open_files(settings: Settings, env_file: Path | None) -> Iterator[Verdict]:
    """Warn of each file with secrets that other users may read.

    The group may read a file of another user: that is how a file of root's is shared with this service.
    """
    for file in files_with_secrets(settings.areas(), env_file):
        try:
            status = file.stat()
        except OSError:  # said by whoever needs it
            continue
        if status.st_uid != os.geteuid() and status.st_mode & stat.S_IROTH:
            yield warning(f"every user may read {file}", f"Have the owner of {file} allow only this user to read it.")
        elif status.st_uid == os.geteuid() and status.st_mode & (stat.S_IRGRP | stat.S_IROTH):
            yield warning(f"other users may read {file}", f"Run `chmod 600 {file}`.")


def _misnamed() -> Iterator[Verdict]:
    for miss in near_misses():
        yield warning(str(miss), f"Rename {miss.name} to {miss.meant}.")


def _without_flex(settings: Settings, price: Pricing) -> Iterator[Verdict]:
    """OpenAI answers 400 where flex is asked of a model that has none; the table of prices knows which have."""
    model, tokens = settings.openai.model, (1_000_000, 1_000_000)
    if settings.openai.service_tier == "flex" and 0 < price(model, *tokens) <= price(model, *tokens, "flex"):
        yield warning(
            f"OPENAI_SERVICE_TIER=flex, but no flex price of {model} is known: OpenAI may refuse its calls",
            "Set an OPENAI_MODEL that has flex, or leave OPENAI_SERVICE_TIER empty.",
        )


def check_home(settings: Settings) -> Verdict:
    """Can files be written below PROPINTEL_HOME, and is there room for more?"""
    home = settings.state.propintel_home.expanduser().absolute()
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            free = shutil.disk_usage(existing).free
    except OSError as exc:
        return failed(
            f"{existing} cannot be written to ({exc.strerror or type(exc).__name__})",
            "Set PROPINTEL_HOME to a folder that this user may write to.",
        )
    absent = "" if existing == home else ", is made at first use"
    return all_in_all(f"{home}{absent}: {_amount(free)} free", _room(free))


def _room(free: int) -> Iterator[Verdict]:
    if free < _FEW_BYTES:
        judge = failed if free < _LEAST_BYTES else warning
        yield judge("that is little", "Free disk space, or move PROPINTEL_HOME to another disk.")


def _amount(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= _FEW_BYTES else f"{size / 1e6:.0f} MB"
