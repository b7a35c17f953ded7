"""Flower shows a worker's jobs, needs a password off loopback, and restores its tasks after a restart."""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import stat
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.redis.embedded_valkey import connect
from cli.processes import Child
from cli.services import Services, listens
from tests.integration.workers.conftest import Fleet
from tests.plugins.ports import free_port
from tests.plugins.waiting import wait_until
from tests.plugins.warm_start import WarmParent

pytestmark = pytest.mark.worker
_ROOT = Path(__file__).parents[3]
_PROCFILE = dict(line.split(": ", 1) for line in (_ROOT / "Procfile").read_text().splitlines())
_USER, _PASSWORD = "viewer", secrets.token_hex(16)
_LOGIN = f"{_USER}:{_PASSWORD}"
_START_SECONDS = 60
#: These paths need the password: pages, their data, the API, and metrics. Only the health check is public.
_PLACES = [
    "/",
    "/workers",
    "/tasks",
    "/broker",
    "/task/x",
    "/worker/x",
    "/workers?json=1",
    "/api/tasks",
    "/api/workers",
]
_PLACES += ["/api/task/info/x", "/api/queues/length", "/metrics"]

_PROBE = """
from celery import shared_task
from tasks.base import RedactedTask

@shared_task(name="probe.quick", base=RedactedTask)
def quick(*args, **kwargs):
    return "done"

@shared_task(name="probe.again", bind=True, base=RedactedTask)
def again(self, countdown, *args, **kwargs):
    if self.request.retries == 0:
        raise self.retry(countdown=countdown, max_retries=1)
    return "back"
"""


class Flower:
    """A fleet's Flower, started by the command in the Procfile."""

    def __init__(self, fleet: Fleet, stack: ExitStack, *arguments: str, **variables: str) -> None:
        self.fleet = fleet
        self.port = free_port()
        environment = {**fleet.env, "FLOWER_PORT": str(self.port), **variables}
        self._services = Services(fleet.home, environment, cwd=fleet.home, logs=fleet.home)
        self._arguments = [*shlex.split(_PROCFILE["flower"]), *arguments]
        self.http = stack.enter_context(
            httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=300, trust_env=False)
        )
        self.start()

    def start(self) -> None:
        """Start Flower, and wait until it listens and also receives events, which takes longer."""
        before = self._listeners()
        self.child: Child = self._services.start(self.fleet.supervisor, "flower", self._arguments)
        wait_until(lambda: listens(self.port), _START_SECONDS, self.log)
        wait_until(lambda: self._listeners() - before, _START_SECONDS, self.log)

    def _listeners(self) -> set[str]:
        """Return the ids of the broker connections that listen to events."""
        with connect(self.fleet.settings) as redis:
            return {client["id"] for client in redis.client_list() if int(client["sub"]) + int(client["psub"])}

    def log(self) -> str:
        return self.fleet.log("flower")

    def task(self, task_id: str) -> dict[str, Any]:
        """Return the API's data about a task, or an empty mapping if Flower does not know it."""
        answer = self.http.get(f"/api/task/info/{task_id}")
        return answer.json() if answer.status_code == 200 else {}

    def wait_for_state(self, task_id: str, state: str) -> dict[str, Any]:
        wait_until(lambda: self.task(task_id).get("state") == state, 40, lambda: f"{self.task(task_id)}\n{self.log()}")
        return self.task(task_id)

    def wait_for_seen_task(self) -> str:
        """Send tasks until Flower has seen one, and return its id. Flower misses tasks sent before it was connected."""
        sent: list[str] = []

        def seen() -> list[str]:
            return [task_id for task_id in sent if self.task(task_id).get("state") == "SUCCESS"]

        def try_again() -> bool:
            sent.append(_send(self.fleet, "probe.quick"))
            return bool(seen())

        wait_until(try_again, 40, self.log)
        return seen()[0]

    def page(self, path: str) -> str:
        return self.http.get(path).raise_for_status().text

    def only_worker(self) -> str:
        """Return the only worker's name, once Flower knows its settings. A busy worker misses Flower's first
        request."""
        known: dict[str, Any] = {}

        def ask() -> bool:
            known.update(self.http.get("/api/workers?refresh=1").raise_for_status().json())
            return any("conf" in worker for worker in known.values())

        wait_until(ask, 40, self.log)
        (name,) = known
        return name


