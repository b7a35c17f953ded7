"""Check the browser settings and build the renderer."""

import importlib.util
import os
import sys

from app.clock import Clock
from app.errors import ConfigurationError
from app.property.fetch.browser.process import Program
from app.property.fetch.browser.renderer import BrowserRenderer, RenderLimits
from app.property.fetch.limits import Limits
from app.settings import Settings

_GREEN = ("gevent", "eventlet")


def build_renderer(
    settings: Settings,
    clock: Clock,
    *,
    limits: Limits,
    render_limits: RenderLimits | None = None,
    more_switches: tuple[str, ...] = (),
) -> BrowserRenderer | None:
    """Return a renderer configured by the settings, or None if the settings name no browser. Do not start the browser
    yet.

    `more_switches` are additional command-line switches for Chromium. Raises `ConfigurationError` if the browser cannot
    run here.
    """
    check_browser(settings)
    if settings.fetch.browser_path is None:
        return None
    program = Program(
        executable=settings.fetch.browser_path.expanduser(),
        sandbox=settings.fetch.browser_sandbox,
        memory_bytes=settings.fetch.browser_memory_bytes,
        more_switches=more_switches,
    )
    return BrowserRenderer(
        program,
        limits=limits,
        clock=clock,
        user_agent=settings.fetch.user_agent,
        hosts=settings.fetch.browser_hosts,
        places=settings.fetch.concurrency_per_host,
        render_limits=render_limits,
    )


def check_browser(settings: Settings) -> None:
    """Raise `ConfigurationError` if the settings name a browser that cannot run here."""
    path = settings.fetch.browser_path
    if path is None:
        if settings.fetch.browser_hosts:
            problem, remedy = (
                "is not set, and FETCH_BROWSER_HOSTS names hosts",
                "Set it to a Chromium, or name no hosts",
            )
            raise ConfigurationError("FETCH_BROWSER_PATH", problem, remedy)
        return
    if importlib.util.find_spec("playwright") is None:
        problem = "names a browser, and the package playwright, which drives it, is not installed"
        raise ConfigurationError("FETCH_BROWSER_PATH", problem, "Install playwright where this service is installed")
    program = path.expanduser()
    if not program.is_file() or not os.access(program, os.X_OK):
        remedy = "Install one (Debian: `apt-get install chromium`, then /usr/bin/chromium), or leave it empty"
        raise ConfigurationError("FETCH_BROWSER_PATH", f"{path} is no program that can be run here", remedy)
    if settings.fetch.browser_sandbox and os.geteuid() == 0:
        problem = "is on, and Chromium's sandbox does not work for root"
        remedy = "Run as another user; only where a container of its own is the sandbox, set it to false"
        raise ConfigurationError("FETCH_BROWSER_SANDBOX", problem, remedy)
    if any(_is_green(name) for name in _GREEN):
        problem = "names a browser, which a pool of green threads cannot wait for"
        raise ConfigurationError(
            "FETCH_BROWSER_PATH", problem, "Run the worker with `--pool prefork` or `--pool threads`"
        )


def _is_green(library: str) -> bool:
    patcher = sys.modules.get(f"{library}.monkey") or sys.modules.get(f"{library}.patcher")
    is_patched = getattr(patcher, "is_module_patched", None) or getattr(patcher, "is_monkey_patched", None)
    return bool(is_patched is not None and is_patched("thread"))
