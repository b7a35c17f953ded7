"""Rules for every service of docker-compose.yml, checked without a Docker engine.

tests/acceptance/test_accept_compose.py checks the same rules on running containers.
"""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.settings import SECRETS_IN_FILES

_ROOT = Path(__file__).parents[3]
_FILE: dict[str, Any] = yaml.safe_load((_ROOT / "docker-compose.yml").read_text())
_PRODUCTION: dict[str, Any] = yaml.safe_load((_ROOT / "deploy" / "compose.production.yml").read_text())
_SERVICES: dict[str, dict[str, Any]] = _FILE["services"]
_SECRETS = runpy.run_path(str(_ROOT / "deploy" / "docker" / "make_secrets.py"))

_ONCE = {"init", "migrate"}
_STORES = {"valkey", "postgres"}
_OURS = {"migrate", "web", "worker", "maintenance", "beat", "flower"}
#: These services are optional and have no access to the stores.
_OPTIONAL = {"site", "openai", "prometheus"}
#: PostgreSQL and Valkey start as root and then switch users. The service `init` changes the owner of each secret file
#: to the user that reads the file.
_TO_CHANGE_OWNERS = {"CHOWN", "DAC_OVERRIDE", "FOWNER"}
_CAPABILITIES = {"init": _TO_CHANGE_OWNERS, **dict.fromkeys(_STORES, _TO_CHANGE_OWNERS | {"SETGID", "SETUID"})}
_UNITS = {"kb": 2**10, "mb": 2**20, "gb": 2**30, "k": 2**10, "m": 2**20, "g": 2**30}

every_service = pytest.mark.parametrize("name", sorted(_SERVICES))


def _default(text: str) -> str:
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def _bytes(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([a-z]+)", _default(text)).groups()  # type: ignore[union-attr]
    return int(number) * _UNITS[unit]


def _seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def _after(command: list[str], option: str) -> str:
    return _default(command[command.index(option) + 1])


def _networks(name: str) -> set[str]:
    return set(_SERVICES[name].get("networks", ["default"]))


def test_these_rules_cover_every_service() -> None:
    assert {*_SERVICES} == {"init"} | _STORES | _OURS | _OPTIONAL


@every_service
def test_no_service_has_more_privileges_than_it_needs(name: str) -> None:
    service = _SERVICES[name]
    assert service["read_only"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]
    assert set(service.get("cap_add", ())) == _CAPABILITIES.get(name, set())
    assert not {"privileged", "pid", "ipc", "userns_mode", "devices", "cgroup_parent"} & service.keys()
    assert service.get("user") == ("root" if name == "init" else None), "the service does not use the image's own user"
    assert service["ulimits"] == {"core": 0, "nofile": 8192}
    assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}}


@every_service
def test_running_services_are_limited_and_restarted(name: str) -> None:
    service = _SERVICES[name]
    if name == "init":
        assert service["restart"] == "no"
        return
    limits = service["deploy"]["resources"]["limits"]
    assert 0 < _bytes(limits["memory"]) <= 2 * 2**30
    assert 0 < limits["pids"] <= 300
    assert service["restart"] == ("no" if name in _ONCE else "unless-stopped")
    assert not service.get("healthcheck", {}).get("disable")


def test_only_web_flower_and_prometheus_are_published_and_on_loopback() -> None:
    published = {name: [*map(_default, service.get("ports", ()))] for name, service in _SERVICES.items()}
    expected = {"web": 8000, "flower": 5555, "prometheus": 9090}
    assert published == {
        name: [f"127.0.0.1:{expected[name]}:{expected[name]}"] if name in expected else [] for name in _SERVICES
    }


def test_only_our_processes_reach_the_stores_and_the_stores_reach_nothing_outside() -> None:
    assert _FILE["networks"]["stores"] == {"internal": True}
    assert {name for name in _SERVICES if _networks(name) == {"stores"}} == _STORES
    assert {name for name in _SERVICES if "stores" in _networks(name)} == _STORES | _OURS
    assert {name for name in _SERVICES if "network_mode" in _SERVICES[name]} == {"init"}
    assert _SERVICES["init"]["network_mode"] == "none"


def test_each_service_starts_after_its_dependencies() -> None:
    needs = {
        name: {(other, how["condition"]) for other, how in service.get("depends_on", {}).items()}
        for name, service in _SERVICES.items()
    }
    secrets_made = {("init", "service_completed_successfully")}
    assert needs["valkey"] == needs["postgres"] == secrets_made
    assert needs["migrate"] == {("postgres", "service_healthy")}
    ready = {("migrate", "service_completed_successfully"), ("valkey", "service_healthy")}
    assert {name for name in needs if needs[name] == ready} == _OURS - {"migrate"}


def test_each_service_has_enough_time_to_stop() -> None:
    """Celery's soft shutdown takes 10 s, and ending a child that hangs takes 10 s more."""
    grace = {name: _seconds(service["stop_grace_period"]) for name, service in _SERVICES.items()}
    assert {grace["worker"], grace["maintenance"]} == {40}
    assert grace["web"] >= int(_after(_SERVICES["web"]["command"], "--timeout-graceful-shutdown")) + 5
    assert grace["postgres"] >= 60
    assert min(grace.values()) >= 30


