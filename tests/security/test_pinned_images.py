"""An attacker who moves a base image's tag cannot change the build or the services, because they use digests.

The tests search the repository's files for images, so that a new image is checked too.
"""

import hashlib
import json
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.serving import BackgroundServer

_ROOT = Path(__file__).parents[2]
_SCRIPT = _ROOT / ".ci" / "base_images.py"
_OURS = re.compile(r"property-intelligence(:[\w.-]+)?")
_PINNED = re.compile(r"[^\s\"']+:[\w.-]+@sha256:[0-9a-f]{64}")
_DEFAULT = re.compile(r"\$\{\w+:?-([^}]*)\}")
#: Matches image names in stages and sources of builds, in Compose services, and in containers and actions of workflows.
#: A build argument with an image has a name that ends in IMAGE.
_NAMED = re.compile(
    r"\bFROM\s+(?:--\S+\s+)*([^\s'\"]+)|\bfrom=([^\s,]+)|^#\s*syntax\s*=\s*(\S+)|^ARG\s+\w*IMAGE=(\S+)"
    r"|\b(?:image|container): *(?:&\w+ +)?['\"]?(\$\{\w+:?-[^}]*\}|[^\s'\",{}&*]+)|docker://([^\s'\",}]+)",
    re.M,
)
_OLD = "0" * 64


def _tracked() -> dict[str, str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=_ROOT, capture_output=True, check=True, text=True)
    names = [name for name in listed.stdout.split("\0") if name and (_ROOT / name).is_file()]
    return {name: (_ROOT / name).read_text(encoding="utf-8", errors="replace") for name in names}


def _images(name: str, text: str) -> list[str]:
    if not re.search(r"dockerfile|containerfile|\.(?:ya?ml|sh)$|(?:^|/)(?:Makefile|Procfile|run)$", name, re.I):
        return []
    text = re.sub(r"\\\n", " ", text)
    stages = {stage.lower() for stage in re.findall(r"\bFROM\s.*\sAS\s+(\S+)", text, re.I)}
    found = [next(filter(None, parts)) for parts in _NAMED.findall(text)]
    # a command without a pinned image is returned whole, so the tests report it as unpinned
    for command in re.findall(r"\bdocker (?:run|pull|create)\b.*(?:\n {8,}(?!- )\S.*)*", text):
        found += _PINNED.findall(command) or [command]
    images = [_DEFAULT.sub(r"\1", image) for image in found]
    ours = {*stages, "scratch"}
    return [
        image
        for image in images
        if image.lower() not in ours and not re.match(r"\$\{?\w+\}?$|\d+$", image) and not _OURS.fullmatch(image)
    ]


def _unpinned(name: str, text: str) -> list[str]:
    return [image for image in _images(name, text) if not _PINNED.fullmatch(image)]


def test_every_third_party_image_is_pinned_in_a_file_that_make_images_refreshes() -> None:
    found = {name: images for name, text in _tracked().items() if (images := [*_images(name, text)])}
    unpinned = {(name, image) for name, images in found.items() for image in images if not _PINNED.fullmatch(image)}
    assert unpinned == set()
    assert {*found} >= {"Dockerfile", "docker-compose.yml", ".github/workflows/ci.yml"}
    script = _script()
    assert {*found} <= {str(path.relative_to(_ROOT)) for path in script["files"]()}
    pinned = {image for images in found.values() for image in images}
    assert pinned <= {f"{pin.image}@{pin.digest}" for pin in script["pins"]()}
    assert len(pinned) == len({image.partition("@")[0] for image in pinned}), "a tag has two digests"


def test_a_tag_is_written_only_beside_its_digest() -> None:
    tag = "|".join(sorted({re.escape(pin.image) for pin in _script()["pins"]()}))
    code = {name: text for name, text in _tracked().items() if Path(name).suffix in ("", ".py", ".sh", ".yml", ".json")}
    assert [name for name, text in code.items() if re.search(rf"(?<![\w/])(?:{tag})(?!@sha256:)(?![\w.-])", text)] == []


_PIN = f"redis:8@sha256:{_OLD}"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Dockerfile", "FROM redis:8\n"),
        ("Dockerfile", "FROM --platform=linux/amd64 redis:8 AS base\n"),
        ("Dockerfile", "ARG IMAGE=redis:8\nFROM ${IMAGE}\n"),
        ("Dockerfile", "COPY --from=redis:8 /a /b\n"),
        ("Dockerfile", "RUN --mount=type=bind,from=redis:8,target=/a \\\n  true\n"),
        ("Dockerfile", "# syntax=redis:8\n"),
        ("compose.yml", "services: {a: {image: redis:8}}\n"),
        ("compose.yaml", "services: {a: {image: '${IMAGE:-redis:8}'}}\n"),
        ("deploy/more.yml", "services: {a: {build: {dockerfile_inline: 'FROM redis:8'}}}\n"),
        ("ci.yml", "jobs: {a: {container: redis:8}}\n"),
        ("ci.yml", "jobs: {a: {services: {b: {image: redis:8}}}}\n"),
        ("ci.yml", "jobs: {a: {steps: [{uses: 'docker://redis:8'}]}}\n"),
        ("ci.yml", "jobs: {a: {steps: [{run: docker run --rm redis:8 true}]}}\n"),
        ("start.sh", "docker pull redis:8\n"),
    ],
)
def test_an_image_without_a_digest_is_found_in_any_form(name: str, text: str) -> None:
    assert len(_unpinned(name, text)) == 1
    pinned = text.replace("redis:8", _PIN)
    assert (_unpinned(name, pinned), [*_images(name, pinned)]) == ([], [_PIN])