@pytest.fixture
def start_flower() -> Any:
    """Return `start(fleet, argument, ..., VARIABLE=value)`, which starts Flower and returns it once it listens."""
    with ExitStack() as stack:
        yield lambda fleet, *arguments, **variables: Flower(fleet, stack, *arguments, **variables)


@pytest.fixture
def start_probes(tmp_path: Path) -> Callable[[Fleet], Child]:
    """Return a function that starts a threaded worker that also runs the probe tasks."""
    (tmp_path / "probe_tasks.py").write_text(_PROBE)

    def start(fleet: Fleet) -> Child:
        options = ["--pool=threads", "--concurrency=2", "-I", "probe_tasks"]
        worker = fleet.services.start(fleet.supervisor, "worker", ["celery", "-A", "worker", "worker", *options])
        fleet.services.wait_for_worker(fleet.supervisor, worker)
        return worker

    return start


def _send(fleet: Fleet, name: str, *args: Any, **kwargs: Any) -> str:
    """Send a task whose result is not needed; return its id."""
    return str(fleet.app.send_task(name, args, kwargs, ignore_result=True).id)


@pytest.mark.redis_server
def test_flower_shows_a_finished_job_and_no_secret(
    make_fleet: Callable[..., Fleet],
    start_flower: Callable[..., Flower],
    redis_server: str,
    openai_simulator: Callable[..., Any],
    property_site: str,
) -> None:
    """Neither the passwords nor the keys appear on a page, in an answer, or in a log."""
    simulator = openai_simulator()
    fleet = make_fleet(
        REDIS_URL=redis_server, OPENAI_API_KEYS=",".join(simulator.keys), OPENAI_BASE_URL=simulator.base_url
    )
    cookies = secrets.token_hex(16)
    flower = start_flower(fleet, FLOWER_BASIC_AUTH=_LOGIN, FLOWER_COOKIE_SECRET=cookies, LOG_LEVEL="DEBUG")
    flower.http.auth = (_USER, _PASSWORD)
    fleet.start_worker()
    (job,) = fleet.send(f"{property_site}/homes/1")
    fleet.wait_for_state([job], "done")
    task = flower.wait_for_state(job, "SUCCESS")
    assert (task["name"], task["args"]) == ("tasks.scrape.scrape_property", f"('{job}',)")
    worker = flower.only_worker()
    pages = {path: flower.page(path) for path in ("/", "/tasks", "/broker", "/metrics", "/api/tasks", "/api/workers")}
    pages |= {path: flower.page(path) for path in (f"/worker/{worker}", f"/task/{job}", f"/api/task/result/{job}")}
    wait_until(lambda: "Settings" in flower.log(), 20, flower.log)
    assert job in pages[f"/task/{job}"]
    assert "redis://:**@127.0.0.1" in pages["/broker"]
    assert "scrape" in pages["/broker"]
    assert "redbeat_redis_url" in pages["/api/workers"], "the worker did not report its configuration"
    redis_password = redis_server.split("@", maxsplit=1)[0].rpartition(":")[2]
    hidden = {"Redis": redis_password, "Flower": _PASSWORD, "cookies": cookies}
    hidden |= {f"key {n}": key for n, key in enumerate(simulator.keys)}
    places = {**pages, "log": flower.log(), "worker's log": fleet.log("worker")}
    assert [(name, place) for name, secret in hidden.items() for place in places if secret in places[place]] == []


def test_arguments_are_redacted_during_and_after_a_retry(
    make_fleet: Callable[..., Fleet],
    start_flower: Callable[..., Flower],
    start_probes: Callable[[Fleet], Child],
    tmp_path: Path,
) -> None:
    """Celery drops the sender's redacted arguments on a retry, and shows raw arguments of tasks in a countdown."""
    fleet = make_fleet(PYTHONPATH=str(tmp_path), FLOWER_UNAUTHENTICATED_API="true")
    flower = start_flower(fleet)
    start_probes(fleet)
    secret, url = "sk-proj-0123456789abcdefghij", "https://me:hunter2@example.com/a?token=hunter2"
    # an immediate retry could end before the worker reports the retry: Flower orders events by time
    done, waiting = (_send(fleet, "probe.again", countdown, secret, url=url) for countdown in (1, 600))
    flower.wait_for_state(done, "SUCCESS")
    # the count of retries is unreliable: Flower drops the count if a run's end arrives before its start
    wait_until(lambda: all(flower.task(task_id).get("retried") for task_id in (done, waiting)), 40, flower.log)
    worker = flower.only_worker()
    wait_until(lambda: waiting in flower.page(f"/worker/{worker}"), 20, flower.log)
    page = flower.page(f"/worker/{worker}")
    pages = [flower.page(f"/task/{task_id}") for task_id in (done, waiting)]
    pages += [flower.page("/api/tasks"), flower.page(f"/api/workers?workername={worker}&refresh=1"), page]
    for shown in pages:
        assert "https://example.com/a?[redacted]" in shown
        assert "hunter2" not in shown
        assert secret not in shown


