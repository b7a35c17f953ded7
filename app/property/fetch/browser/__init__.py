"""Render pages in Chromium, under the same rules as every other request. See docs/browser-pages.md."""
