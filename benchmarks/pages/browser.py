"""Measure the time to a page's first paint in Chromium, and the server's response time."""

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

import httpx2
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from app.access.tokens import Role, issue_token
from app.clock import SystemClock
from app.settings import Settings
from benchmarks.results import BenchmarkError

_SECONDS = 60
#: A script that waits for the first paint, and returns its time in milliseconds since the navigation began.
_FIRST_PAINT = """() => new Promise(resolve => new PerformanceObserver(list => {
    const [entry] = list.getEntriesByName("first-contentful-paint");
    if (entry) resolve(entry.startTime);
}).observe({type: "paint", buffered: true}))"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the program `chromium` in headless mode. Raises `BenchmarkError` if Chromium is not installed."""
    program = shutil.which("chromium")
    if program is None:
        raise BenchmarkError("no Chromium here: install Debian's package chromium")
    with sync_playwright() as playwright:
        # root cannot use the sandbox, and /dev/shm is small in containers
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        launched = playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield launched
        finally:
            launched.close()


def sign_in(address: str, settings: Settings) -> Mapping[str, str]:
    token = issue_token(settings, Role.MANAGER, timedelta(hours=8), clock=SystemClock(), subject="tester")
    answer = httpx2.post(f"{address}/sign-in", data={"token": token}, trust_env=False, timeout=_SECONDS)
    if answer.status_code != 303 or not answer.cookies:
        raise BenchmarkError(f"signing in at the pages answered {answer.status_code}: {answer.text[:2000]}")
    return dict(answer.cookies)


class Visitor:
    def __init__(self, browser: Browser, address: str, cookies: Mapping[str, str]) -> None:
        self._browser, self._address, self._cookies = browser, address, cookies

    @contextmanager
    def profile(self) -> Iterator[BrowserContext]:
        context = self._browser.new_context(viewport={"width": 1280, "height": 800})
        context.set_default_timeout(1000 * _SECONDS)
        context.add_cookies([{"name": n, "value": v, "url": self._address} for n, v in self._cookies.items()])
        try:
            yield context
        finally:
            context.close()

    def first_paint(self, profile: BrowserContext, path: str) -> float:
        """Return the milliseconds from navigation to the first contentful paint.

        Raises `BenchmarkError` if the page redirects or does not answer 200.
        """
        page = profile.new_page()
        try:
            answer = page.goto(self._address + path)
            if answer is None or answer.status != 200 or page.url != self._address + path:
                status = answer.status if answer is not None else None
                raise BenchmarkError(f"{path} was answered {status} at {page.url}")
            return float(page.evaluate(_FIRST_PAINT))
        finally:
            page.close()


class HttpClient:
    def __init__(self, address: str, cookies: Mapping[str, str]) -> None:
        self._http = httpx2.Client(base_url=address, cookies=dict(cookies), timeout=_SECONDS, trust_env=False)

    def ask(self, path: str, *, refresh: bool = False) -> tuple[float, int]:
        """Return the response time in milliseconds, and the size in bytes.

        With `refresh`, request only the part that a live page reloads.
        """
        headers = {"HX-Request": "true"} if refresh else {}
        began = time.perf_counter()
        answer = self._http.get(path, headers=headers)
        took = 1000 * (time.perf_counter() - began)
        if answer.status_code != 200:
            raise BenchmarkError(f"{path} was answered {answer.status_code}: {answer.text[:2000]}")
        return took, len(answer.content)

    def close(self) -> None:
        self._http.close()