@pytest.mark.parametrize(
    ("arguments", "variables", "named"),
    [
        ([], {"FLOWER_ADDRESS": "0.0.0.0"}, "FLOWER_BASIC_AUTH"),
        (["--address=0.0.0.0"], {"FLOWER_BASIC_AUTH": " "}, "FLOWER_BASIC_AUTH"),
        (["--address="], {}, "FLOWER_BASIC_AUTH"),
        (["--address=::"], {"FLOWER_BASIC_AUTH": "viewer:too-short"}, "FLOWER_BASIC_AUTH"),
        (["--address=0.0.0.0", "--basic-auth=viewer:too-short"], {}, "FLOWER_BASIC_AUTH"),
        (["--address=nowhere.invalid"], {"FLOWER_BASIC_AUTH": _LOGIN}, "FLOWER_ADDRESS"),
        ([], {"FLOWER_URL_PREFIX": "a flower"}, "FLOWER_URL_PREFIX"),
    ],
)
def test_open_or_unusable_settings_are_refused_by_name(
    arguments: list[str], variables: dict[str, str], named: str, tmp_path: Path, warm_parent: WarmParent
) -> None:
    """Flower exits with code 2 and one line, without traceback or password, and never listens."""
    env = {**os.environ, "PROPINTEL_HOME": str(tmp_path), "FLOWER_PORT": str(free_port()), **variables}
    ran = warm_parent.run([*shlex.split(_PROCFILE["flower"]), *arguments], env=env, cwd=tmp_path)
    assert ran.returncode == 2, ran.stderr
    assert ran.stderr.startswith(f"{named}: ")
    assert len(ran.stderr.splitlines()) == 1
    assert "too-short" not in ran.stderr
    assert _PASSWORD not in ran.stderr


def test_everything_but_the_health_check_needs_the_password_off_loopback(
    make_fleet: Callable[..., Fleet], start_flower: Callable[..., Flower]
) -> None:
    """Metrics, which Flower leaves open by default, also need the password. Wrong credentials are refused."""
    fleet = make_fleet()
    flower = start_flower(fleet, FLOWER_ADDRESS="0.0.0.0", FLOWER_BASIC_AUTH=f"other:{'x' * 16}, {_LOGIN}")
    for given in (None, (_USER, "x" * 16), ("other", _PASSWORD), (_USER, "")):
        answers = {place: flower.http.get(place, auth=given).status_code for place in _PLACES}
        assert answers == dict.fromkeys(_PLACES, 401)
    assert flower.http.get("/healthcheck").text == "OK"
    flower.http.auth = (_USER, _PASSWORD)
    assert "flower_events" in flower.page("/metrics")
    assert "Tasks" in flower.page("/tasks")


def test_flower_cannot_act_on_workers_unless_it_is_configured_to(
    make_fleet: Callable[..., Fleet],
    start_flower: Callable[..., Flower],
    start_probes: Callable[[Fleet], Child],
    tmp_path: Path,
) -> None:
    fleet = make_fleet(PYTHONPATH=str(tmp_path), FLOWER_BASIC_AUTH=_LOGIN)
    worker = start_probes(fleet)
    reader = start_flower(fleet)
    reader.http.auth = (_USER, _PASSWORD)
    name = reader.only_worker()
    actions = [f"worker/shutdown/{name}", f"worker/pool/restart/{name}", f"worker/pool/grow/{name}"]
    actions += [f"worker/pool/shrink/{name}", f"worker/pool/autoscale/{name}", f"worker/queue/add-consumer/{name}"]
    actions += [f"worker/queue/cancel-consumer/{name}", "task/apply/probe.quick", "task/async-apply/probe.quick"]
    actions += ["task/send-task/probe.quick", "task/abort/x", "task/revoke/x", "task/timeout/probe.quick"]
    actions += ["task/rate-limit/probe.quick"]
    refused = {action: reader.http.post(f"/api/{action}", json={}).status_code for action in actions}
    assert refused == dict.fromkeys(actions, 403)
    assert "worker-shutdown" not in reader.page(f"/worker/{name}")
    fleet.supervisor.stop_child(reader.child)
    actor = start_flower(fleet, FLOWER_READ_ONLY="false")
    actor.http.auth = (_USER, _PASSWORD)
    assert actor.only_worker() == name
    assert "worker-shutdown" in actor.page(f"/worker/{name}")
    actor.http.post(f"/api/worker/shutdown/{name}").raise_for_status()
    wait_until(lambda: worker.process.poll() is not None, 40, lambda: fleet.log("worker"))


