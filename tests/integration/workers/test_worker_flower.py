"""Flower shows jobs, restores tasks after a restart, and requires a password unless it listens on loopback."""

import base64
import hashlib
import os
import re
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
#: These paths (pages, their data, the API, and metrics) require the password. Only the health check is public.
_PLACES = ["/", "/workers", "/tasks", "/broker", "/task/x", "/worker/x", "/workers?json=1", "/metrics"]
_PLACES += ["/api/tasks", "/api/workers", "/api/task/info/x", "/api/queues/length"]

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
        """Start Flower, and wait until it listens and receives events."""
        before = self._listeners()
        self.child: Child = self._services.start(self.fleet.supervisor, "flower", self._arguments)
        self.fleet.until(lambda: listens(self.port), _START_SECONDS)
        self.fleet.until(lambda: self._listeners() - before, _START_SECONDS)

    def _listeners(self) -> set[str]:
        with connect(self.fleet.settings) as redis:
            return {client["id"] for client in redis.client_list() if int(client["sub"]) + int(client["psub"])}

    def task(self, task_id: str) -> dict[str, Any]:
        answer = self.http.get(f"/api/task/info/{task_id}")
        return answer.json() if answer.status_code == 200 else {}

    def wait_for_success(self, task_id: str) -> dict[str, Any]:
        self.fleet.until(lambda: self.task(task_id).get("state") == "SUCCESS", 40)
        return self.task(task_id)

    def page(self, path: str) -> str:
        return self.http.get(path).raise_for_status().text

    def only_worker(self) -> str:
        """Repeat the request, because a busy worker may miss the first one."""
        known: dict[str, Any] = {}

        def ask() -> bool:
            known.update(self.http.get("/api/workers?refresh=1").raise_for_status().json())
            return any({"conf", "stats"} <= worker.keys() for worker in known.values())

        self.fleet.until(ask, 40)
        (name,) = known
        return name


@pytest.fixture
def start_flower() -> Any:
    """Return `start(fleet, argument, ..., VARIABLE=value)`, which starts Flower and returns it once it listens."""
    with ExitStack() as stack:
        yield lambda fleet, *arguments, **variables: Flower(fleet, stack, *arguments, **variables)


@pytest.fixture
def start_probes(tmp_path: Path) -> Callable[[Fleet], Child]:
    (tmp_path / "probe_tasks.py").write_text(_PROBE)
    return lambda fleet: fleet.start_celery_worker("--pool=threads", "--concurrency=2", "-I", "probe_tasks")


def _send(fleet: Fleet, name: str, *args: Any, **kwargs: Any) -> str:
    return str(fleet.app.send_task(name, args, kwargs, ignore_result=True).id)


@pytest.mark.redis_server
def test_flower_shows_a_finished_job_and_no_secret(
    make_fleet: Any, start_flower: Any, redis_server: str, openai_simulator: Any, property_site: str
) -> None:
    """No password, cookie secret, or API key appears on Flower's pages, in its API responses, or in the logs."""
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
    task = flower.wait_for_success(job)
    assert (task["name"], task["args"]) == ("tasks.scrape.scrape_property", f"('{job}',)")
    worker = flower.only_worker()
    pages = {path: flower.page(path) for path in ("/", "/tasks", "/broker", "/metrics", "/api/tasks", "/api/workers")}
    pages |= {path: flower.page(path) for path in (f"/worker/{worker}", f"/task/{job}", f"/api/task/result/{job}")}
    fleet.until(lambda: "Settings" in fleet.log("flower"), 20)
    assert job in pages[f"/task/{job}"]
    assert "redis://:**@127.0.0.1" in pages["/broker"]
    assert "scrape" in pages["/broker"]
    assert "redbeat_redis_url" in pages["/api/workers"], "the worker did not report its configuration"
    redis_password = redis_server.split("@", maxsplit=1)[0].rpartition(":")[2]
    hidden = {"Redis": redis_password, "Flower": _PASSWORD, "cookies": cookies}
    hidden |= {f"key {n}": key for n, key in enumerate(simulator.keys)}
    places = {**pages, "log": fleet.log("flower"), "worker's log": fleet.log("worker")}
    assert [(name, place) for name, secret in hidden.items() for place in places if secret in places[place]] == []