def test_stages_and_our_own_image_need_no_digest() -> None:
    stages = f"FROM {_PIN} AS base\nFROM base\nCOPY --from=base /a /a\nCOPY --from=0 /a /a\nFROM scratch\n"
    assert _unpinned("Dockerfile", stages) == []
    assert _unpinned("compose.yml", "services: {a: {image: '${PROPINTEL_IMAGE:-property-intelligence}'}}\n") == []


def _script() -> dict[str, Any]:
    return runpy.run_path(str(_SCRIPT))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / ".ci").mkdir()
    shutil.copy(_SCRIPT, tmp_path / ".ci")
    return tmp_path


def _refresh(checkout: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ".ci/base_images.py", "refresh"]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)


#: `publish(tag)` returns the tag's new digest
Publish = Callable[[str], str]


@pytest.fixture
def registry() -> Iterator[tuple[str, Publish]]:
    """Start a registry on loopback; yield HOST:PORT and `publish`."""
    asked = ["docker", "buildx", "version"]
    if shutil.which("docker") is None or subprocess.run(asked, capture_output=True, check=False).returncode != 0:
        pytest.skip("no docker with its plugin buildx is on PATH")
    published: dict[str, bytes] = {}
    index = "application/vnd.oci.image.index.v1+json"

    def publish(tag: str) -> str:
        content = json.dumps(
            {"schemaVersion": 2, "mediaType": index, "manifests": [], "annotations": {"n": str(len(published))}}
        )
        published[tag] = content.encode()
        digest = f"sha256:{hashlib.sha256(published[tag]).hexdigest()}"
        published[digest] = published[tag]
        return digest

    async def manifest(request: Request) -> Response:
        content = published.get(request.path_params["reference"])
        if content is None:
            return Response(status_code=404)
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        return Response(content, headers={"Docker-Content-Digest": digest}, media_type=index)

    with BackgroundServer(Starlette(routes=[Route("/v2/{name:path}/manifests/{reference}", manifest)])) as server:
        yield server.address.removeprefix("http://"), publish


_FILES = {
    "Dockerfile": "# HOST/library/a:1 is not pinned here\r\nARG A_IMAGE=HOST/library/a:1@ONE\r\nFROM ${A_IMAGE}\r\n",
    "docker-compose.yml": "a: ${B_IMAGE:-HOST/a:2@TWO} # not OLD\nb: {image: 'HOST/a:2@TWO'}\n",
    ".github/workflows/ci.yml": "run: docker run\n  HOST/library/a:1@ONE\n",
    "deploy/more/compose.extra.yml": "image: HOST/a:2@TWO",
}


def _files(host: str, one: str, two: str) -> dict[str, bytes]:
    values = {"HOST": host, "ONE": one, "TWO": two, "OLD": f"sha256:{_OLD}"}
    return {
        name: re.sub("HOST|ONE|TWO|OLD", lambda found: values[found[0]], text).encode() for name, text in _FILES.items()
    }


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _read(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in _FILES}


def test_refresh_moves_every_pin_to_the_digest_of_its_tag_and_changes_nothing_else(
    checkout: Path, registry: tuple[str, Publish]
) -> None:
    host, publish = registry
    _write(checkout, _files(host, f"sha256:{_OLD}", f"sha256:{_OLD}"))
    one, two = publish("1"), publish("2")
    done = _refresh(checkout)
    assert (done.returncode, done.stderr, _read(checkout)) == (0, "", _files(host, one, two))
    expected = [f"{host}/a:2: sha256:{_OLD} -> {two}", f"{host}/library/a:1: sha256:{_OLD} -> {one}"]
    assert done.stdout.splitlines() == expected
    moved = publish("2")
    done = _refresh(checkout)
    assert _read(checkout) == _files(host, one, moved)
    assert done.stdout.splitlines() == [f"{host}/a:2: {two} -> {moved}", f"{host}/library/a:1: unchanged"]


def test_refresh_changes_no_file_when_one_tag_is_missing(checkout: Path, registry: tuple[str, Publish]) -> None:
    host, publish = registry
    before = _files(host, f"sha256:{_OLD}", f"sha256:{_OLD}")
    _write(checkout, before)
    publish("1")
    done = _refresh(checkout)
    assert (done.returncode, done.stdout, _read(checkout)) == (1, "", before)
    first, last = done.stderr.splitlines()
    assert f"{host}/a:2: " in first
    assert "not found" in first
    assert "no file was changed" in last


def test_the_environment_replaces_a_pin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VALKEY_IMAGE", "mirror.example/valkey:8")
    monkeypatch.setenv("POSTGRES_IMAGE", "")
    chosen = _script()["chosen"]()
    assert chosen["VALKEY_IMAGE"] == "mirror.example/valkey:8"
    assert _PINNED.fullmatch(chosen["POSTGRES_IMAGE"])