def test_durable_data_is_in_volumes() -> None:
    kept = {
        "postgres": "postgres:/var/lib/postgresql/data", "valkey": "valkey:/data",
        "flower": "flower:/var/lib/propintel", "prometheus": "prometheus:/prometheus",
    }  # fmt: skip
    for name, volume in kept.items():
        assert volume in _SERVICES[name]["volumes"]
        assert volume.split(":")[1] not in {place.split(":")[0] for place in _SERVICES[name].get("tmpfs", ())}
    used = {volume.split(":")[0] for service in _SERVICES.values() for volume in service.get("volumes", ())}
    assert {name for name in used if not name.startswith(".")} == {*_FILE["volumes"]}
    assert set(_FILE["volumes"].values()) == {None}, "a volume has options of its own"


def test_valkey_evicts_nothing_and_refuses_writes_before_it_runs_out_of_memory() -> None:
    command = _SERVICES["valkey"]["command"]
    assert _after(command, "--appendonly") == "yes"
    assert _after(command, "--maxmemory-policy") == "noeviction"
    memory = _bytes(_SERVICES["valkey"]["deploy"]["resources"]["limits"]["memory"])
    assert _bytes(_after(command, "--maxmemory")) <= 0.7 * memory, "too little memory is left for rewriting the log"


def test_each_service_reads_only_its_own_secrets_and_only_init_writes_them() -> None:
    mounted = {
        name: {tuple(volume.split(":")) for volume in service.get("volumes", ()) if volume.startswith("secrets")}
        for name, service in _SERVICES.items()
    }
    readers = {"propintel", "postgres", "valkey", "prometheus"}
    assert mounted.pop("init") == {("secrets", "/secrets/all")} | {
        (f"secrets-{one}", f"/secrets/{one}") for one in readers
    }
    assert mounted.pop("valkey") == {("secrets-valkey", "/run/valkey-secret", "ro")}
    assert mounted.pop("postgres") == {("secrets-postgres", "/run/postgres-secret", "ro")}
    assert mounted.pop("prometheus") == {("secrets-prometheus", "/run/propintel", "ro")}
    ours = ("secrets-propintel", "/run/propintel", "ro")
    assert {name: places for name, places in mounted.items() if places} == {name: {ours} for name in _OURS}
    binds = [volume for service in _SERVICES.values() for volume in service.get("volumes", ()) if volume[0] in "./~"]
    assert all(volume.startswith("./deploy/prometheus/") and volume.endswith(":ro") for volume in binds)


@every_service
def test_secrets_come_from_files(name: str) -> None:
    """Secrets in environment variables or commands would be visible in `docker inspect` and process lists."""
    service = _SERVICES[name]
    environment = service.get("environment", {})
    names = {*map(str.lower, SECRETS_IN_FILES), "openai_api_keys", "postgres_password"}
    assert not [variable for variable in environment if variable.lower() in names]
    written = f"{environment}{service.get('command')}{service.get('entrypoint')}"
    assert not re.findall(r"://[^/\s]*:[^/\s]*@|requirepass", written)
    for variable, file in environment.items():
        if variable.endswith("_FILE"):
            assert file.startswith("/run/"), variable


def test_every_generated_secret_reaches_our_processes_and_can_be_supplied() -> None:
    made = _SECRETS["generate"]()
    for name in _OURS:
        files = {value for variable, value in _SERVICES[name]["environment"].items() if variable.endswith("_FILE")}
        assert files == {f"/run/propintel/{file}" for file in _SECRETS["files_of"](made)["propintel"]}
    assert set(_PRODUCTION["services"]["init"]["secrets"]) == {*made} == {*_PRODUCTION["secrets"]}


def test_a_fresh_clone_needs_no_other_file() -> None:
    assert {name: service["build"] for name, service in _SERVICES.items() if "build" in service} == {
        "init": {"context": ".", "args": ["PYTHON_IMAGE"]}
    }
    for name in _OURS:
        assert _SERVICES[name]["env_file"] == [{"path": "${PROPINTEL_ENV:-.env}", "required": False}]
    assert {name for name, service in _SERVICES.items() if "profiles" in service} == _OPTIONAL
    assert not {"include", "secrets", "configs"} & _FILE.keys()


def test_the_image_runs_as_a_user_with_a_health_check_and_locked_packages() -> None:
    lines = (_ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    last = lines[max(at for at, line in enumerate(lines) if line.startswith("FROM ")) :]
    assert [line for line in last if line.startswith("USER ")] == ["USER propintel"]
    (check,) = (line for line in last if line.startswith("HEALTHCHECK "))
    assert check.endswith('CMD ["python", "/opt/propintel/share/propintel/healthy.py"]')
    assert (_ROOT / "deploy" / "docker" / "healthy.py").is_file()
    given = [line.partition("=")[0] for line in lines if line.startswith(("ARG ", "ADD "))]
    assert given == ["ARG PYTHON_IMAGE"], "the image takes other inputs than its base"
    assert not [line for line in lines if re.match(r"ENV .*(KEY|SECRET|TOKEN|PASSWORD|_URL)", line)]
    installs = [step for line in lines for step in re.findall(r"pip (?:\S+ \S+ )?install [^&]*", line)]
    assert len(installs) == 3
    assert all("--require-hashes" in step or "--no-index" in step for step in installs), installs
