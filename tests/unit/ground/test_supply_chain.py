"""What the service is made of may be used, and the SBOM names all of it."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def chain() -> Any:
    """`.ci/supply_chain.py`, whose folder is no package."""
    spec = importlib.util.spec_from_file_location("supply_chain", _ROOT / ".ci/supply_chain.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["supply_chain"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("lock", ["RUNTIME", "DEVELOPMENT"])
def test_every_licence_is_one_that_may_be_used(chain: Any, lock: str) -> None:
    assert list(chain.refusals([*chain.locked(getattr(chain, lock)), *chain.vendored()])) == []


@pytest.mark.parametrize(
    ("licence", "may"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("GPL-2.0-only OR MIT", True),
        ("MIT AND AGPL-3.0-only", False),
        ("(Apache-2.0 OR BSD-3-Clause)", True),
    ],
)
def test_an_alternative_is_enough_and_a_part_is_not(chain: Any, licence: str, may: bool) -> None:
    assert chain.allowed(licence) is may


def test_a_package_that_says_nothing_is_told(chain: Any) -> None:
    silent = chain.Component("pkg:pypi/x@1", "x", "1", (), None)
    assert list(chain.refusals([silent])) == ["x 1: no licence that is known"]


def test_the_sbom_names_every_locked_package_with_its_hashes(chain: Any) -> None:
    document = chain.sbom("1.0")
    lock = (_ROOT / "requirements/runtime.lock").read_text(encoding="utf-8")
    names = {part["name"] for part in document["components"]}
    assert names >= set(re.findall(r"^([a-z0-9._-]+)==", lock, re.M)) | {"htmx.org", "swagger-ui-dist"}
    digests = {prop["value"] for part in document["components"] for prop in part.get("properties", ())}
    digests |= {one["content"] for part in document["components"] for one in part.get("hashes", ())}
    assert digests >= set(re.findall(r"sha256:([0-9a-f]{64})", lock))
    assert document == chain.sbom("1.0"), "the same locks give the same document"
