"""A browser is replaced after its page limit or a crash, and leaves no process or file behind."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from app.errors.fetching import BrowserFailedError, BrowserUnavailableError, FetchTimeoutError, PageTooLargeError
from app.property.fetch.browser.chromium import memory
from app.property.fetch.browser.renderer import RenderLimits
from app.property.fetch.client.fetcher import Fetcher
from app.property.fetch.limits import Limits
from tests.integration.fetch.browser import a_worker
from tests.integration.fetch.browser.conftest import FACTS, drawing, processes_of, renderer_of, shell
from tests.plugins.waiting import wait_until

ROOT = Path(__file__).parents[4]


def _host(fetcher: Fetcher) -> int:
    return int(renderer_of(fetcher)._current.pid)


@pytest.fixture
def browser_fetcher(make_browser_fetcher: Any) -> Fetcher:
    return cast("Fetcher", make_browser_fetcher())


@pytest.fixture(autouse=True)
def own_temporary_folder(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The test's temporary folder has a short name, because paths of sockets have a length limit."""
    # let pytest create its own folder outside of the new one, because tests of other files use pytest's folder
    tmp_path_factory.getbasetemp()
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield


def _folders() -> set[str]:
    return {path.name for path in Path(tempfile.gettempdir()).glob("propintel-browser-*")}


# --- bombs and endless pages


@pytest.mark.parametrize("script", ["while (true) {}", "(function f() {Promise.resolve().then(f)})()"])
def test_an_endless_script_is_stopped_in_time(site: Any, make_browser_fetcher: Any, script: str) -> None:
    browser_fetcher = make_browser_fetcher(limits=Limits(total_seconds=6))
    url, good = site.page("/home", shell(script)), site.page("/good", shell(drawing()))

    def is_rendered() -> bool:
        """Return whether the good page is rendered. On a busy machine, the browser's start may take all the time."""
        with contextlib.suppress(FetchTimeoutError):
            return "12 Elm Street" in browser_fetcher.fetch(good).text
        return False

    wait_until(is_rendered, 20)
    began = time.monotonic()
    with pytest.raises(FetchTimeoutError):
        browser_fetcher.fetch(url)
    assert time.monotonic() - began < 6 + 60, "the endless script still runs"
    wait_until(is_rendered, 20)


@pytest.mark.parametrize(
    "script",
    [
        "const a = []; while (true) a.push(new Array(1e6).fill(1.5))",
        "const a = []; setInterval(() => {a.push(new Uint8Array(5e7).fill(1)); document.body.append('x')}, 10)",
    ],
)
def test_memory_is_bounded(site: Any, make_browser_fetcher: Any, script: str) -> None:
    limits = RenderLimits(settle_seconds=25, quiet_seconds=0.4)
    browser_fetcher = make_browser_fetcher(
        fetch_browser_memory_bytes=900_000_000, render_limits=limits, limits=Limits(total_seconds=120)
    )
    url, good = site.page("/home", shell(script)), site.page("/good", shell(drawing()))
    browser_fetcher.fetch(good)
    peak = _Peak(_host(browser_fetcher))
    with pytest.raises((BrowserFailedError, FetchTimeoutError, PageTooLargeError)):
        browser_fetcher.fetch(url)
    assert peak.stop() < 1_800_000_000
    assert "12 Elm Street" in browser_fetcher.fetch(good).text


class _Peak:
    def __init__(self, pid: int) -> None:
        self._pid, self._most, self._over = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            self._most = max(self._most, memory.used_bytes(self._pid))

    def stop(self) -> int:
        self._over.set()
        self._thread.join()
        assert self._most > 10_000_000
        return self._most


def test_a_page_that_renders_too_much_is_an_error(site: Any, make_browser_fetcher: Any) -> None:
    browser_fetcher = make_browser_fetcher(limits=Limits(body_bytes=1_000_000))
    with pytest.raises(PageTooLargeError, match="once it is rendered"):
        browser_fetcher.fetch(site.page("/home", shell("document.body.textContent = 'x'.repeat(2e6)")))


@pytest.mark.parametrize("kind", ["endless", "silent"])
def test_loading_ends_at_the_limits(site: Any, make_browser_fetcher: Any, kind: str) -> None:
    def chunks() -> Any:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/javascript\r\n\r\n"
        if kind == "silent":
            threading.Event().wait(90)
        while kind == "endless":
            yield b"/* " + b"x" * 65_536 + b" */\n"

    site.raw("/data", chunks)
    limits = RenderLimits(settle_seconds=4, quiet_seconds=0.4, loaded_bytes=2_000_000)
    browser_fetcher = make_browser_fetcher(
        limits=Limits(total_seconds=80), render_limits=limits, fetch_browser_memory_bytes=900_000_000
    )
    load = "const s = document.createElement('script'); s.src = '/data'; document.body.append(s)"
    url = site.page("/home", shell(f"{drawing()} {load}"))
    began = time.monotonic()
    try:
        text = browser_fetcher.fetch(url).text
    except BrowserFailedError as exc:
        text = str(exc)
    assert "12 Elm Street" in text or "bytes of memory" in text
    assert time.monotonic() - began < 80
    assert site.sent_bytes < 12_000_000


# --- one browser for many pages


