"""Test docker-compose.yml in a fresh copy of the repository, as after `git clone`.

The tests share the containers of one `docker compose up` and run in order. Later tests stop and restart the containers.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import docker
import pytest

from tests.acceptance.compose_project import ComposeProject, copy_checkout, kill, prometheus_image, start
from tests.plugins.documented import blocks
from tests.plugins.waiting import wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900), pytest.mark.deployed]

_OF_THE_SERVERS = {"valkey", "postgres", "prometheus"}
_DONE_ONCE = {"init", "migrate"}
_JOBS = 50


@pytest.fixture(scope="module")
def project(docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeProject]:
    """Start the project with two workers, the demo's simulators, and Prometheus; remove everything after the tests."""
    folder = copy_checkout(tmp_path_factory.mktemp("clone"))
    image = prometheus_image(tmp_path_factory.mktemp("prometheus") / "image")
    with (folder / "deploy/demo.env").open("a") as settings:
        settings.write("JOB_LEASE_SECONDS=5\n")
    project = ComposeProject(folder, {"PROMETHEUS_IMAGE": image})
    if "Compose version" not in project.run("version", check=False):
        pytest.skip("no docker compose: its plugin is not installed")
    # No image has this name yet, as in a fresh clone, so `up` must build it.
    project.variables["PROPINTEL_IMAGE"] = f"property-intelligence:{project.name}"
    project.variables["COMPOSE_PROFILES"] = "demo,monitoring"
    # The value from demo.env, for commands that run without `--env-file`.
    project.variables["COMPOSE_FILE"] = "docker-compose.yml:deploy/compose.demo.yml"
    try:
        project.up("--env-file", "deploy/demo.env", scale=2)
        yield project
    finally:
        project.remove()
        docker_client.images.remove(project.variables["PROPINTEL_IMAGE"], force=True)


def _typed(program: str) -> str:
    page = "docs/deployment/compose.md"
    return next(block.text for block in blocks() if block.page == page and program in block.text)


def test_every_service_is_healthy_and_has_minimal_privileges(project: ComposeProject) -> None:
    published = {}
    for service, containers in project.containers().items():
        for one in containers:
            state, host = one["State"], one["HostConfig"]
            if service in _DONE_ONCE:
                assert (state["Status"], state["ExitCode"]) == ("exited", 0), service
            else:
                assert state["Health"]["Status"] == "healthy", service
            assert host["ReadonlyRootfs"], service
            assert host["CapDrop"] == ["ALL"], service
            assert one["Config"]["User"] in ("propintel", "10001") or service in {*_OF_THE_SERVERS, "init"}, service
            anonymous = [mount for mount in one["Mounts"] if re.fullmatch("[0-9a-f]{64}", mount.get("Name", ""))]
            assert not anonymous, f"{service}: each `down` would leave an unnamed volume"
            for port, places in (host["PortBindings"] or {}).items():
                published[service, port] = {place["HostIp"] for place in places}
    ports = (("web", "8000/tcp"), ("flower", "5555/tcp"), ("prometheus", "9090/tcp"))
    assert published == {port: {"127.0.0.1"} for port in ports}


def test_no_other_user_of_the_machine_can_read_a_password(project: ComposeProject) -> None:
    """Passwords are not in a container's environment, command line, or log.

    PostgreSQL and Valkey each have only their own password.
    """
    passwords = re.findall(r"[0-9a-f]{48}", project.secrets())
    assert len(passwords) == 2, "expected Flower's password and the token of /metrics"
    hidden = project.run("exec", "-T", "web", "sh", "-c", "cat /run/propintel/*")
    known = {*passwords, *re.findall(r"[0-9a-f]{48}", hidden)}
    assert len(known) == 6
    shown = f"{project.containers()}{project.run('logs')}"
    assert not [secret for secret in known if secret in shown]
    for service, folder in (("valkey", "/run/valkey-secret"), ("postgres", "/run/postgres-secret")):
        held = project.run("exec", "-T", service, "sh", "-c", f"cat {folder}/*")
        assert len(set(re.findall(r"[0-9a-f]{48}", held))) == 1


