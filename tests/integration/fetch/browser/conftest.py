"""A fetcher with a real Chromium, and functions that create pages which need a browser."""

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from app.property.fetch.browser import process
from app.property.fetch.browser.renderer import RenderLimits
from app.property.fetch.client.fetcher import Fetcher
from app.property.fetch.guard import check, ranges
from app.property.fetch.limits import Limits
from tests.integration.fetch.conftest import fetchers

OPENED = "127.0.0.0/8,::1/128"
QUICK = RenderLimits(settle_seconds=8.0, quiet_seconds=0.4)
#: A long time limit for fetches, because rendering is several times slower while other tests run.
PATIENT = Limits(total_seconds=240)
#: The HTML that a script adds to an otherwise empty page.
FACTS = """<h1>12 Elm Street, Springfield, IL 62704</h1><dl>
<dt>Price</dt><dd>$250,000</dd><dt>Bedrooms</dt><dd>3</dd><dt>Year built</dt><dd>1987</dd></dl>"""

MakeBrowserFetcher = Callable[..., Fetcher]


def shell(script: str, *, head: str = "") -> bytes:
    """Return a page with a script and an empty element `root` that the script can fill."""
    padding = "/* what a bundler leaves */" * 12
    page = f"<!doctype html><title>Homes</title>{head}<div id=root></div><script>{script}{padding}</script>"
    return page.encode()


def drawing(html: str = FACTS) -> str:
    """Return a script that writes `html` into the element `root` of a `shell` page."""
    return f"document.getElementById('root').innerHTML = `{html}`;"


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Chromium gets four minutes to start, because other tests run at the same time."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no Chromium: install Debian's package chromium")
    process._START_SECONDS = 240.0
    return Path(program)


def _options(chromium: Path) -> dict[str, Any]:
    """The sandbox is off if the tests run as root (docs/browser-pages.md)."""
    sandbox = os.geteuid() != 0
    return {"fetch_browser_path": chromium, "fetch_browser_sandbox": sandbox, "render_limits": QUICK, "limits": PATIENT}


@pytest.fixture
def make_browser_fetcher(make_fetcher: Callable[..., Fetcher], chromium: Path) -> MakeBrowserFetcher:
    return lambda opened=OPENED, **options: make_fetcher(opened, **{**_options(chromium), **options})


@pytest.fixture(scope="module")
def render_limits() -> RenderLimits:
    return QUICK


@pytest.fixture(scope="module")
def browser_fetcher(chromium: Path, render_limits: RenderLimits) -> Iterator[Fetcher]:
    """Return a fetcher whose browser all tests of a module share. A module may override `render_limits`."""
    with fetchers() as make:
        yield make(OPENED, **{**_options(chromium), "render_limits": render_limits})


@pytest.fixture
def public_site(make_site: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a function that starts a site at 127.0.0.2, which stands for a public address: pages on opened private
    networks may load public resources, but none of other private origins.
    """
    monkeypatch.setattr(
        check, "refusal", lambda address: None if str(address) == "127.0.0.2" else ranges.refusal(address)
    )
    return partial(make_site, "127.0.0.2")


def renderer_of(fetcher: Fetcher) -> Any:
    return cast("Any", fetcher._rendering)._renderer


def processes_of(pid: int) -> set[int]:
    """Return the ids of all processes whose environment contains the folder of the browser process `pid`."""
    return {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal() and _is_of(entry, pid)}


def _is_of(entry: Path, pid: int) -> bool:
    folder = _folder_of(pid)
    try:
        return folder != b"" and folder in (entry / "environ").read_bytes()
    except OSError:
        return False


_FOLDERS: dict[int, bytes] = {}


def _folder_of(pid: int) -> bytes:
    """Return the folder of the browser process `pid`. Its descendants have this folder as TMPDIR or HOME."""
    if pid not in _FOLDERS:
        fields = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        _FOLDERS[pid] = next(field.partition(b"=")[2] for field in fields if field.startswith(b"TMPDIR="))
    return _FOLDERS[pid]
