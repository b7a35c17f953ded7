"""Build a fetcher from the settings."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from app.clock import Clock
from app.property.fetch.browser.renderer import RenderLimits
from app.property.fetch.browser.setup import build_renderer
from app.property.fetch.client.fetcher import Fetcher
from app.property.fetch.guard.check import Guard
from app.property.fetch.guard.resolver import Resolver, SystemResolver
from app.property.fetch.limits import Limits
from app.property.fetch.pace.politeness import Politeness
from app.property.fetch.pace.stores import LocalPace, PaceStore, RedisPace
from app.property.fetch.robots.cache import LocalRobotsCache, RedisRobotsCache
from app.property.urls.site import site_of
from app.settings import Settings

if TYPE_CHECKING:
    from redis import Redis


def build_fetcher(
    settings: Settings,
    clock: Clock,
    redis: Redis | None = None,
    *,
    limits: Limits | None = None,
    resolver: Resolver | None = None,
    ssl_context: ssl.SSLContext | None = None,
    render_limits: RenderLimits | None = None,
    browser_switches: tuple[str, ...] = (),
) -> Fetcher:
    """Return a fetcher configured by the settings.

    All processes with the same `redis` share rate limits and robots.txt files. If `redis` is None, each process has its
    own. `resolver` and `ssl_context` default to the machine's resolver and trusted certificates. `browser_switches` are
    additional command-line switches for Chromium. Raises `ConfigurationError` if the configured browser cannot run
    here.
    """
    site_of("example.com")  # load the Public Suffix List now, not during the first request
    limits, resolver = limits or Limits(), resolver or SystemResolver(clock)
    renderer = build_renderer(
        settings, clock, limits=limits, render_limits=render_limits, more_switches=browser_switches
    )
    concurrency, lease_seconds = settings.fetch.concurrency_per_host, limits.total_seconds + 10
    store: PaceStore = (
        LocalPace(clock, concurrency=concurrency, lease_seconds=lease_seconds)
        if redis is None
        else RedisPace(redis, concurrency=concurrency, lease_seconds=lease_seconds)
    )
    return Fetcher(
        guard=Guard(resolver, settings.fetch.allowed_private_networks),
        politeness=Politeness(store, clock, min_gap_seconds=settings.fetch.min_delay_seconds),
        robots_cache=LocalRobotsCache(clock) if redis is None else RedisRobotsCache(redis, clock),
        limits=limits,
        user_agent=settings.fetch.user_agent,
        clock=clock,
        ignored_robots=settings.fetch.ignore_robots,
        ssl_context=ssl_context,
        renderer=renderer,
    )
