"""How Chromium is started: with no way to the network, and none of what it does for people.

Sources of the switches: https://peter.sh/experiments/chromium-command-line-switches and
https://source.chromium.org; Playwright adds its own (`chromiumSwitches.ts`), among them `--enable-automation`, by which
a page can see what it is visited by (`navigator.webdriver`). Nothing here hides that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

#: Chromium takes the last list only, so Playwright's own is repeated here as far as it matters
_DISABLED_FEATURES = (
    # of Playwright
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
    # names asked of somebody else, or of everybody in the local network
    "DnsOverHttps",
    "WebRtcHideLocalIpsWithMdns",
    # pages fetched before anybody asked for them
    "Prerender2",
    "SpeculationRulesPrefetchFuture",
    # what Chromium tells its maker
    "AutofillServerCommunication",
    "CertificateTransparencyComponentUpdater",
    "Reporting",
    "NetworkErrorLogging",
    "SegmentationPlatform",
    "Translate",
)


def switches(memory_bytes: int) -> list[str]:
    """What is added to Playwright's switches. `memory_bytes` is what all of the browser may take."""
    return [
        # no name is resolved here, so that nothing is reached, whatever overlooks the proxy
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--dns-prefetch-disable",
        "--disable-quic",
        "--webrtc-ip-handling-policy=disable_non_proxied_udp",
        "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
        f"--disable-features={','.join(_DISABLED_FEATURES)}",
        "--disable-domain-reliability",
        "--no-pings",
        "--disable-client-side-phishing-detection",
        "--disable-notifications",
        "--disable-speech-api",
        "--disable-remote-fonts",
        "--disable-crash-reporter",
        "--disable-gpu",
        "--disable-3d-apis",
        "--blink-settings=imagesEnabled=false",
        "--deny-permission-prompts",
        "--renderer-process-limit=4",
        f"--js-flags=--max-old-space-size={max(128, memory_bytes // 3_000_000)}",
        "--disk-cache-size=1",
    ]


def launch_options(
    *, executable: str, proxy: str, sandbox: bool, memory_bytes: int, environment: dict[str, str], more: Sequence[str]
) -> dict[str, Any]:
    """The arguments of Playwright's `launch`. `proxy` is the URL of one that answers nobody."""
    return {
        "executable_path": executable,
        "headless": True,
        "chromium_sandbox": sandbox,
        "args": [*switches(memory_bytes), *more],
        # Chromium never asks a proxy for loopback and link-local addresses unless this takes that rule away
        "proxy": {"server": proxy, "bypass": "<-loopback>"},
        "env": environment,
        "handle_sigint": False,
        "handle_sigterm": False,
        "handle_sighup": False,
        "timeout": 30_000,
    }
