"""Check untrusted URLs before anything connects to them (SSRF protection)."""