@pytest.mark.parametrize(
    ("arguments", "variables", "named"),
    [
        ([], {"FLOWER_ADDRESS": "0.0.0.0"}, "FLOWER_BASIC_AUTH"),
        (["--address=0.0.0.0"], {"FLOWER_BASIC_AUTH": " "}, "FLOWER_BASIC_AUTH"),
        (["--address="], {}, "FLOWER_BASIC_AUTH"),
        (["--address=0.0.0.0", "--basic-auth=viewer:too-short"], {}, "FLOWER_BASIC_AUTH"),
        (["--address=nowhere.invalid"], {"FLOWER_BASIC_AUTH": _LOGIN}, "FLOWER_ADDRESS"),
    ],
)
def test_open_or_unusable_settings_are_refused_by_name(
    arguments: list[str], variables: dict[str, str], named: str, tmp_path: Path, warm_parent: WarmParent
) -> None:
    env = {**os.environ, "PROPINTEL_HOME": str(tmp_path), "FLOWER_PORT": str(free_port()), **variables}
    ran = warm_parent.run([*shlex.split(_PROCFILE["flower"]), *arguments], env=env, cwd=tmp_path)
    assert ran.returncode == 2, ran.stderr
    assert ran.stderr.startswith(f"{named}: ")
    assert len(ran.stderr.splitlines()) == 1
    assert "too-short" not in ran.stderr
    assert _PASSWORD not in ran.stderr