def test_flower_keeps_its_tasks_when_it_is_stopped_or_killed(
    make_fleet: Callable[..., Fleet],
    start_flower: Callable[..., Flower],
    start_probes: Callable[[Fleet], Child],
    tmp_path: Path,
) -> None:
    """Flower saves its state when it is stopped, and at intervals in case it is killed. Only the owner can read it."""
    fleet = make_fleet(PYTHONPATH=str(tmp_path), FLOWER_UNAUTHENTICATED_API="true")
    flower = start_flower(fleet)
    worker = start_probes(fleet)
    first = _send(fleet, "probe.quick")
    seen = flower.wait_for_state(first, "SUCCESS")
    fleet.supervisor.stop_child(flower.child)
    flower = start_flower(fleet, FLOWER_STATE_SAVE_INTERVAL="100")
    assert flower.task(first) == seen
    second = flower.wait_for_seen_task()
    fleet.supervisor.stop_child(worker)
    folder = fleet.home / "flower"
    saved = [folder.stat().st_ctime_ns, *(file.stat().st_ino for file in folder.iterdir())]
    wait_until(  # Flower has saved its state once more, completely
        lambda: [folder.stat().st_ctime_ns, *(file.stat().st_ino for file in folder.iterdir())] != saved, 20, flower.log
    )
    flower.child.process.send_signal(signal.SIGKILL)
    flower.child.process.wait(120)
    flower = start_flower(fleet)
    assert [flower.task(task_id).get("state") for task_id in (first, second)] == ["SUCCESS", "SUCCESS"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_flower_keeps_only_its_latest_tasks(
    make_fleet: Callable[..., Fleet],
    start_flower: Callable[..., Flower],
    start_probes: Callable[[Fleet], Child],
    tmp_path: Path,
) -> None:
    fleet = make_fleet(PYTHONPATH=str(tmp_path), FLOWER_UNAUTHENTICATED_API="true")
    flower = start_flower(fleet, FLOWER_MAX_TASKS="100")
    start_probes(fleet)
    sent = [_send(fleet, "probe.quick") for _ in range(130)]
    flower.wait_for_state(sent[-1], "SUCCESS")
    known = flower.http.get("/api/tasks?limit=1000").raise_for_status().json()
    assert len(known) == 100
    assert sent[0] not in known


def test_behind_a_prefix_all_paths_are_below_the_prefix(
    make_fleet: Callable[..., Fleet], start_flower: Callable[..., Flower]
) -> None:
    """Pages, their links, data, and metrics work below the prefix. The embedded Valkey's queues are counted."""
    fleet = make_fleet(FLOWER_URL_PREFIX="/tools/flower/", FLOWER_BASIC_AUTH=_LOGIN)
    fleet.send("http://127.0.0.1:9/a", "http://127.0.0.1:9/b")
    flower = start_flower(fleet)
    assert flower.http.get("/tools/flower/metrics").status_code == 401
    flower.http.auth = (_USER, _PASSWORD)
    page = flower.page("/tools/flower/tasks")
    links = {part.split('"', 1)[0] for attribute in ("href=", "src=") for part in page.split(f'{attribute}"')[1:]}
    local = {link for link in links if link.startswith("/")}
    assert local
    assert {link for link in local if not link.startswith("/tools/flower/")} == set()
    assert {flower.http.get(link).status_code for link in local} == {200}
    assert 'value="tools/flower" id="url_prefix"' in page
    assert "flower_events" in flower.page("/tools/flower/metrics")
    assert {flower.http.get(place).status_code for place in ("/tasks", "/metrics", "/api/tasks")} == {404}
    lengths = flower.http.get("/tools/flower/api/queues/length").raise_for_status().json()["active_queues"]
    assert {queue["name"]: queue["messages"] for queue in lengths}["scrape"] == 2
    assert "redis+socket://" in flower.page("/tools/flower/broker")
