"""Set up the demo: a clean environment, invented OpenAI keys, and two local simulators (a site and the OpenAI API)."""

import contextlib
import json
import os
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.settings import VARIABLE_PREFIXES
from app.settings.sources import env_file_in_use
from cli.processes import Child, Supervisor

#: Variables and prefixes of variables that are removed, because they could make the demo use other services.
_CLEARED = (*VARIABLE_PREFIXES, "CELERY_")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_READY = "listening on "
_START_SECONDS = 30.0
#: The limits of the key that is rate-limited once for about a second, as if another program used it.
_LIMITED = {"rpm": 300, "used_up_after": 2}
#: The limits of the other keys, far above what the demo's worker can send.
_AMPLE = {"rpm": 6_000, "tpm": 2_000_000}


@dataclass(frozen=True)
class DemoKeys:
    """Invented keys. `secrets` are for the setting OPENAI_API_KEYS, and `config` is the simulator's configuration."""

    secrets: tuple[str, ...]
    config: dict[str, object]


def make_keys(count: int) -> DemoKeys:
    """Return `count` keys. `count` must be at least 1. If there are two or more, the second is invalid.

    If there are three or more, the third has a low rate limit, which the simulator uses up once.
    """
    made = tuple(f"sk-proj-demo-not-a-real-key{n}" for n in range(1, count + 1))
    entries: list[dict[str, object]] = [
        {"key": key, "project": f"proj_{n}", **_AMPLE} for n, key in enumerate(made, start=1)
    ]
    if count >= 2:
        entries[1]["behavior"] = "dead"
    if count >= 3:
        entries[2] |= _LIMITED
    return DemoKeys(made, {"server": {"latency_ms": 400}, "keys": entries})


def clean_environment(base: Mapping[str, str], *, keep_openai: bool) -> dict[str, str]:
    """Return `base` without the variables of this project, of Celery, and of proxies.

    `keep_openai` keeps OPENAI_* and proxy variables.
    """

    def stays(name: str) -> bool:
        if keep_openai and name.startswith("OPENAI_"):
            return True
        return not name.startswith(_CLEARED) and (keep_openai or name not in _PROXIES)

    return {name: value for name, value in base.items() if stays(name.upper())}


def service_environment(base: Mapping[str, str], home: Path, *, openai: Mapping[str, str] | None) -> dict[str, str]:
    """Return the environment of the demo's processes.

    If `openai` is None, they use the keys in `base` or in the env file.
    """
    env = clean_environment(base, keep_openai=openai is None)
    # empty values override the values in a .env file
    env |= {"REDIS_URL": "", "DATABASE_URL": "", "PROPINTEL_HOME": str(home), "NO_PROXY": "127.0.0.1,localhost"}
    env |= {"FETCH_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8", "KEY_REPORT_INTERVAL_SECONDS": "5"}
    env |= {"LOG_FORMAT": "text"}  # not JSON, because error messages quote the last log lines of a process
    if openai is None:
        return {**env, "PROPINTEL_ENV_FILE": str(env_file_in_use(base) or "")}
    return {**env, "PROPINTEL_ENV_FILE": "", **openai}


@contextlib.contextmanager
def environment(env: Mapping[str, str]) -> Iterator[None]:
    """Use the environment `env` in this process during the block, so that it has the same settings as its children."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(env)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def start_site(supervisor: Supervisor, home: Path, env: Mapping[str, str]) -> str:
    return _start(supervisor, "site", ["simulators.site", "--port", "0"], home, env)


def start_openai(supervisor: Supervisor, home: Path, env: Mapping[str, str], keys: DemoKeys) -> str:
    """Start the rate-limited OpenAI simulator, and return its base URL."""
    file = home / "simulator-keys.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(keys.config), encoding="utf-8")
    return _start(supervisor, "openai", ["simulators.openai", "--port", "0", "--config", str(file)], home, env)


def _start(supervisor: Supervisor, name: str, arguments: list[str], home: Path, env: Mapping[str, str]) -> str:
    log = home / f"{name}.log"
    child = supervisor.start(name, [sys.executable, "-m", *arguments], env=env, cwd=home, log=log, grace_seconds=3.0)
    supervisor.wait_until(lambda: _address(child) is not None, f"the simulator {name}", _START_SECONDS)
    return _address(child) or ""


def _address(child: Child) -> str | None:
    for line in child.words().splitlines():
        if line.startswith(_READY):
            return line.removeprefix(_READY).strip()
    return None


def targets(site: str, count: int) -> list[str]:
    """Return the URLs of `count` different property pages of the site."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{site}/index.txt?homes={count}", timeout=10) as answer:
        return list(answer.read().decode().split())[:count]