def test_flower_cannot_act_on_workers_unless_it_is_configured_to(
    make_fleet: Any, start_flower: Any, start_probes: Any, tmp_path: Path
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
    wait_until(lambda: worker.process.poll() is not None, 40)


def test_flower_keeps_its_tasks_when_it_is_stopped_or_killed(
    make_fleet: Any, start_flower: Any, start_probes: Any, tmp_path: Path
) -> None:
    """Flower saves its state, readable only by the owner, when it is stopped and at intervals."""
    fleet = make_fleet(PYTHONPATH=str(tmp_path), FLOWER_UNAUTHENTICATED_API="true")
    flower = start_flower(fleet)
    worker = start_probes(fleet)
    first = _send(fleet, "probe.quick")
    seen = flower.wait_for_success(first)
    fleet.supervisor.stop_child(flower.child)
    flower = start_flower(fleet, FLOWER_STATE_SAVE_INTERVAL="100")
    assert flower.task(first) == seen
    second = _send(fleet, "probe.quick")
    flower.wait_for_success(second)
    fleet.supervisor.stop_child(worker)
    folder = fleet.home / "flower"

    def saved() -> set[tuple[str, int]]:
        """Return the complete files, without those that Flower is writing."""
        return {(file.name, file.stat().st_mtime_ns) for file in folder.glob("state*") if ".tmp" not in file.name}

    before = saved()
    fleet.until(lambda: saved() != before)  # waits until Flower has saved a complete state again
    flower.child.process.send_signal(signal.SIGKILL)
    flower.child.process.wait(120)
    flower = start_flower(fleet)
    assert [flower.task(task_id).get("state") for task_id in (first, second)] == ["SUCCESS", "SUCCESS"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_arguments_are_redacted_during_and_after_a_retry_and_only_the_latest_tasks_are_kept(
    make_fleet: Any, start_flower: Any, start_probes: Any, tmp_path: Path
) -> None:
    """On a retry, Celery drops the sender's redacted arguments. During a countdown, Celery shows raw arguments."""
    fleet = make_fleet(PYTHONPATH=str(tmp_path), FLOWER_UNAUTHENTICATED_API="true")
    flower = start_flower(fleet, FLOWER_MAX_TASKS="100")
    start_probes(fleet)
    secret, url = "sk-proj-0123456789abcdefghij", "https://me:hunter2@example.com/a?token=hunter2"
    # Flower orders events by time: an immediate retry could end before the worker reports that it was scheduled
    done, waiting = (_send(fleet, "probe.again", countdown, secret, url=url) for countdown in (1, 600))
    flower.wait_for_success(done)
    # the number of retries is unreliable: Flower loses it if the event of a run's end arrives before that of its start
    fleet.until(lambda: all(flower.task(task_id).get("retried") for task_id in (done, waiting)), 40)
    worker = flower.only_worker()
    fleet.until(lambda: waiting in flower.page(f"/worker/{worker}"))
    paths = [f"/worker/{worker}", f"/task/{done}", f"/task/{waiting}", "/api/tasks"]
    for shown in map(flower.page, [*paths, f"/api/workers?workername={worker}&refresh=1"]):
        assert "https://example.com/a?[redacted]" in shown
        assert "hunter2" not in shown
        assert secret not in shown
    sent = [_send(fleet, "probe.quick") for _ in range(130)]
    flower.wait_for_success(sent[-1])
    known = flower.http.get("/api/tasks?limit=1000").raise_for_status().json()
    assert len(known) == 100
    assert sent[0] not in known


@pytest.mark.parametrize("auto_refresh", ["True", "False"])
def test_no_page_can_be_framed_and_only_flowers_own_scripts_run(
    make_fleet: Any, start_flower: Any, auto_refresh: str
) -> None:
    """Pages, data, files, and errors have the policy. A script is in a file of Flower's, or the policy has its hash."""
    fleet = make_fleet()
    flower = start_flower(fleet, f"--auto_refresh={auto_refresh}")
    script = flower.http.get("/static/js/flower.js").raise_for_status()
    foreign = flower.http.get("/", headers={"Host": "evil.example"})
    assert foreign.status_code == 421
    pages = [flower.http.get(place) for place in [*_PLACES, "/healthcheck", "/nothing", "/static/nothing"]]
    for answer in (*pages, script, foreign):
        assert answer.headers["X-Frame-Options"] == "DENY", answer.url
        assert answer.headers["X-Content-Type-Options"] == "nosniff", answer.url
        assert answer.headers["Referrer-Policy"] == "same-origin", answer.url
        rules = dict(rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; "))
        assert rules["frame-ancestors"] == rules["default-src"] == rules["base-uri"] == "'none'", answer.url
        assert "unsafe" not in rules["script-src"]
        assert "unsafe" not in rules["style-src"]
    inline = []
    for answer in pages:
        for attributes, text in re.findall(r"<script([^>]*)>(.*?)</script>", answer.text, re.DOTALL):
            source = re.search(r'src="([^"]*)"', attributes)
            assert text or (source is not None and source[1].startswith("/static/"))
            inline += [text] if text else []
        assert (
            re.findall(r"<[^>]*\s(?:on\w+=|href=\"javascript:)[^>]*>|<style|<iframe|<object|<base", answer.text) == []
        )
    assert len(inline) == 2, "expected one script on / and one on /workers"
    digest = base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()
    assert set(inline) == {inline[0]}
    assert f"'sha256-{digest}'" in rules["script-src"]


def test_off_loopback_and_behind_a_prefix_everything_but_the_health_check_needs_the_password(
    make_fleet: Any, start_flower: Any
) -> None:
    """Metrics, which Flower leaves open by default, also need the password."""
    fleet = make_fleet(FLOWER_URL_PREFIX="/tools/flower/", FLOWER_BASIC_AUTH=f"other:{'x' * 16}, {_LOGIN}")
    fleet.send("http://127.0.0.1:9/a", "http://127.0.0.1:9/b")
    flower = start_flower(fleet, FLOWER_ADDRESS="0.0.0.0")
    places = [f"/tools/flower{place}" for place in _PLACES]
    for given in (None, (_USER, "x" * 16), ("other", _PASSWORD), (_USER, "")):
        answers = {place: flower.http.get(place, auth=given).status_code for place in places}
        assert answers == dict.fromkeys(places, 401)
    assert flower.http.get("/tools/flower/healthcheck").text == "OK"
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
