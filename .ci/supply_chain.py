"""List the components of the service. `licenses` checks their licenses, `sbom FILE` writes a CycloneDX 1.6 document,
and `audit` looks for known vulnerabilities.

Components come from requirements/runtime.lock and web/vendor/package-lock.json, licenses from the installed packages'
metadata. Only `audit` needs a network: see docs/runbooks/supply-chain.md.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RUNTIME, DEVELOPMENT = ROOT / "requirements/runtime.lock", ROOT / "requirements/dev.lock"
#: Accepted SPDX identifiers. The project does not change packages under the LGPL or MPL.
ALLOWED = frozenset(
    {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CNRI-Python", "ISC"}
    | {"LGPL-3.0-only", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0", "Unlicense"}
)
#: Licenses of packages whose metadata names none, read from their source.
_READ_BY_HAND = {"axe-playwright-python": "MIT"}
#: Maps patterns of older license names to SPDX identifiers. Every package here whose license is called "BSD" has the
#: three-clause license.
_SPDX = (
    (r"apache.*(2|license)|^apache", "Apache-2.0"),
    (r"mit\b", "MIT"),
    (r"2-clause", "BSD-2-Clause"),
    (r"bsd", "BSD-3-Clause"),
    (r"mozilla|mpl", "MPL-2.0"),
    (r"python software foundation|psf", "PSF-2.0"),
    (r"isc", "ISC"),
)
_LOCKED = re.compile(r"^([a-z0-9._-]+)==(\S+)(?: ; (.+?))? \\$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Component:
    """`marker` limits the platforms. `license` is an SPDX expression, or None if unknown."""

    purl: str
    name: str
    version: str
    hashes: tuple[tuple[str, str], ...]
    license: str | None
    marker: str = ""


def locked(lock: Path) -> list[Component]:
    """Return the components of a Python lock file, each with the hashes of all its files."""
    installed = {_normal(found.name): found for found in distributions()}
    components: list[Component] = []
    text = lock.read_text(encoding="utf-8")
    for entry in re.split(r"\n(?=\S)", text):
        head = _LOCKED.match(entry.split("\n", 1)[0])
        if head is None:
            continue
        name, version, marker = head[1], head[2], head[3] or ""
        found = installed.get(_normal(name))
        license = license_of(found) if found is not None and found.version == version else None
        hashes = tuple(("SHA-256", digest) for digest in _HASH.findall(entry))
        components.append(Component(f"pkg:pypi/{name}@{version}", name, version, hashes, license, marker))
    return components


def vendored() -> list[Component]:
    lock = json.loads((ROOT / "web/vendor/package-lock.json").read_text(encoding="utf-8"))
    components = []
    for path, package in lock["packages"].items():
        if not path:
            continue
        name, version = path.removeprefix("node_modules/"), package["version"]
        digest = base64.b64decode(package["integrity"].removeprefix("sha512-")).hex()
        license = {"BSD-0-Clause": "0BSD"}.get(package["license"], package["license"])
        purl = f"pkg:npm/{name.replace('@', '%40')}@{version}"
        components.append(Component(purl, name, version, (("SHA-512", digest),), license))
    return components


def license_of(found: Distribution) -> str | None:
    fields = found.metadata
    if expression := fields.get("License-Expression"):
        return str(expression)
    words = [name.rpartition(" :: ")[2] for name in fields.get_all("Classifier") or [] if name.startswith("License ::")]
    for text in (*words, (fields.get("License") or "").partition("\n")[0]):
        for pattern, spdx in _SPDX:
            if re.search(pattern, text, re.I):
                return spdx
    return _READ_BY_HAND.get(_normal(found.name))


def allowed(expression: str) -> bool:
    """Return True if every license in one alternative of the expression is accepted."""
    alternatives = re.split(r"\s+OR\s+", expression.replace("(", "").replace(")", ""))
    return any(all(name in ALLOWED for name in re.split(r"\s+AND\s+", one)) for one in alternatives)


def refusals(components: list[Component]) -> Iterator[str]:
    """Yield a message for each component whose license is unknown or not accepted. The license of a package for another
    platform may be unknown, because the package is not installed here.
    """
    for one in components:
        if one.license is None and not one.marker:
            yield f"{one.name} {one.version}: no license that is known"
        elif one.license is not None and not allowed(one.license):
            yield f"{one.name} {one.version}: {one.license}"


def sbom(version: str) -> dict[str, Any]:
    """Return a CycloneDX document without a timestamp, so that equal locks give equal documents."""
    parts = [*locked(RUNTIME), *vendored()]
    root = f"pkg:generic/property-intelligence@{version}"
    names = "\n".join(sorted(one.purl for one in parts))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, root + names)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application", "bom-ref": root, "name": "property-intelligence", "version": version,
                "purl": root, "licenses": [{"license": {"id": "MIT"}}],
            }
        },
        "components": [_entry(one) for one in parts],
        "dependencies": [{"ref": root, "dependsOn": [one.purl for one in parts]}],
    }  # fmt: skip


def _entry(one: Component) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "type": "library", "bom-ref": one.purl, "name": one.name, "version": one.version, "purl": one.purl,
    }  # fmt: skip
    if len(one.hashes) == 1:
        entry["hashes"] = [{"alg": name, "content": digest} for name, digest in one.hashes]
    else:  # Which file is installed depends on the platform.
        entry["properties"] = [{"name": "property-intelligence:sha256", "value": digest} for _, digest in one.hashes]
    if one.license:
        entry["licenses"] = [{"expression": one.license}]
    if one.marker:
        entry.setdefault("properties", []).append({"name": "property-intelligence:marker", "value": one.marker})
    return entry


def audit(options: Sequence[str]) -> int:
    """Return 0 if no locked version has a known vulnerability, 1 if some have, and 2 if the database cannot be reached.
    pip-audit prints the table; `options` are passed to pip-audit."""
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--requirement", str(RUNTIME)]
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer"
        asked = [*command, "--progress-spinner", "off", "--output", str(answer), *options]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 (our own words)
        if done.returncode != 0 and not answer.is_file():
            reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            sys.stderr.write(
                "audit: the vulnerability service gave no answer, so nothing is known of any package. It needs a"
                f" network; .github/workflows/audit.yml asks every week.\n  {reason}\n"
            )
            return 2
        sys.stdout.write(answer.read_text(encoding="utf-8") if answer.is_file() else "")
        sys.stderr.write(done.stderr)
    return done.returncode


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    if sys.argv[1] == "audit":
        return audit(sys.argv[2:])
    if sys.argv[1] == "sbom":
        text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        found = re.search(r'^version = "(.+)"$', text, re.M)
        assert found is not None  # noqa: S101 (our own file)
        target = Path(sys.argv[2])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(sbom(found[1]), indent=2) + "\n", encoding="utf-8")
        return 0
    components = [*locked(RUNTIME), *vendored()]
    for one in sorted(components, key=lambda one: one.name):
        print(f"{one.name} {one.version}: {one.license or f'not installed here ({one.marker})'}")  # noqa: T201
    refused = [*refusals(components), *refusals(locked(DEVELOPMENT))]
    sys.stderr.writelines(f"{line}\n" for line in refused)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
