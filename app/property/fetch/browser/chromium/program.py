"""Launch options for Chromium. The options turn off Chromium's network access and services that only human users need.

Switches are documented at https://peter.sh/experiments/chromium-command-line-switches and https://source.chromium.org.
Playwright adds further switches (`chromiumSwitches.ts`), among them `--enable-automation`, which tells pages that the
browser is automated (`navigator.webdriver`).
"""

from collections.abc import Sequence
from typing import Any

#: Chromium uses only the last `--disable-features`, so this list repeats the relevant entries of Playwright's list.
_DISABLED_FEATURES = (
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding",
    "AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled",
    "PreconnectToSearch",
    # host name resolution that bypasses `--host-resolver-rules`
    "DnsOverHttps", "WebRtcHideLocalIpsWithMdns",
    # prefetching of pages
    "Prerender2", "SpeculationRulesPrefetchFuture",
    # reports to Chromium's vendor
    "AutofillServerCommunication", "CertificateTransparencyComponentUpdater", "Reporting", "NetworkErrorLogging",
    "SegmentationPlatform", "Translate",
)  # fmt: skip


def switches(memory_bytes: int) -> list[str]:
    """Return the switches to add to Playwright's. `memory_bytes` is the limit for the whole browser."""
    return [
        # resolve no host names, so that code that ignores the proxy cannot reach hosts by name
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
    """Return the arguments for Playwright's `launch`. `more` contains additional switches."""
    return {
        "executable_path": executable,
        "headless": True,
        "chromium_sandbox": sandbox,
        "args": [*switches(memory_bytes), *more],
        # without `bypass`, Chromium does not use the proxy for loopback and link-local addresses
        "proxy": {"server": proxy, "bypass": "<-loopback>"},
        "env": environment,
        "handle_sigint": False,
        "handle_sigterm": False,
        "handle_sighup": False,
        "timeout": 30_000,
    }