def test_one_browser_serves_until_its_page_limit(site: Any, make_browser_fetcher: Any) -> None:
    browser_fetcher = make_browser_fetcher(
        render_limits=RenderLimits(settle_seconds=5, quiet_seconds=0.2, pages_per_browser=2)
    )
    url = site.page("/home", shell(drawing()))
    hosts = []
    for _ in range(4):
        assert "12 Elm Street" in browser_fetcher.fetch(url).text
        hosts.append(_host(browser_fetcher))
    assert hosts[0] == hosts[1] != hosts[2] == hosts[3]
    wait_until(lambda: not Path(f"/proc/{hosts[0]}").exists(), 10)


@pytest.mark.parametrize("victim", ["host", "browser"])
def test_a_browser_that_dies_between_pages_is_replaced(site: Any, browser_fetcher: Fetcher, victim: str) -> None:
    url = site.page("/home", shell(drawing()))
    browser_fetcher.fetch(url)
    host = _host(browser_fetcher)
    _kill(host, victim)
    assert "12 Elm Street" in browser_fetcher.fetch(url).text
    assert _host(browser_fetcher) != host
    wait_until(lambda: not processes_of(host), 10)


def _command(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _kill(host: int, victim: str) -> None:
    below = memory.descendants(host)
    browser = [pid for pid in below if b"--remote-debugging-pipe" in _command(pid)]
    processes_of(host)  # stores the browser's folder in `_FOLDERS` before the process ends
    for pid in {"host": [host], "browser": browser}[victim]:
        with contextlib.suppress(ProcessLookupError):  # a child may end as soon as its parent has ended
            os.kill(pid, signal.SIGKILL)


def test_a_browser_that_dies_during_a_page_is_an_error(site: Any, browser_fetcher: Fetcher) -> None:
    """The error is transient, so a job would be retried. The next page gets a new browser."""
    good = site.page("/good", shell(drawing()))
    browser_fetcher.fetch(good)
    host = _host(browser_fetcher)
    asked = threading.Event()

    def die(handler: Any) -> None:
        asked.set()
        _kill(host, "host")
        raise OSError

    site.handle("/die", die)
    with pytest.raises(BrowserFailedError) as caught:
        browser_fetcher.fetch(site.page("/home", shell("fetch('/die')")))
    assert caught.value.transient
    assert asked.is_set()
    assert "12 Elm Street" in browser_fetcher.fetch(good).text


def test_a_browser_that_cannot_start_gives_a_reason(site: Any, make_browser_fetcher: Any, tmp_path: Path) -> None:
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\necho 'FATAL: no room for a sandbox here' >&2\nexit 1\n")
    program.chmod(0o755)
    before = _folders()
    browser_fetcher = make_browser_fetcher(fetch_browser_path=program)
    reason = r"did not start \(.*no room for a sandbox here.*docs/browser-pages"
    with pytest.raises(BrowserUnavailableError, match=reason):
        browser_fetcher.fetch(site.page("/home", shell(drawing())))
    assert _folders() == before


def test_a_closed_fetcher_leaves_no_process_or_file(site: Any, make_browser_fetcher: Any) -> None:
    before = _folders()
    browser_fetcher = make_browser_fetcher()
    browser_fetcher.fetch(site.page("/home", shell(drawing())))
    host = _host(browser_fetcher)
    assert len(processes_of(host)) > 3
    browser_fetcher.close()
    assert processes_of(host) == set()
    assert _folders() == before


def test_a_job_that_is_stopped_closes_its_page(site: Any, browser_fetcher: Fetcher) -> None:
    """A signal handler raises an exception, as Celery does at its time limit. Then nothing more is loaded."""
    url = site.page("/home", shell("setInterval(() => fetch('/more').catch(() => 0), 20)"))
    browser_fetcher.fetch(site.page("/good", shell(drawing())))

    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    def stop(_: Any) -> None:
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, stopped)
    try:
        site.handle("/more", stop)
        with pytest.raises(KeyboardInterrupt):
            browser_fetcher.fetch(url)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert renderer_of(browser_fetcher)._current.users == 0
    hits = len(site.hits)
    time.sleep(1.0)  # an unwanted request would arrive in this time
    assert len(site.hits) == hits
    assert "12 Elm Street" in browser_fetcher.fetch(f"{site.base}/good").text


# --- a worker that is killed


@pytest.mark.parametrize(("victims", "busy"), [("worker", True), ("everything but Chromium", False)])
def test_a_killed_worker_leaves_no_browser(chromium: Path, victims: str, busy: bool) -> None:
    command = [sys.executable, "-m", a_worker.__name__, str(chromium), "busy" if busy else "idle"]
    worker = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    host = int(worker.stdout.readline())
    below = memory.descendants(host)
    assert len(processes_of(host)) > 3
    nodes = [pid for pid in below if b"/driver/node" in _command(pid)]
    for pid in [worker.pid] if victims == "worker" else [worker.pid, host, *nodes]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    worker.wait()
    wait_until(lambda: not processes_of(host), 10, lambda: str([_command(pid)[:200] for pid in processes_of(host)]))


def test_files_of_a_killed_browser_are_removed(site: Any, make_browser_fetcher: Callable[..., Fetcher]) -> None:
    """An equally old folder that is in use is not removed."""
    url = site.page("/home", shell(drawing(FACTS)))
    first, second = make_browser_fetcher(), make_browser_fetcher()
    first.fetch(url)
    used_folder = renderer_of(first)._current._folder
    left = Path(tempfile.mkdtemp(prefix="propintel-browser-"))
    (left / "alive").write_bytes(b"")
    for folder in (left, used_folder):
        os.utime(folder, (time.time() - 3600, time.time() - 3600))
    second.fetch(url)
    assert not left.exists()
    assert used_folder.exists()
    assert "12 Elm Street" in first.fetch(url).text