def test_only_project_processes_reach_the_stores_and_stores_reach_nothing_outside(project: ComposeProject) -> None:
    """Each store is tried by name and by address, because Docker routes between its networks by default."""
    containers = project.containers()
    stores, default = (f"{project.name}_{network}" for network in ("stores", "default"))
    reach = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 4)"

    def connects(service: str, host: str, port: int) -> bool:
        return project.succeeds("exec", "-T", service, "python", "-c", reach, host, str(port))

    for store, port in (("postgres", 5432), ("valkey", 6379)):
        networks = containers[store][0]["NetworkSettings"]["Networks"]
        assert {*networks} == {stores}
        assert connects("worker", store, port)
        for host in (store, networks[stores]["IPAddress"]):
            assert not connects("site", host, port), f"a container of another project reaches {store} at {host}"
    address = containers["web"][0]["NetworkSettings"]["Networks"][default]["IPAddress"]
    for host, answers in (("web", True), (address, False)):
        dial = f"timeout 4 bash -c '</dev/tcp/{host}/8000'"
        assert project.succeeds("exec", "-T", "postgres", "sh", "-c", dial) is answers, f"postgres, {host}"


def test_a_person_can_be_forgotten(project: ComposeProject) -> None:
    forgotten = project.propintel("purge", "--person", "Jane Q. Nobody", "--yes")
    assert forgotten["kind"] == "person"
    assert not forgotten["dry_run"]


def test_a_batch_loses_no_job_when_its_workers_are_killed(project: ComposeProject) -> None:
    """The `maintenance` service recovers the jobs of killed workers."""
    token = project.propintel("token", "--role", "operator", "--subject", "tester")["token"]
    workers = [worker["Id"] for worker in project.containers()["worker"]]
    with project.client(project.web_port) as api:
        api.headers["Authorization"] = f"Bearer {token}"
        targets = [f"http://site:8080/homes/{n}" for n in range(1, _JOBS + 1)]
        batch = api.post("/api/v1/jobs", json={"targets": targets}).json()["data"]["batch"]

        def counts() -> dict[str, int]:
            found = api.get(f"/api/v1/batches/{batch}").json()["data"]["counts"]
            return {state: n for state, n in found.items() if n}

        running = 0
        while not running:  # Wait for a running job, because killing an idle worker would prove nothing.
            wait_for(counts, lambda found: found.get("done", 0) >= 3 and found.get("running", 0) > 0)
            kill(*workers)
            running = counts().get("running", 0)
            start(*workers)
        assert wait_for(counts, lambda found: not {"queued", "running", "deferred"} & found.keys()) == {"done": _JOBS}
    scraped, recovered = "Task tasks.scrape.scrape_property[", '"task": "tasks.recovery.recover_jobs"'
    assert recovered in project.run("logs", "maintenance")
    assert scraped not in project.run("logs", "maintenance")
    assert recovered not in project.run("logs", "worker")


def test_the_key_page_and_flower_require_the_password(project: ComposeProject) -> None:
    token = project.propintel("token", "--role", "manager", "--subject", "tester")["token"]
    with project.client(project.web_port) as browser:
        assert browser.get("/keys").headers["location"].startswith("/sign-in")
        assert browser.post("/sign-in", data={"token": f"{token}x"}).status_code == 403
        assert browser.post("/sign-in", data={"token": token}).status_code == 303
        assert "sk-proj-dem...0001" in browser.get("/keys").text
    user, password = re.findall(r"user (\w+), password (\w+)", project.secrets())[0]
    assert project.get(project.flower_port, "/workers").status_code == 401
    assert project.get(project.flower_port, "/workers", auth=(user, password[::-1])).status_code == 401
    assert "celery@" in project.get(project.flower_port, "/workers", auth=(user, password)).text
    assert project.get(project.web_port, "/metrics").status_code == 401


def test_prometheus_scrapes_the_fleet_and_loads_the_rules(project: ComposeProject) -> None:
    def ask(path: str) -> Any:
        return project.get(project.prometheus_port, f"/api/v1/{path}").json()["data"]

    def up() -> dict[str, str]:
        return {one["metric"]["job"]: one["value"][1] for one in ask("query?query=up")["result"]}

    # Prometheus scrapes its two targets at different times
    wait_for(up, lambda found: found == {"propintel": "1", "prometheus": "1"})
    wait_for(lambda: ask("query?query=propintel_jobs")["result"], bool)
    assert "PropintelQueueStuck" in str(ask("rules"))


