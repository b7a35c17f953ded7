"""Render pages in Chromium. The SSRF guard and robots.txt also apply to all that these pages load.

See docs/browser-pages.md.
"""
