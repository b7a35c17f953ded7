"""No secret appears in any output of a fleet with many failures, except where a process needs the secret."""

import base64
import secrets
import threading
import typing
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import redis
from pydantic import SecretStr
from sqlalchemy import select

from app.access.tokens import Role, issue_token
from app.clock import SystemClock
from app.property.storage.schema import upgrade
from app.property.storage.tables import metadata
from app.redis.embedded_valkey import EmbeddedValkey
from app.settings import DECLARED
from cli.services import listens
from tests.integration.workers.conftest import Fleet, redis_contents
from tests.plugins.forward_proxy import ForwardProxy
from tests.plugins.otlp_receiver import OtlpReceiver
from tests.plugins.ports import free_port
from tests.plugins.postgresql_server import postgresql_server
from tests.plugins.waiting import wait_until
from tests.plugins.webhook_receiver import Receiver

pytestmark = pytest.mark.worker

#: This task leaks a secret setting, whole and in parts, in every way that a task can. Without such a task, the search
#: would pass even if redaction did not work.
_PROBE = """
import logging, re, sys, urllib.parse
from celery import shared_task
from app.settings import VARIABLES
from app.tracing import span
from tasks.base import RedactedTask
from tasks._celery.context import current

@shared_task(name="probe.leak", base=RedactedTask)
def leak(field):
    area, name = VARIABLES[field.upper()]
    value = getattr(getattr(current().settings, area), name)
    for item in value if isinstance(value, list) else [value]:
        whole = item.get_secret_value()
        parts = [part for part in re.split("[/?&=,:@ ]+", urllib.parse.unquote(whole)) if len(part) >= 20]
        for text in (whole, *parts):
            logging.getLogger("probe").warning("%s is %s", field, text, extra={"held": {field: text}})
            sys.stderr.writelines([f"{field} is ", text, "\\n"])
            with span("job", {"probe.text": text}):
                pass
    raise ValueError(f"{field} is refused", {"whole": whole, "parts": [part.encode() for part in parts]})
"""


def _secret_fields() -> list[str]:
    """Return the names of all secret settings, found by their types, so that new settings are included."""
    fields = DECLARED.items()
    return [name.lower() for name, info in fields if SecretStr in (info.annotation, *typing.get_args(info.annotation))]


@dataclass(frozen=True)
class Given:
    """One secret setting of the fleet: its variable, its value, and the parts of the value that must not leak."""

    variable: str
    value: str
    secrets: tuple[str, ...]


def _given(**forms: tuple[str, *tuple[str, ...]]) -> dict[str, Given]:
    """Return all secret settings. Their values and secret parts are given in `forms`, or are random words."""
    unknown = forms.keys() - set(_secret_fields())
    assert not unknown, f"no secret fields: {unknown}"
    given = {}
    for name in _secret_fields():
        word = secrets.token_urlsafe(36)
        value, *hidden = forms.get(name, (word, word))
        variable = "OPENAI_API_KEY_1" if name == "openai_numbered_keys" else name.upper()
        given[name] = Given(variable, value, tuple(hidden))
    return given


@contextmanager
def _services_with_passwords(folder: Path) -> Iterator[tuple[str, str]]:
    """Start a Valkey and a PostgreSQL outside the fleet; yield their URLs, which contain passwords."""
    deep = folder / ("far-below-" * 12)  # a path too long for a socket makes Valkey use a port and a password
    with EmbeddedValkey(deep) as valkey, postgresql_server() as server:
        password = secrets.token_urlsafe(36)
        database = f"postgresql://postgres:{password}@/postgres?host={server.folder}"
        upgrade(database)
        yield valkey.url, database


def _password(url: str) -> str:
    return urllib.parse.urlsplit(url).password or ""


#: A shorter part of a secret is no leak, because masks show the first and last few characters.
_LEAK_LENGTH = 20


def _written(secret: str) -> dict[str, bytes]:
    raw = secret.encode()
    found = {"plain": raw, "percent": urllib.parse.quote(secret, safe="").encode(), "hex": raw.hex().encode()}
    # base64 of any text that contains the secret; the first and last characters depend on the neighboring bytes
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        found[f"base64+{shift}"] = encoded[4 if shift else 0 : len(encoded) - 4]
    return found


def _hits(secret: str, blob: bytes | bytearray) -> list[str]:
    """Return the encodings in which `blob` contains the secret, or all but its last four characters."""
    written = _written(secret[: max(_LEAK_LENGTH, len(secret) - 4)])
    return [name for name, form in written.items() if form in blob]


@dataclass
class Seen:
    """Everything that is visible outside the processes, by the place where it was found."""

    found: dict[str, bytearray] = field(default_factory=dict)

    def add(self, place: str, blob: bytes) -> None:
        self.found.setdefault(place, bytearray()).extend(blob)

    def leaks(self, named: dict[str, str]) -> list[str]:
        return [
            f"{name} in {place} ({', '.join(hits)})"
            for place, blob in self.found.items()
            for name, secret in named.items()
            if (hits := _hits(secret, blob))
        ]