def test_down_and_up_keep_jobs_properties_and_passwords(project: ComposeProject) -> None:
    """Every service must stop within its grace period. The second start uses neither an env file nor a profile."""
    before = project.secrets(), project.propintel("jobs", "list")["counts"]
    assert before[1]["done"] >= _JOBS
    project.run("stop")
    codes = {service: {one["State"]["ExitCode"] for one in them} for service, them in project.containers().items()}
    assert codes.pop("worker") <= {0, 137}, "only the worker killed by an earlier test may exit with 137"
    assert codes.pop("site") | codes.pop("openai") <= {0}
    assert set().union(*codes.values()) == {0}, codes
    project.run("down")
    del project.variables["COMPOSE_PROFILES"]
    project.up()
    processes = {"web", "worker", "maintenance", "beat", "flower"}
    assert {*project.containers()} == {"init", "valkey", "postgres", "migrate"} | processes
    assert (project.secrets(), project.propintel("jobs", "list")["counts"]) == before
    assert len(_export(project).splitlines()) == before[1]["done"]


def test_a_backup_restores_everything_after_a_total_loss(project: ComposeProject) -> None:
    passwords, stored = project.secrets(), _export(project)
    key = project.run("exec", "-T", "web", "cat", "/run/propintel/privacy_key")
    project.bash(_typed("pg_dump"))
    purged = json.loads(stored.splitlines()[0])["property"]
    (project.folder / "purges.sh").write_text(f"propintel purge --property {purged} --yes\n")
    project.run("down", "--volumes", "--timeout", "0")
    project.bash(_typed("pg_restore"))
    assert project.secrets() == passwords
    assert project.run("exec", "-T", "web", "cat", "/run/propintel/privacy_key") == key
    kept = [line for line in stored.splitlines() if json.loads(line)["property"] != purged]
    assert _export(project).splitlines() == kept


def _export(project: ComposeProject) -> str:
    return project.run("exec", "-T", "web", "propintel", "properties", "export", "--format", "jsonl")


def test_the_production_file_takes_secrets_from_files(project: ComposeProject, tmp_path: Path) -> None:
    """The folder of keys is mounted as a folder, because a mounted file would not change when it is replaced."""
    given = {"jwt_secret": "j" * 40, "metrics_token": "m" * 40, "flower_basic_auth": f"me:{'f' * 40}"}
    given |= {"postgres_password": "p@/" * 9, "valkey_password": "v#:" * 9, "privacy_key": "k" * 40}
    (tmp_path / "openai").mkdir(mode=0o700)
    (tmp_path / "openai" / "api_keys").write_text("sk-proj-production-key-1\n")
    for name, value in given.items():
        (tmp_path / name).write_text(f"{value}\n")
    for path in (tmp_path / "openai", tmp_path / "openai" / "api_keys"):
        os.chown(path, 10001, 10001)
    files = "docker-compose.yml:deploy/compose.production.yml"
    variables = {**project.variables, "COMPOSE_FILE": files, "PROPINTEL_SECRETS": str(tmp_path)}
    production = ComposeProject(project.folder, variables)
    try:
        output = production.run("run", "--rm", "-T", "init", "make")
        assert "nothing to make" in output
        shown = production.run("run", "--rm", "-T", "init", "show")
        assert "user me, password ffff" in shown
        shell = "cat /run/propintel/* && echo && cat $OPENAI_API_KEYS_FILE"
        seen = production.run("run", "--rm", "--no-deps", "-T", "worker", "sh", "-c", shell)
        assert f"redis://:{quote('v#:' * 9, safe='')}@valkey" in seen
        assert given["jwt_secret"] in seen
        assert "sk-proj-production-key-1" in seen
    finally:
        production.remove()
    for name in ("PROPINTEL_SECRETS", "COMPOSE_FILE"):
        del variables[name]
    lacking = ComposeProject(project.folder, {**variables, "COMPOSE_FILE": files})
    assert "PROPINTEL_SECRETS" in lacking.complaint("config", "--quiet")
