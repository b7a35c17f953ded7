"""Read and update the digests of third-party container images, which are named NAME:TAG@sha256:DIGEST.

`refresh` asks each registry for the current digest of each tag. It replaces all pinned digests, or none if a digest is
missing. `tags` prints VARIABLE=NAME:TAG for each image that a variable can replace. See docs/runbooks/supply-chain.md.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
_PLACES = ("Dockerfile*", "docker-compose*.yml", "deploy/**/*.yml", ".github/workflows/*.yml")
_PIN = re.compile(
    r"(?:(?P<variable>[A-Z][A-Z0-9_]*)(?:=|:-))?"
    r"(?P<image>[a-z0-9][a-z0-9._/:-]*:\w[\w.-]*)@(?P<digest>sha256:[0-9a-f]{64})"
)
_SECONDS = 60


class Pin(NamedTuple):
    """An image with a pinned digest. `variable` names the build argument or Compose variable that can replace it, or is
    "".
    """

    variable: str
    image: str
    digest: str


class UnresolvedError(Exception):
    """The registry gave no digest for a tag."""


def files() -> list[Path]:
    return sorted(path for place in _PLACES for path in ROOT.glob(place))


def pins() -> Iterator[Pin]:
    for path in files():
        for found in _PIN.finditer(path.read_bytes().decode()):
            yield Pin(found["variable"] or "", found["image"], found["digest"])


def chosen() -> dict[str, str]:
    return {pin.variable: os.environ.get(pin.variable) or f"{pin.image}@{pin.digest}" for pin in pins() if pin.variable}


def resolve(image: str) -> str:
    """Return the registry's digest of `image` (NAME:TAG). For a multi-platform image, return its index digest."""
    command = ["docker", "buildx", "imagetools", "inspect", image, "--format", "{{json .Manifest}}"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)  # noqa: S603
    except FileNotFoundError:
        raise UnresolvedError("docker is not on PATH; install it with its plugin buildx") from None
    except subprocess.TimeoutExpired:
        raise UnresolvedError(f"no answer within {_SECONDS} s") from None
    if asked.returncode != 0:
        raise UnresolvedError((asked.stderr.strip().splitlines() or ["docker buildx failed"])[-1])
    return str(json.loads(asked.stdout)["digest"])


def refresh() -> int:
    """Replace all pinned digests by the current ones. Return 0, or 1 if a digest is missing and no file was changed."""
    old = {pin.image: pin.digest for pin in pins()}
    new, failed = {}, False
    for image in sorted(old):
        try:
            new[image] = resolve(image)
        except UnresolvedError as exc:
            failed = True
            sys.stderr.write(f"images: {image}: {exc}\n")
    if failed:
        sys.stderr.write("images: no file was changed. Check the tags, the network, and `docker login`.\n")
        return 1
    for path in files():
        text = path.read_bytes().decode()
        path.write_bytes(_PIN.sub(lambda found: found[0].replace(found["digest"], new[found["image"]]), text).encode())
    for image, digest in new.items():
        print(f"{image}: {old[image]} -> {digest}" if old[image] != digest else f"{image}: unchanged")  # noqa: T201
    return 0


def main() -> int:
    if sys.argv[1:] == ["refresh"]:
        return refresh()
    if sys.argv[1:] == ["tags"]:
        sys.stdout.writelines(f"{pin.variable}={pin.image}\n" for pin in pins() if pin.variable)
        return 0
    sys.stderr.write("usage: base_images.py refresh | tags\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
