"""Render pages in Chromium (docs/browser-pages.md). The SSRF guard and robots.txt apply to all requests of a page."""