@contextmanager
def _monitored(url: str, seen: Seen) -> Iterator[None]:
    over = threading.Event()
    ready = threading.Event()

    def listen() -> None:
        with redis.Redis.from_url(url) as client, client.monitor() as monitor:
            ready.set()
            while not over.is_set():
                # next_command() fails to parse some commands
                while monitor.connection.can_read(timeout=0.2):
                    seen.add("commands to Redis", monitor.connection.read_response(disable_decoding=True))

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    assert ready.wait(120)
    try:
        yield
    finally:
        over.set()
        thread.join(120)


def _get(http: httpx2.Client, seen: Seen, path: str) -> httpx2.Response:
    answer = http.get(path)
    seen.add(f"GET {path}", repr(answer.headers.raw).encode() + answer.content)
    return answer


def _crawl_the_api(http: httpx2.Client, seen: Seen) -> None:
    document = _get(http, seen, "/openapi.json").json()
    jobs = http.get("/api/v1/jobs").json()["data"]["jobs"]
    properties = http.get("/api/v1/properties").json()["data"]["properties"]
    assert jobs, "the API lists no jobs"
    assert properties, "the API lists no properties"
    ids = {
        "job_id": [job["id"] for job in jobs],
        "batch_id": sorted({job["batch"] for job in jobs}),
        "property_id": [shown["property"] for shown in properties],
    }
    for path, methods in document["paths"].items():
        if "get" not in methods:
            continue
        name = next((name for name in ids if f"{{{name}}}" in path), None)
        for value in [*ids[name], "nothing"] if name else [""]:
            _get(http, seen, path.replace(f"{{{name}}}", value))
    seen.add("a broken request", http.post("/api/v1/jobs", content=b"{").content)


def _crawl_the_pages(http: httpx2.Client, seen: Seen, token: str, job: str, batch: str) -> None:
    assert http.post("/sign-in", data={"token": token}).status_code == 303
    property_id = http.get("/api/v1/properties").json()["data"]["properties"][0]["property"]
    paths = ["/keys", "/jobs", "/batches", "/properties", "/watches", "/enqueue", "/docs", "/sign-in"]
    for path in [*paths, f"/jobs/{job}", f"/batches/{batch}", f"/properties/{property_id}", "/jobs/nothing"]:
        answer = _get(http, seen, path)
        assert "text/html" in answer.headers["content-type"], path


def _crawl_flower(http: httpx2.Client, seen: Seen) -> None:
    # Flower waits one second for each answer, and a busy worker takes longer
    wait_until(lambda: bool(_get(http, seen, "/api/workers?refresh=1").json()), 40, lambda: "Flower sees no worker")
    workers = _get(http, seen, "/api/workers").json()
    tasks = _get(http, seen, "/api/tasks?limit=1000").json()
    assert tasks, "Flower sees no task"
    for path in ["/", "/workers", "/tasks", "/broker", "/metrics", *(f"/worker/{name}" for name in workers)]:
        _get(http, seen, path)
    for task_id in tasks:
        _get(http, seen, f"/task/{task_id}")
        _get(http, seen, f"/api/task/info/{task_id}")
        _get(http, seen, f"/api/task/result/{task_id}")


def _rows(fleet: Fleet) -> Iterator[tuple[str, bytes]]:
    with fleet.stores.database.reading() as connection:
        for table in metadata.sorted_tables:
            yield f"table {table.name}", repr(connection.execute(select(table)).all()).encode()


def _leak_secrets(fleet: Fleet) -> None:
    for name in _secret_fields():
        result = fleet.app.send_task("probe.leak", (name,)).get(timeout=300, propagate=False)
        assert "is refused" in str(result), result


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for file in folder.rglob("*"):
        if file.is_file():
            yield str(file.relative_to(folder)), file.read_bytes()


