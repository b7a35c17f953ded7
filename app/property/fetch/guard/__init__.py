"""Check URLs from strangers before anything connects to them (SSRF protection)."""
