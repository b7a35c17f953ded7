"""The process that runs the soak's jobs: `python -m tests.fuzz.soak.child`, started by `runner.py`.

The arguments are its home, the port of the sites, and URLs of honest pages, which it scrapes first to warm up. Each
input line is a page's URL, or an address for which `sources.toml` names the page. For each line, it prints `{"code",
"problem", "seconds", "peak_megabytes", "kept_megabytes"}`. `code` is how the job ended. `problem` names a failed reader
or an unexpected error, and is "" if there is none.

The database is reset after each page, so that the result does not depend on earlier pages.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from app.errors.fetching import FetchError
from app.errors.pages import PageError
from app.errors.targets import NoSourceError
from app.property.reading.model.tokens import count_tokens
from app.property.storage.privacy.repository import PurgeStore
from app.property.storage.privacy.scope import PurgeKind
from app.services.runtime.resources import open_resources
from app.services.scraping.run import NO_JOB
from app.settings import Settings

_STATUS, _CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def main() -> None:
    home, port, honest = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    settings = Settings.of(
        propintel_home=home,
        fetch_allowed_private_networks=(ip_network("127.0.0.0/8"),),
        fetch_min_delay_seconds=0,
        openai_api_key=SecretStr("sk-soak"),
        openai_base_url=f"http://127.0.0.1:{port}/v1",
        openai_max_wait_seconds=0,
        privacy_key=SecretStr("k" * 32),
    )
    failed = FailedReaders()
    logging.getLogger().addHandler(logging.NullHandler())
    logging.getLogger("app.property.reading.pipeline").addHandler(failed)
    with open_resources(settings) as resources:
        # After this, each page is searched for the name, as in a database in which a person was purged.
        PurgeStore(resources.database).purge(PurgeKind.PERSON, "Aurelia Quintanilla", who="soak", dry_run=False)
        count_tokens("")  # loads the tokenizer, as a worker does before its first job
        for url in honest:
            result = measured(partial(resources.scraper.store_target, url, NO_JOB), failed)
        database = Path(str(resources.database.url.database))
        resources.database.close()
        content = database.read_bytes()
        _print_result(result)
        for line in sys.stdin:
            _print_result(measured(partial(resources.scraper.store_target, line.strip(), NO_JOB), failed))
            resources.database.close()
            database.write_bytes(content)
            resources.database.open()


def _print_result(result: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()


def measured(job: Callable[[], object], failed: FailedReaders) -> dict[str, Any]:
    failed.messages.clear()
    _CLEAR_REFS.write_text("5")
    began = time.process_time()
    code, problem = "done", ""
    try:
        job()
    except (PageError, FetchError, NoSourceError) as exc:
        code = exc.code
    except BaseException as exc:  # noqa: BLE001 (any error is the page's result)
        code = type(exc).__name__
        problem = "".join(traceback.format_exception(exc))[-3_000:]
    return {
        "code": code,
        "problem": problem or "; ".join(failed.messages),
        "seconds": time.process_time() - began,
        "peak_megabytes": _megabytes("VmHWM"),
        "kept_megabytes": _megabytes("VmRSS"),
    }


def _megabytes(name: str) -> float:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024


class FailedReaders(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage()[:500])


if __name__ == "__main__":
    main()