def test_no_secret_appears_outside_the_processes(  # noqa: PLR0917 (fixtures)
    make_fleet: Any,
    openai_simulator: Any,
    property_site: str,
    make_receiver: Any,
    otlp: OtlpReceiver,
    forward_proxy: ForwardProxy,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    shapes: dict[str, dict[str, Any]] = {
        "working": {"rpm": 60},
        "dead": {"behavior": "dead"},
        "penniless": {"behavior": "no_quota"},
        "forbidden": {"behavior": "forbidden"},
        "failing": {"behavior": "flaky", "failure_rate": 1.0},
        "limited": {"rpm": 1},
    }
    keys = {name: f"sk-proj-{secrets.token_urlsafe(36)}" for name in shapes}
    keys["limited"] = f"gateway.{secrets.token_hex(20)}"  # no redaction pattern recognizes this form
    simulator = openai_simulator(
        [{"key": keys[name], "project": f"proj_{name}", **shape} for name, shape in shapes.items()], echoes_key=True
    )
    receiver = make_receiver()
    secret_path, signature, header, proxy, login, site, feed = (secrets.token_urlsafe(36) for _ in range(7))
    webhook = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    (tmp_path / "probe_secrets.py").write_text(_PROBE)
    seen = Seen()
    with _services_with_passwords(tmp_path_factory.mktemp("services")) as (redis_url, database_url):
        given = _given(
            openai_api_keys=(",".join(keys.values()), *keys.values()),
            openai_proxy=(f"http://me:{proxy}@{forward_proxy.host}", proxy),
            redis_url=(redis_url, _password(redis_url)),
            database_url=(database_url, _password(database_url)),
            flower_basic_auth=(f"looker:{login}", login),
            source_secrets=(f"GIS_TOKEN={site}", site),
            webhook_secret=(webhook, webhook),
            alert_webhook_url=(f"{receiver.origin}/hooks/{secret_path}?v=1&sig={signature}", secret_path, signature),
            changes_webhook_url=(f"{receiver.origin}/changes/{feed}", feed),
            otel_exporter_otlp_headers=(f"x-tenant=homes,api-key={header}", header),
        )
        fleet = make_fleet(
            OPENAI_BASE_URL=simulator.base_url,
            KEY_REPORT_INTERVAL_SECONDS="1",
            FLOWER_UNAUTHENTICATED_API="true",
            OPENAI_STATS_FILE=str(tmp_path / "stats.json"),
            OTEL_EXPORTER_OTLP_ENDPOINT=otlp.url,
            PYTHONPATH=str(tmp_path),
            **{setting.variable: setting.value for setting in given.values()},
        )
        token = issue_token(fleet.settings, Role.MANAGER, timedelta(hours=1), clock=SystemClock(), subject="tester")
        with _monitored(redis_url, seen):
            _work(fleet, seen, token, property_site, receiver, callback=f"{receiver.origin}/batches/{secret_path}")
            with redis.Redis.from_url(redis_url) as connection:
                for place, blob in (*redis_contents(connection), *_rows(fleet)):
                    seen.add(place, blob)
        fleet.supervisor.stop()
    for request in receiver.requests:
        seen.add(f"webhook {request.path.partition('?')[0].replace(secret_path, '')}", repr(request.headers).encode())
        seen.add("bodies of webhooks", request.body)
    seen.add("spans", b"".join(otlp.bodies))
    for place, blob in _files(tmp_path):
        seen.add(place, blob)

    assert {headers["api-key"] for headers in otlp.headers} == {header}
    assert set(forward_proxy.logins) == {"Basic " + base64.b64encode(f"me:{proxy}".encode()).decode()}
    used = {name: simulator.stats_of(key)["requests"] for name, key in keys.items()}
    assert all(used.values()), f"a key was never used, so it could not leak: {used}"
    everything = b"".join(seen.found.values())
    assert len(seen.found["commands to Redis"]) > 100_000
    assert _hits("Circuit breaker opened for OpenAI key", everything) == ["plain"], "the failing key did not fail"
    named = {f"{g.variable} ({n})": secret for g in given.values() for n, secret in enumerate(g.secrets)}
    # the batches table is exempt: it needs the callback's URL until the receiver has answered
    searched = Seen({place: blob for place, blob in seen.found.items() if place != "table batches"})
    leaks = searched.leaks({**named, "the token": token})
    assert not leaks, "\n".join(leaks)


def _work(fleet: Fleet, seen: Seen, token: str, site: str, receiver: Receiver, *, callback: str) -> None:
    web_port, flower_port = free_port(), free_port()
    fleet.services.web(fleet.supervisor, web_port)
    fleet.services.flower(fleet.supervisor, flower_port)
    wait_until(lambda: listens(web_port) and listens(flower_port), 60)
    fleet.start_celery_worker("--concurrency=2", "--without-mingle", "-I", "probe_secrets")
    fleet.services.wait_for_worker(fleet.supervisor, fleet.services.maintenance_worker(fleet.supervisor))
    fleet.start_beat()
    bearer = {"Authorization": f"Bearer {token}"}
    targets = [f"{site}/homes/{n}" for n in range(1, 16)]
    targets += [f"{site}/nothing-here", "http://10.0.0.1/inside", "http://unknown.invalid/page"]
    with httpx2.Client(base_url=f"http://127.0.0.1:{web_port}", headers=bearer, timeout=300, trust_env=False) as http:
        asked = {"targets": targets, "callback_url": callback}
        batch = http.post("/api/v1/jobs", json=asked).raise_for_status().json()["data"]["batch"]
        jobs = [job.id for job in fleet.stores.jobs.page(batch=batch).items]
        fleet.wait_for_state(jobs, "done", "failed", "deferred", seconds=60)
        _leak_secrets(fleet)
        wait_until(lambda: len(receiver.requests) >= 2, 30)
        _crawl_the_api(http, seen)
        _crawl_the_pages(http, seen, token, jobs[0], batch)
        assert fleet.settings.web.metrics_token is not None
        metrics = {"Authorization": f"Bearer {fleet.settings.web.metrics_token.get_secret_value()}"}
        seen.add("GET /metrics", http.get("/metrics", headers=metrics).raise_for_status().content)
    assert fleet.settings.flower.basic_auth is not None
    user, _, password = fleet.settings.flower.basic_auth.get_secret_value().partition(":")
    address = f"http://127.0.0.1:{flower_port}"
    with httpx2.Client(base_url=address, auth=(user, password), timeout=300, trust_env=False) as flower:
        _crawl_flower(flower, seen)
